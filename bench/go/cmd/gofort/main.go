//go:build gofort

// gofort/dispatcher, the original. Built only where its module can be downloaded.
package main

import (
	"fmt"

	"dispatcher-bench/protocol"

	"github.com/gofort/dispatcher"
)

// A server awaits the confirm of each task, so that several are needed to have several in flight.
const servers = 5

func main() { protocol.Run(open) }

func open(settings protocol.Settings, onTask func(int64)) (protocol.System, error) {
	if settings["role"] == "consume" {
		return consumer(settings, onTask)
	}
	var opened []*dispatcher.Server
	system := protocol.System{Close: func() {
		for _, server := range opened {
			server.Close()
		}
	}}
	for range servers {
		server, err := newServer(settings)
		if err != nil {
			return system, err
		}
		opened = append(opened, server)
		system.Publishers = append(system.Publishers, publisher(server, settings))
	}
	return system, nil
}

func consumer(settings protocol.Settings, onTask func(int64)) (protocol.System, error) {
	server, err := newServer(settings)
	if err != nil {
		return protocol.System{}, err
	}
	consume := func() error {
		for i, name := range settings.QueueNames() {
			config := dispatcher.WorkerConfig{Name: fmt.Sprintf("worker_%d", i), Queue: name, Limit: settings.Number("limit")}
			worker, err := server.NewWorker(&config, map[string]dispatcher.TaskConfig{"task_1": {Function: handler(settings, onTask)}})
			if err != nil {
				return err
			}
			if err := worker.Start(server); err != nil {
				return err
			}
		}
		return nil
	}
	return protocol.System{Consume: consume, Close: server.Close}, nil
}

func handler(settings protocol.Settings, onTask func(int64)) interface{} {
	if settings["task"] == "noop" {
		return func() { onTask(0) }
	}
	return func(_ string, mark int) { onTask(int64(mark)) }
}

func publisher(server *dispatcher.Server, settings protocol.Settings) func(string, int64) error {
	text := settings.Text()
	return func(queue string, mark int64) error {
		task := dispatcher.Task{Name: "task_1", RoutingKey: queue}
		if settings["task"] != "noop" {
			task.Args = []dispatcher.TaskArgument{{Type: "string", Value: text}, {Type: "int", Value: int(mark)}}
		}
		return server.Publish(&task)
	}
}

func newServer(settings protocol.Settings) (*dispatcher.Server, error) {
	var queues []dispatcher.Queue
	for _, name := range settings.QueueNames() {
		queues = append(queues, dispatcher.Queue{Name: name, BindingKeys: []string{name}})
	}
	server, _, err := dispatcher.NewServer(&dispatcher.ServerConfig{
		AMQPConnectionString: settings["server"],
		Exchange:             settings["prefix"],
		DefaultRoutingKey:    settings.QueueNames()[0],
		InitQueues:           queues,
	})
	return server, err
}
