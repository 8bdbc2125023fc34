package trials

import (
	"time"

	"budwood/engine"
)

// Command is an objective in any language: a program that trains one candidate
// and reports after every epoch. The protocol is in docs/commands.md.
type Command struct {
	Args  []string          `json:"args"`            // the argument vector; {name} stands for a parameter, see [Command.expand]
	Dir   string            `json:"dir,omitempty"`   // where it runs
	Env   map[string]string `json:"env,omitempty"`   // added to the worker's own environment; placeholders as in Args
	Time  time.Duration     `json:"time,omitempty"`  // of one segment at most; 0: no limit
	Mem   int64             `json:"mem,omitempty"`   // bytes that its process group may hold in memory; 0: no limit
	CPU   int               `json:"cpu,omitempty"`   // processors it may use; 0: no limit
	Grace time.Duration     `json:"grace,omitempty"` // between being told to stop and SIGTERM, and between SIGTERM and SIGKILL; 0 means 10 s

	Ranks engine.Ranks `json:"ranks,omitzero"` // processes that train a candidate together; the zero value means one

	place *Place // in a gang; nil: it is alone, or starts its gang itself
}

func (c *Command) grace() time.Duration {
	if c.Grace == 0 {
		return 10 * time.Second
	}
	return c.Grace
}
