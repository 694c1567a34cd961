package protocol

import (
	"bufio"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// System is one open client of a system under test.
type System struct {
	// Publishers each publish one task at a time; the queue is a name and routing key, mark the second argument.
	Publishers []func(queue string, mark int64) error
	Consume    func() error
	Close      func()
}

// Run speaks with the driver until it says quit. Handlers call onTask with the second argument of their task.
func Run(open func(settings Settings, onTask func(mark int64)) (System, error)) {
	settings := parse()
	counter := newCounter(settings)
	system, err := open(settings, counter.add)
	fail(err)
	lines := bufio.NewScanner(os.Stdin)
	say("ready")
	if !lines.Scan() {
		os.Exit(1) // the driver is gone
	}
	if settings["role"] == "consume" {
		fail(system.Consume())
	} else {
		publish(system, settings, settings.Number("warmup"))
		say("started")
		publish(system, settings, settings.Number("count"))
		say("done")
	}
	lines.Scan()
	system.Close()
	os.Exit(0)
}

type counter struct {
	warmup, total int64
	seen          atomic.Int64
	latencies     *latencies
}

func newCounter(settings Settings) *counter {
	warmup, count := settings.Number("warmup"), settings.Number("count")
	c := &counter{warmup: int64(warmup), total: int64(warmup + count)}
	if settings["publishing"] == "paced" {
		c.latencies = &latencies{values: make([]float64, count)}
	}
	return c
}

func (c *counter) add(mark int64) {
	now := time.Now().UnixMicro()
	seen := c.seen.Add(1)
	if c.latencies != nil && seen > c.warmup {
		c.latencies.add(float64(now-mark) / 1000)
	}
	if seen == c.warmup {
		say("started")
	}
	if seen == c.total {
		say("done", c.latencies.report()...)
	}
}

func say(word string, values ...string) {
	line := fmt.Sprintf("bench %s %d", word, time.Now().UnixMicro())
	for _, value := range values {
		line += " " + value
	}
	fmt.Println(line)
}

func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
