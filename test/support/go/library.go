//go:build gofort

package main

import "github.com/gofort/dispatcher"

type library struct {
	settings
	server *dispatcher.Server
}

func newPeer(s settings) (peer, error) {
	server, _, err := dispatcher.NewServer(&dispatcher.ServerConfig{
		AMQPConnectionString: s.url,
		Exchange:             s.exchange,
		DefaultRoutingKey:    s.key,
		InitQueues:           []dispatcher.Queue{{Name: s.queue, BindingKeys: []string{s.key}}},
	})
	return &library{s, server}, err
}

func (l *library) publish(name string, args []argument, headers map[string]interface{}) (string, error) {
	task := dispatcher.Task{Name: name, Headers: headers}
	for _, a := range args {
		task.Args = append(task.Args, dispatcher.TaskArgument{Type: a.kind, Value: a.value})
	}
	err := l.server.Publish(&task)
	return task.UUID, err
}

func (l *library) work() error {
	worker, err := l.server.NewWorker(&dispatcher.WorkerConfig{Name: "go-worker", Queue: l.queue}, map[string]dispatcher.TaskConfig{
		"all_types": {Function: allTypes},
		"with_uuid": {Function: withUUID, TaskUUIDAsFirstArg: true},
		"counted":   {Function: counted, TaskUUIDAsFirstArg: true},
		"overruns":  {Function: overruns, TaskUUIDAsFirstArg: true, TimeoutSeconds: timeoutSeconds},
	})
	if err != nil {
		return err
	}
	return worker.Start(l.server)
}

func (l *library) close() { l.server.Close() }
