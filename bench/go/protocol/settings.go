// Package protocol is what a system under test written in Go says to the driver and hears from it;
// see system/program.ts and system/settings.ts.
package protocol

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Settings are the driver's `key=value` arguments.
type Settings map[string]string

func parse() Settings {
	settings := Settings{}
	for _, arg := range os.Args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		settings[key] = value
	}
	return settings
}

// Number is a setting as a whole number.
func (s Settings) Number(key string) int {
	value, err := strconv.Atoi(s[key])
	if err != nil {
		fail(fmt.Errorf("the setting %s is %q; expected a number", key, s[key]))
	}
	return value
}

// QueueNames are the queues' names, which are their routing keys as well.
func (s Settings) QueueNames() []string {
	names := make([]string, s.Number("queues"))
	for i := range names {
		names[i] = fmt.Sprintf("%s.q%d", s["prefix"], i+1)
	}
	return names
}

// Text is the first argument of each task.
func (s Settings) Text() string {
	if length := s.Number("payload"); length > 0 {
		return strings.Repeat("x", length)
	}
	return "simple string"
}
