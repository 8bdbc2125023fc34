package trials

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"budwood/search"
)

// Command is an objective in any language: a program that trains one candidate
// and reports after every epoch. The protocol is in docs/commands.md.
type Command struct {
	Args  []string          `json:"args"`            // the argument vector; {name} stands for a parameter, see [Command.expand]
	Dir   string            `json:"dir,omitempty"`   // where it runs
	Env   map[string]string `json:"env,omitempty"`   // added to the worker's own environment
	Time  time.Duration     `json:"time,omitempty"`  // of one segment at most; 0: no limit
	Mem   int64             `json:"mem,omitempty"`   // bytes that its process group may hold in memory; 0: no limit
	CPU   int               `json:"cpu,omitempty"`   // processors it may use; 0: no limit
	Grace time.Duration     `json:"grace,omitempty"` // between being told to stop and SIGTERM, and between SIGTERM and SIGKILL; 0 means 10 s
}

// Names that a placeholder may have besides the parameters'.
const (
	nameTrial      = "trial"      // t0031
	nameSeed       = "seed"       // of the trial
	nameEpochs     = "epochs"     // to train up to in this segment
	nameTotal      = "total"      // if nothing stops it
	nameDone       = "done"       // epochs that are known already
	nameParams     = "params"     // path of the parameters as JSON
	nameCheckpoint = "checkpoint" // path of the checkpoint directory
)

var reserved = []string{nameTrial, nameSeed, nameEpochs, nameTotal, nameDone, nameParams, nameCheckpoint}

var placeholder = regexp.MustCompile(`\{\{|\}\}|\{[^{}]*\}`)

// Validate checks the command against the parameters that a candidate will
// have. Parameters of branches may be absent in a candidate: such a placeholder
// becomes empty.
func (c *Command) Validate(space search.Space) error {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return fmt.Errorf("args: give the program and its arguments, like [python3, train.py, --lr, \"{lr}\"]")
	}
	known := slices.Clone(reserved)
	for _, d := range space.Dims() {
		if slices.Contains(reserved, d.Name) {
			return fmt.Errorf("parameter %q: the name is taken by the protocol; the others are %s", d.Name, strings.Join(reserved, ", "))
		}
		known = append(known, d.Name)
	}
	for i, a := range c.Args {
		for _, m := range placeholder.FindAllString(a, -1) {
			name := strings.Trim(m, "{}")
			if m != "{{" && m != "}}" && !slices.Contains(known, name) {
				if near := search.Nearest(name, known, 1); len(near) > 0 {
					return fmt.Errorf("args[%d]: no parameter %q; did you mean {%s}?", i, m, near[0])
				}
				return fmt.Errorf("args[%d]: no parameter %q; write {{ and }} for braces", i, m)
			}
		}
	}
	for _, l := range []struct {
		name string
		v    int64
	}{{"time", int64(c.Time)}, {"mem", c.Mem}, {"cpu", int64(c.CPU)}, {"grace", int64(c.Grace)}} {
		if l.v < 0 {
			return fmt.Errorf("%s: %d is negative", l.name, l.v)
		}
	}
	return nil
}

// expand replaces the placeholders of the arguments: {name} by the parameter's
// value, {{ and }} by braces. The result is an argument vector: no shell sees it.
func (c *Command) expand(values map[string]string) []string {
	out := make([]string, len(c.Args))
	for i, a := range c.Args {
		out[i] = placeholder.ReplaceAllStringFunc(a, func(m string) string {
			switch m {
			case "{{":
				return "{"
			case "}}":
				return "}"
			}
			return values[strings.Trim(m, "{}")]
		})
	}
	if !filepath.IsAbs(out[0]) && strings.ContainsRune(out[0], filepath.Separator) {
		out[0] = filepath.Join(c.Dir, out[0])
	}
	return out
}

// values are what placeholders stand for in a trial.
func (t *Trial) values(params, checkpoint string) map[string]string {
	out := map[string]string{
		nameTrial: t.Name(), nameSeed: strconv.FormatUint(t.Seed()>>33, 10), nameEpochs: strconv.Itoa(t.task.To),
		nameTotal: strconv.Itoa(t.Total()), nameDone: strconv.Itoa(t.progress.Epoch), nameParams: params, nameCheckpoint: checkpoint,
	}
	for k, v := range t.Params {
		switch v := v.(type) {
		case float64:
			out[k] = strconv.FormatFloat(v, 'g', -1, 64)
		default:
			out[k] = fmt.Sprint(v)
		}
	}
	return out
}

func (c *Command) grace() time.Duration {
	if c.Grace == 0 {
		return 10 * time.Second
	}
	return c.Grace
}
