// One end of gocraft/work for the tests beside it.
//
//	gocraft-peer -redis HOST:PORT -ns NAMESPACE send FILE   enqueues what the file says, one job a line
//	gocraft-peer ... work                                   a worker pool; says "ready", and what runs
//	gocraft-peer ... api                                    what its client sees, and by it its web page, as JSON
//	gocraft-peer ... revive                                 all that is dead is tried again
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/gocraft/work"
	"github.com/gomodule/redigo/redis"
)

type context struct{}

type order struct {
	Name   string
	Args   map[string]interface{}
	In     int64
	Unique bool
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	address := flag.String("redis", "", "host:port")
	namespace := flag.String("ns", "work", "namespace")
	flag.Parse()
	pool := &redis.Pool{MaxActive: 20, MaxIdle: 20, Wait: true, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", *address) }}
	switch flag.Arg(0) {
	case "send":
		send(*namespace, pool, flag.Arg(1))
	case "work":
		workOn(*namespace, pool)
	case "api":
		show(work.NewClient(*namespace, pool))
	case "revive":
		check(work.NewClient(*namespace, pool).RetryAllDeadJobs())
	}
}

func send(namespace string, pool *redis.Pool, name string) {
	file, err := os.Open(name)
	check(err)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	enqueuer := work.NewEnqueuer(namespace, pool)
	for lines.Scan() {
		var one order
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.UseNumber()
		check(decoder.Decode(&one))
		switch {
		case one.Unique:
			_, err = enqueuer.EnqueueUnique(one.Name, one.Args)
		case one.In > 0:
			_, err = enqueuer.EnqueueIn(one.Name, one.In, one.Args)
		default:
			_, err = enqueuer.Enqueue(one.Name, one.Args)
		}
		check(err)
	}
	check(lines.Err())
}

func workOn(namespace string, redisPool *redis.Pool) {
	enqueuer := work.NewEnqueuer(namespace, redisPool)
	pool := work.NewWorkerPool(context{}, 5, namespace, redisPool)
	pool.Job("go_echo", func(job *work.Job) error {
		_, err := enqueuer.Enqueue("ours_echoed", job.Args)
		return err
	})
	pool.JobWithOptions("go_fails", work.JobOptions{MaxFails: 2}, func(job *work.Job) error { return fmt.Errorf("it fails there") })
	pool.Job("shared", func(job *work.Job) error {
		fmt.Printf("%d ran\n", job.ArgInt64("n"))
		return nil
	})
	pool.JobWithOptions("limited", work.JobOptions{MaxConcurrency: 2}, func(job *work.Job) error {
		time.Sleep(20 * time.Millisecond)
		fmt.Printf("%d ran\n", job.ArgInt64("n"))
		return nil
	})
	pool.Start()
	fmt.Println("ready")
	select {}
}

func show(client *work.Client) {
	pools, err := client.WorkerPoolHeartbeats()
	check(err)
	observations, err := client.WorkerObservations()
	check(err)
	queues, err := client.Queues()
	check(err)
	retries, _, err := client.RetryJobs(1)
	check(err)
	dead, _, err := client.DeadJobs(1)
	check(err)
	scheduled, _, err := client.ScheduledJobs(1)
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"pools": pools, "observations": observations, "queues": queues, "retries": retries, "dead": dead, "scheduled": scheduled,
	}))
}
