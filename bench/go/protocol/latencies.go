package protocol

import (
	"fmt"
	"math"
	"sort"
	"sync/atomic"
)

// latencies collects milliseconds; handlers add to it at the same time.
type latencies struct {
	values []float64
	size   atomic.Int64
}

func (l *latencies) add(ms float64) {
	if i := l.size.Add(1); i <= int64(len(l.values)) {
		l.values[i-1] = ms
	}
}

func (l *latencies) report() []string {
	if l == nil {
		return nil
	}
	sort.Float64s(l.values)
	at := func(share float64) float64 {
		return l.values[int(math.Ceil(share*float64(len(l.values))))-1]
	}
	return []string{
		fmt.Sprintf("p50=%f", at(0.5)),
		fmt.Sprintf("p99=%f", at(0.99)),
		fmt.Sprintf("p999=%f", at(0.999)),
		fmt.Sprintf("max=%f", at(1)),
	}
}
