// A service on machinery v1 beside ours, on one exchange, each with a queue of its own.
//
// Commands: "send" publishes -count tasks of random arguments, delays, retries and a chain through both, or with -shared
// as many that both sides run; "work" runs
// tasks of -queue until its standard input closes, and answers each by a task "echoed" in the queue -other; "await" reads
// one {"kind","tasks","callback"} with signatures from its standard input, sends it as a task, group, chain or chord, and
// writes what AsyncResult reads of each of its tasks, as a line of JSON.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"reflect"
	"time"

	"github.com/RichardKnop/machinery/v1"
	"github.com/RichardKnop/machinery/v1/backends/result"
	"github.com/RichardKnop/machinery/v1/config"
	"github.com/RichardKnop/machinery/v1/log"
	"github.com/RichardKnop/machinery/v1/tasks"
)

var url, exchange, queue, other, backend string
var count, hold int
var shared bool

func main() {
	flag.StringVar(&url, "url", "", "AMQP URL")
	flag.StringVar(&exchange, "exchange", "", "exchange")
	flag.StringVar(&queue, "queue", "", "its own queue")
	flag.StringVar(&other, "other", "", "our queue")
	flag.StringVar(&backend, "backend", "null", "result backend")
	flag.BoolVar(&shared, "shared", false, "send tasks \"shared\" to its own queue instead")
	flag.IntVar(&count, "count", 1, "how many tasks to send")
	flag.IntVar(&hold, "hold", 0, "of tasks \"go.border\" this one never ends, and \"held\" is written")
	flag.Parse()
	log.Set(stdlog.New(io.Discard, "", 0))
	server, err := machinery.NewServer(&config.Config{
		Broker: url, DefaultQueue: queue, ResultBackend: backend, ResultsExpireIn: 600,
		AMQP: &config.AMQPConfig{Exchange: exchange, ExchangeType: "direct", BindingKey: queue, PrefetchCount: 20},
	})
	must(err)
	if flag.Arg(0) == "send" {
		send(server)
		return
	}
	if flag.Arg(0) == "await" {
		await(server)
		return
	}
	work(server)
}

func arguments(i int64) []tasks.Arg {
	return []tasks.Arg{
		{Type: "int64", Value: i}, {Type: "string", Value: fmt.Sprintf("tëxt %d <&> \u2028", i)}, {Type: "bool", Value: i%2 == 0}, {Type: "uint64", Value: uint64(18446744073709551615) - uint64(i)},
		{Type: "float64", Value: float64(i) + 0.5}, {Type: "[]int64", Value: []int64{i, -9223372036854775808}}, {Type: "[]byte", Value: []byte{1, 2, byte(i)}},
	}
}

func send(server *machinery.Server) {
	for i := 0; i < count; i++ {
		signature := &tasks.Signature{Name: "ours.any", RoutingKey: other, Args: arguments(int64(i)), Headers: tasks.Headers{"tenant": "t1"}}
		if shared {
			signature = &tasks.Signature{Name: "shared", RoutingKey: queue, Args: []tasks.Arg{{Type: "int64", Value: int64(i)}}}
		} else if i%20 == 7 {
			eta := time.Now().UTC().Add(2 * time.Second)
			signature.ETA = &eta
		}
		_, err := server.SendTask(signature)
		must(err)
	}
	if shared {
		return
	}
	first := &tasks.Signature{Name: "ours.step", RoutingKey: other, Args: []tasks.Arg{{Type: "int64", Value: int64(3)}}}
	second := &tasks.Signature{Name: "go.double", RoutingKey: queue}
	third := &tasks.Signature{Name: "ours.end", RoutingKey: other, Args: []tasks.Arg{{Type: "string", Value: "chain"}}}
	chain, err := tasks.NewChain(first, second, third)
	must(err)
	_, err = server.SendChain(chain)
	must(err)
	onError := &tasks.Signature{Name: "ours.end", RoutingKey: other, Args: []tasks.Arg{{Type: "string", Value: "on error"}}}
	_, err = server.SendTask(&tasks.Signature{Name: "ours.fails", RoutingKey: other, RetryCount: 1, OnError: []*tasks.Signature{onError}})
	must(err)
}

type plan struct {
	Kind     string             `json:"kind"`
	Tasks    []*tasks.Signature `json:"tasks"`
	Callback *tasks.Signature   `json:"callback"`
}

func await(server *machinery.Server) {
	var todo plan
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	must(decoder.Decode(&todo))
	var sent []*result.AsyncResult
	switch todo.Kind {
	case "task":
		one, err := server.SendTask(todo.Tasks[0])
		must(err)
		sent = append(sent, one)
	case "chain":
		chain, err := tasks.NewChain(todo.Tasks...)
		must(err)
		_, err = server.SendChain(chain)
		must(err)
		for _, task := range chain.Tasks {
			sent = append(sent, result.NewAsyncResult(task, server.GetBackend()))
		}
	case "group", "chord":
		group, err := tasks.NewGroup(todo.Tasks...)
		must(err)
		if todo.Kind == "group" {
			sent, err = server.SendGroup(group, 0)
			must(err)
			break
		}
		chord, err := tasks.NewChord(group, todo.Callback)
		must(err)
		_, err = server.SendChord(chord, 0)
		must(err)
		for _, task := range append(group.Tasks, chord.Callback) {
			sent = append(sent, result.NewAsyncResult(task, server.GetBackend()))
		}
	}
	for _, one := range sent {
		values, err := one.GetWithTimeout(50*time.Second, 20*time.Millisecond)
		tell(one, values, err)
	}
}

func tell(one *result.AsyncResult, values []reflect.Value, err error) {
	told := map[string]interface{}{"uuid": one.Signature.UUID, "name": one.Signature.Name, "state": one.GetState().State, "values": []interface{}{}, "types": []string{}}
	if err != nil {
		told["error"] = err.Error()
	}
	for _, value := range values {
		told["values"] = append(told["values"].([]interface{}), value.Interface())
		told["types"] = append(told["types"].([]string), value.Type().String())
	}
	line, err := json.Marshal(told)
	must(err)
	fmt.Println(string(line))
}

func work(server *machinery.Server) {
	failed := map[string]bool{}
	begun := 0
	must(server.RegisterTasks(map[string]interface{}{
		"go.add":    func(values ...int64) (int64, error) { return sum(values), nil },
		"go.border": func(values ...int64) (int64, error) {
			if begun++; begun == hold {
				fmt.Println("held")
				select {}
			}
			return sum(values), nil
		},
		"go.three":  func() (string, int64, float64, error) { return "ünï", 9007199254740993, 0.5, nil },
		"go.fails":  func() error { return errors.New("it failed in Go") },
		"go.double": func(value int64) (int64, error) { return 2 * value, nil },
		"go.echo": func(i int64, text string, flag bool, large uint64, float float64, list []int64) error {
			answer := []tasks.Arg{{Type: "int64", Value: i}, {Type: "string", Value: text}, {Type: "bool", Value: flag}, {Type: "uint64", Value: large}, {Type: "float64", Value: float}, {Type: "[]int64", Value: list}}
			_, err := server.SendTask(&tasks.Signature{Name: "echoed", RoutingKey: other, Args: answer})
			return err
		},
		"shared": func(i int64) error {
			_, err := server.SendTask(&tasks.Signature{Name: "ours.end", RoutingKey: other, Args: []tasks.Arg{{Type: "int64", Value: i}}})
			return err
		},
		"go.retried": func(key string) error {
			if !failed[key] {
				failed[key] = true
				return errors.New("once")
			}
			_, err := server.SendTask(&tasks.Signature{Name: "ours.end", RoutingKey: other, Args: []tasks.Arg{{Type: "string", Value: "retried " + key}}})
			return err
		},
	}))
	worker := server.NewWorker("peer", 1)
	worker.LaunchAsync(make(chan error, 1))
	fmt.Println("consuming")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func sum(values []int64) int64 {
	total := int64(0)
	for _, value := range values {
		total += value
	}
	return total
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
