package study

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"budwood/trials"
)

// Command makes a program in any language the objective; see [trials.Command]
// and docs/commands.md.
type Command struct {
	Args  []string          `json:"args"`
	Dir   string            `json:"dir,omitempty"` // "" means the study file's
	Env   map[string]string `json:"env,omitempty"`
	Time  Duration          `json:"time,omitempty"`  // of one segment at most
	Grace Duration          `json:"grace,omitempty"` // 0 means 10s
}

// Resources are what a trial needs of a worker. A command is held to them.
type Resources struct {
	CPU  int      `json:"cpu,omitempty"`  // processors; 0 means 1
	Mem  Bytes    `json:"mem,omitempty"`  // of memory; 0: any
	Tags []string `json:"tags,omitempty"` // that the worker must have: gpu
}

// Bytes is an amount of memory written like 1GiB.
type Bytes int64

var byteUnits = []struct {
	suffix string
	size   int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1}}

// String is the amount with its unit, such as 512MiB.
func (b Bytes) String() string {
	for _, u := range byteUnits[:4] {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText writes 1GiB.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads 1GiB, 500MB, 1024.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		x *= float64(u.size)
		if err != nil || !(x >= 0) || x > 0 && x < 1 || x > 1<<60 {
			break
		}
		*b = Bytes(x)
		return nil
	}
	return fmt.Errorf("%q is not an amount of memory like 512MiB or 2GB", text)
}

// class is what workers are matched by, in one word; "" is what every worker
// can do.
func (r Resources) Class() string {
	var parts []string
	if r.CPU > 1 {
		parts = append(parts, fmt.Sprintf("cpu=%d", r.CPU))
	}
	if r.Mem > 0 {
		parts = append(parts, "mem="+r.Mem.String())
	}
	if len(r.Tags) > 0 {
		parts = append(parts, "tags="+strings.Join(r.Tags, "+"))
	}
	return strings.Join(parts, ",")
}

// parseClass is the inverse of class.
func ParseClass(s string) (r Resources, err error) {
	for part := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "cpu":
			r.CPU, err = strconv.Atoi(value)
		case "mem":
			err = r.Mem.UnmarshalText([]byte(value))
		case "tags":
			r.Tags = strings.Split(value, "+")
		default:
			err = fmt.Errorf("unknown resource %q", key)
		}
		if err != nil {
			return r, fmt.Errorf("resources %q: %w", s, err)
		}
	}
	return r, nil
}

// String is the class of the resources, or cpu=1 for the default.
func (r Resources) String() string {
	if c := r.Class(); c != "" {
		return c
	}
	return "cpu=1"
}

// workerCommand starts a worker that has what is needed.
func (r Resources) WorkerCommand() string {
	cmd := "budwood worker"
	if r.CPU > 1 {
		cmd += fmt.Sprintf(" --cpu %d", r.CPU)
	}
	if r.Mem > 0 {
		cmd += " --mem " + r.Mem.String()
	}
	if len(r.Tags) > 0 {
		cmd += " --tags " + strings.Join(r.Tags, ",")
	}
	return cmd
}

// Needs says in words what a study's trials need of a worker, like
// "cpu=2,mem=1GiB,tags=gpu".
func (s *Spec) Needs() string { return s.Resources.String() }

func (r *Resources) complete() error {
	if r.CPU < 0 || r.CPU > 4096 {
		return wrong("resources.cpu", "%d is outside [1, 4096]", r.CPU)
	}
	for i, t := range r.Tags {
		if !validName.MatchString(t) {
			return wrong(fmt.Sprintf("resources.tags[%d]", i), "%q is not a tag: use a-z, 0-9, '.', '_' and '-'", t)
		}
	}
	slices.Sort(r.Tags)
	r.Tags = slices.Compact(r.Tags)
	return nil
}

// Program is the command as the runner takes it; nil if the objective is none.
func (s *Spec) Program() *trials.Command {
	if s.Command == nil {
		return nil
	}
	c := s.Command
	return &trials.Command{
		Args: c.Args, Dir: c.Dir, Env: c.Env, Time: time.Duration(c.Time), Grace: time.Duration(c.Grace),
		Mem: int64(s.Resources.Mem), CPU: max(s.Resources.CPU, 1), Ranks: s.Mesh.Ranks,
	}
}

func (s *Spec) completeCommand() error {
	if err := s.Resources.complete(); err != nil {
		return err
	}
	if s.Command == nil {
		return nil
	}
	if s.Data != nil {
		return wrong("command", "a study has data, which the built-in engine trains on, or a command: remove one of them")
	}
	if err := s.Program().Validate(s.Space); err != nil {
		path, rest, ok := strings.Cut(err.Error(), ": ")
		if !ok || strings.HasPrefix(path, "parameter") {
			return &FieldError{"command", err}
		}
		return wrong("command."+path, "%s", rest)
	}
	return nil
}
