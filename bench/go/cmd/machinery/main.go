// machinery v1 on RabbitMQ with no results kept.
package main

import (
	"io"
	stdlog "log"

	"dispatcher-bench/protocol"

	"github.com/RichardKnop/machinery/v1"
	"github.com/RichardKnop/machinery/v1/config"
	"github.com/RichardKnop/machinery/v1/log"
	"github.com/RichardKnop/machinery/v1/tasks"
)

// A server awaits the confirm of each task, so that several are needed to have several in flight.
const servers = 5

func main() {
	log.Set(stdlog.New(io.Discard, "", 0))
	protocol.Run(open)
}

func open(settings protocol.Settings, onTask func(int64)) (protocol.System, error) {
	names := settings.QueueNames()
	if settings["role"] == "consume" {
		return consumer(settings, names, onTask)
	}
	system := protocol.System{Close: func() {}}
	for range servers {
		server, err := newServer(settings, names[0])
		if err != nil {
			return system, err
		}
		system.Publishers = append(system.Publishers, publisher(server, settings))
	}
	return system, nil
}

func consumer(settings protocol.Settings, names []string, onTask func(int64)) (protocol.System, error) {
	var workers []*machinery.Worker
	for _, name := range names {
		server, err := newServer(settings, name)
		if err != nil {
			return protocol.System{}, err
		}
		if err := server.RegisterTask("task_1", handler(settings, onTask)); err != nil {
			return protocol.System{}, err
		}
		workers = append(workers, server.NewWorker(name, settings.Number("limit")))
	}
	consume := func() error {
		for _, worker := range workers {
			worker.LaunchAsync(make(chan error, 1))
		}
		return nil
	}
	quit := func() {
		for _, worker := range workers {
			worker.Quit()
		}
	}
	return protocol.System{Consume: consume, Close: quit}, nil
}

func handler(settings protocol.Settings, onTask func(int64)) interface{} {
	if settings["task"] == "noop" {
		return func() error { onTask(0); return nil }
	}
	return func(_ string, mark int64) error { onTask(mark); return nil }
}

func publisher(server *machinery.Server, settings protocol.Settings) func(string, int64) error {
	text := settings.Text()
	return func(queue string, mark int64) error {
		signature := &tasks.Signature{Name: "task_1", RoutingKey: queue}
		if settings["task"] != "noop" {
			signature.Args = []tasks.Arg{{Type: "string", Value: text}, {Type: "int64", Value: mark}}
		}
		_, err := server.SendTask(signature)
		return err
	}
}

func newServer(settings protocol.Settings, queue string) (*machinery.Server, error) {
	return machinery.NewServer(&config.Config{
		Broker:        settings["server"],
		DefaultQueue:  queue,
		ResultBackend: "null",
		NoUnixSignals: true,
		AMQP: &config.AMQPConfig{
			Exchange:      settings["prefix"],
			ExchangeType:  "direct",
			BindingKey:    queue,
			PrefetchCount: settings.Number("limit"),
		},
	})
}
