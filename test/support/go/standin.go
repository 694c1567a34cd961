//go:build !gofort

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// standIn behaves on the wire as gofort/dispatcher is documented to: its topology, its body, its
// properties, and its reading of every number as a float64. It is none of its code.
type standIn struct {
	settings
	connection *amqp.Connection
	channel    *amqp.Channel
}

type wireArgument struct {
	Type  string      `json:"type"`
	Value interface{} `json:"value"`
}

type wireTask struct {
	UUID string         `json:"uuid"`
	Name string         `json:"name"`
	Args []wireArgument `json:"args"`
}

func newPeer(s settings) (peer, error) {
	connection, err := amqp.Dial(s.url)
	if err != nil {
		return nil, err
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, err
	}
	p := &standIn{s, connection, channel}
	return p, errors.Join(
		channel.Confirm(false),
		channel.ExchangeDeclare(s.exchange, "direct", true, false, false, false, nil),
		p.declareQueue(),
		channel.QueueBind(s.queue, s.key, s.exchange, false, nil),
	)
}

func (p *standIn) declareQueue() error {
	_, err := p.channel.QueueDeclare(p.queue, true, false, false, false, nil)
	return err
}

func (p *standIn) publish(name string, args []argument, headers map[string]interface{}) (string, error) {
	task := wireTask{UUID: newUUID(), Name: name}
	for _, a := range args {
		task.Args = append(task.Args, wireArgument{a.kind, a.value})
	}
	body, err := json.Marshal(task)
	if err != nil {
		return "", err
	}
	confirm, err := p.channel.PublishWithDeferredConfirm(p.exchange, p.key, false, false,
		amqp.Publishing{Headers: headers, ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: body})
	if err != nil {
		return "", err
	}
	confirmed, err := confirm.WaitContext(context.Background())
	if err == nil && !confirmed {
		err = errors.New("the broker refused the task")
	}
	return task.UUID, err
}

func (p *standIn) work() error {
	if err := p.channel.Qos(3, 0, false); err != nil {
		return err
	}
	deliveries, err := p.channel.Consume(p.queue, "go-worker", false, false, false, false, nil)
	if err != nil {
		return err
	}
	go func() {
		for delivery := range deliveries {
			var task wireTask
			if err := json.Unmarshal(delivery.Body, &task); err != nil {
				_ = delivery.Nack(false, false)
			} else if call := callOf(task); call == nil {
				_ = delivery.Nack(false, true)
			} else {
				go runAndAck(call, task.Name == "overruns", delivery)
			}
		}
	}()
	return nil
}

// runAndAck acknowledges whatever happened; the function of a task that overruns goes on.
func runAndAck(call func(), limited bool, delivery amqp.Delivery) {
	ended := make(chan struct{})
	go func() {
		call()
		close(ended)
	}()
	var timeout <-chan time.Time
	if limited {
		timeout = time.After(timeoutSeconds * time.Second)
	}
	select {
	case <-ended:
	case <-timeout:
	}
	_ = delivery.Ack(false)
}

// callOf is the function of a task with its arguments, nil where the name is not known here.
func callOf(task wireTask) func() {
	a := task.Args
	n := func(i int) float64 { return a[i].Value.(float64) }
	switch task.Name {
	case "with_uuid":
		return func() { withUUID(task.UUID, a[0].Value.(string)) }
	case "counted":
		return func() { counted(task.UUID, int(n(0))) }
	case "overruns":
		return func() { overruns(task.UUID, int(n(0))) }
	case "all_types":
		return func() {
			allTypes(a[0].Value.(bool), a[1].Value.(string), int(n(2)), int8(n(3)), int16(n(4)), int32(n(5)), int64(n(6)),
				uint(n(7)), uint8(n(8)), uint16(n(9)), uint32(n(10)), uint64(n(11)), float32(n(12)), n(13))
		}
	}
	return nil
}

func (p *standIn) close() { _ = p.connection.Close() }

func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
