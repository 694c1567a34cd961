// gocraft/work on Redis.
package main

import (
	"net/url"

	"dispatcher-bench/protocol"

	"github.com/gocraft/work"
	"github.com/gomodule/redigo/redis"
)

const publishers = 10

func main() { protocol.Run(open) }

func open(settings protocol.Settings, onTask func(int64)) (protocol.System, error) {
	address, err := url.Parse(settings["server"])
	if err != nil {
		return protocol.System{}, err
	}
	pool := &redis.Pool{MaxActive: 200, MaxIdle: 200, Wait: true, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", address.Host) }}
	if settings["role"] == "consume" {
		return consumer(settings, pool, onTask), nil
	}
	enqueuer := work.NewEnqueuer(settings["prefix"], pool)
	publish := publisher(enqueuer, settings)
	system := protocol.System{Close: func() {}}
	for range publishers {
		system.Publishers = append(system.Publishers, publish)
	}
	return system, nil
}

// consumer has one pool for all queues: a job's name is its queue there.
func consumer(settings protocol.Settings, pool *redis.Pool, onTask func(int64)) protocol.System {
	names := settings.QueueNames()
	workers := work.NewWorkerPool(struct{}{}, uint(settings.Number("limit")*len(names)), settings["prefix"], pool)
	for _, name := range names {
		workers.Job(name, func(job *work.Job) error {
			mark := int64(0)
			if settings["task"] != "noop" {
				mark = job.ArgInt64("mark")
			}
			onTask(mark)
			return job.ArgError()
		})
	}
	return protocol.System{Consume: func() error { workers.Start(); return nil }, Close: workers.Stop}
}

func publisher(enqueuer *work.Enqueuer, settings protocol.Settings) func(string, int64) error {
	text := settings.Text()
	return func(queue string, mark int64) error {
		args := work.Q{}
		if settings["task"] != "noop" {
			args = work.Q{"text": text, "mark": mark}
		}
		_, err := enqueuer.Enqueue(queue, args)
		return err
	}
}
