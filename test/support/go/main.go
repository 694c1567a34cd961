// A Go service beside ours on one exchange and one queue. It is built in two ways:
//
//	go build -tags gofort   with the real gofort/dispatcher (library.go)
//	go build                with a peer of our own, made after what docs/wire-format.md says of it (standin.go)
//
// Commands: "send" publishes -count tasks of every type and one without arguments; "count" publishes
// -count tasks named -task, each with its number; "work" runs tasks until its standard input closes.
// Everything it has to say it prints as one JSON object a line.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
)

type settings struct {
	url, exchange, queue, key string
}

// argument is one argument of a task: a type of the closed list and a Go value of it.
type argument struct {
	kind  string
	value interface{}
}

// peer is what both builds can do.
type peer interface {
	// publish returns the uuid that the task was given, once the server has confirmed it.
	publish(name string, args []argument, headers map[string]interface{}) (string, error)
	// work runs the tasks "all_types", "with_uuid", "counted" and "overruns" of the queue, three at a
	// time; it returns once it consumes.
	work() error
	close()
}

// timeoutSeconds is that of "overruns", which never ends.
const timeoutSeconds = 1

func main() {
	var s settings
	var count int
	var task string
	flag.StringVar(&s.url, "url", "", "AMQP URL")
	flag.StringVar(&s.exchange, "exchange", "", "exchange")
	flag.StringVar(&s.queue, "queue", "", "queue")
	flag.StringVar(&s.key, "key", "", "routing key and binding key")
	flag.IntVar(&count, "count", 1, "how many tasks to send")
	flag.StringVar(&task, "task", "counted", "the name of the tasks that count sends")
	flag.Parse()
	p, err := newPeer(s)
	must(err)
	switch flag.Arg(0) {
	case "send":
		send(p, count)
	case "count":
		sendCounted(p, task, count)
	case "work":
		must(p.work())
		say(map[string]interface{}{"kind": "working"})
		_, _ = io.Copy(io.Discard, os.Stdin)
	default:
		log.Fatalf("found the command %q; expected send, count or work", flag.Arg(0))
	}
	p.close()
}

func send(p peer, count int) {
	for n := 0; n < count; n++ {
		_, err := p.publish("all_types", everyType(n), map[string]interface{}{"tenant": "go"})
		must(err)
	}
	_, err := p.publish("without_arguments", nil, nil)
	must(err)
	say(map[string]interface{}{"kind": "sent", "count": count + 1})
}

func sendCounted(p peer, task string, count int) {
	for n := 0; n < count; n++ {
		uuid, err := p.publish(task, []argument{{"int", n}}, nil)
		must(err)
		say(map[string]interface{}{"kind": "accepted", "uuid": uuid})
	}
	say(map[string]interface{}{"kind": "sent", "count": count})
}

// everyType has each type at the edge of its range, and the characters that Go's JSON escapes.
func everyType(n int) []argument {
	return []argument{
		{"bool", true},
		{"string", fmt.Sprintf("task %d <ünï & ☃> \u2028", n)},
		{"int", math.MinInt64},
		{"int8", int8(math.MinInt8)},
		{"int16", int16(math.MinInt16)},
		{"int32", int32(math.MinInt32)},
		{"int64", int64(math.MinInt64)},
		{"uint", uint(math.MaxUint64)},
		{"uint8", uint8(math.MaxUint8)},
		{"uint16", uint16(math.MaxUint16)},
		{"uint32", uint32(math.MaxUint32)},
		{"uint64", uint64(math.MaxUint64)},
		{"float32", float32(1.5)},
		{"float64", 1e17},
	}
}

// allTypes is the function behind the task "all_types": its signature is the check of the types.
func allTypes(b bool, s string, i int, i8 int8, i16 int16, i32 int32, i64 int64, u uint, u8 uint8, u16 uint16, u32 uint32, u64 uint64, f32 float32, f64 float64) {
	args := []interface{}{b, s, i, i8, i16, i32, i64, u, u8, u16, u32, u64, f32, f64}
	described := make([]string, len(args))
	for n, arg := range args {
		described[n] = fmt.Sprintf("%T %v", arg, arg)
	}
	say(map[string]interface{}{"kind": "ran", "name": "all_types", "args": described})
}

// withUUID is the function behind the task "with_uuid".
func withUUID(uuid string, text string) {
	say(map[string]interface{}{"kind": "ran", "name": "with_uuid", "args": []string{uuid, text}})
}

// counted is the function behind the task "counted".
func counted(uuid string, n int) {
	say(map[string]interface{}{"kind": "started", "uuid": uuid})
	say(map[string]interface{}{"kind": "finished", "uuid": uuid, "n": n})
}

// overruns is the function behind the task "overruns": it outlives every timeout.
func overruns(uuid string, _ int) {
	say(map[string]interface{}{"kind": "overruns", "uuid": uuid})
	select {}
}

func say(line map[string]interface{}) {
	text, err := json.Marshal(line)
	must(err)
	// One write a line: tasks run at the same time.
	_, _ = os.Stdout.Write(append(text, '\n'))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
