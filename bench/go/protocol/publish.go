package protocol

import (
	"sync"
	"time"
)

// publish returns when all tasks are accepted: by one publisher where each is to be awaited, else by all of them.
func publish(system System, settings Settings, count int) {
	publishers := system.Publishers
	if settings["publishing"] == "one" {
		publishers = publishers[:1]
	}
	next := make(chan int, len(publishers))
	var open sync.WaitGroup
	names := settings.QueueNames()
	paced := settings["publishing"] == "paced"
	for _, each := range publishers {
		open.Add(1)
		go func() {
			defer open.Done()
			for i := range next {
				mark := int64(1)
				if paced {
					mark = time.Now().UnixMicro()
				}
				fail(each(names[i%len(names)], mark))
			}
		}()
	}
	feed(next, count, paced, settings)
	close(next)
	open.Wait()
}

func feed(next chan<- int, count int, paced bool, settings Settings) {
	begin := time.Now()
	for i := 0; i < count; i++ {
		if paced {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(settings.Number("rate")))))
		}
		next <- i
	}
}
