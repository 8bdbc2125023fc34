package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"budwood/search"
)

// The formats are those of Optuna's storages (optuna/storages, optuna/distributions.py,
// versions 2.0 to 4): definitions of parameters as JSON, a value of a choice as its
// position.

// distribution is the definition of a parameter.
type distribution struct {
	Name       string `json:"name"`
	Attributes struct {
		Low     json.Number `json:"low"`
		High    json.Number `json:"high"`
		Step    *float64    `json:"step"`
		Q       float64     `json:"q"` // the step of DiscreteUniformDistribution
		Log     bool        `json:"log"`
		Choices []any       `json:"choices"`
	} `json:"attributes"`
}

// value makes a parameter of its definition and its number in the file, and remembers
// the definition.
func (f *foreign) optunaValue(name, definition string, internal float64) (any, error) {
	var d distribution
	if err := json.Unmarshal([]byte(definition), &d); err != nil {
		return nil, fmt.Errorf("parameter %s: its definition is not JSON: %v", name, err)
	}
	f.see(name)
	dim := &search.Dim{Name: name, Kind: search.KindFloat, Log: d.Attributes.Log || strings.Contains(d.Name, "Log")}
	if d.Name == "CategoricalDistribution" {
		dim.Kind = search.KindChoice
		for _, v := range d.Attributes.Choices {
			option, converted := scalar(v)
			if converted {
				was, _ := json.Marshal(v)
				f.once("parameter %s: the choice %s is kept as the text %q", name, was, option)
			}
			dim.Options = append(dim.Options, search.Option{Value: option})
		}
		i := int(internal)
		if internal != math.Trunc(internal) || i < 0 || i >= len(dim.Options) {
			return nil, fmt.Errorf("parameter %s: it has no choice number %v", name, internal)
		}
		return f.widened(dim).Options[i].Value, nil
	}
	if strings.HasPrefix(d.Name, "Int") {
		dim.Kind = search.KindInt
	} else if !strings.Contains(d.Name, "Float") && !strings.Contains(d.Name, "Uniform") {
		return nil, fmt.Errorf("parameter %s: %q is not a distribution that is read here", name, d.Name)
	}
	var err, second error
	dim.Lo, err = d.Attributes.Low.Float64()
	dim.Hi, second = d.Attributes.High.Float64()
	if err != nil || second != nil {
		return nil, fmt.Errorf("parameter %s: its bounds are not numbers", name)
	}
	if dim.Step = d.Attributes.Q; d.Attributes.Step != nil {
		dim.Step = *d.Attributes.Step
	}
	if dim.Kind == search.KindInt && dim.Step == 1 {
		dim.Step = 0
	}
	f.widened(dim)
	if dim.Kind == search.KindInt {
		return int(internal), nil
	}
	return internal, nil
}

// widened remembers a definition. Optuna's programs may ask for another range in each
// trial: the widest one counts.
func (f *foreign) widened(d *search.Dim) *search.Dim {
	if f.dims == nil {
		f.dims = map[string]*search.Dim{}
	}
	old := f.dims[d.Name]
	if old == nil || old.Kind != d.Kind || d.Kind == search.KindChoice {
		if old == nil {
			f.dims[d.Name] = d
		}
		return d
	}
	if d.Lo != old.Lo || d.Hi != old.Hi || d.Step != old.Step || d.Log != old.Log {
		f.once("parameter %s: its range was not the same in all trials; the widest one counts", d.Name)
		old.Lo, old.Hi, old.Log = min(old.Lo, d.Lo), max(old.Hi, d.Hi), old.Log && d.Log
		if old.Step != d.Step {
			old.Step = 0
		}
	}
	return d
}

// once adds a note, unless it is there.
func (f *foreign) once(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	for _, n := range f.notes {
		if n == text {
			return
		}
	}
	f.notes = append(f.notes, text)
}

// scalar is a value as a choice of ours: a text, a number or a boolean. What is
// something else becomes its text.
func scalar(v any) (option any, converted bool) {
	switch v := v.(type) {
	case string, bool, int:
		return v, false
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), false
		}
		return v, false
	case nil:
		return "None", true
	}
	text, _ := json.Marshal(v)
	return string(text), true
}

// optunaStates are the names of states, and their numbers in a journal.
var optunaStates = []string{"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"}

// ended gives a trial the state of a name.
func (t *attempt) ended(state string) error {
	switch state {
	case "COMPLETE":
		t.state = search.Completed
	case "PRUNED":
		t.state, t.reason = search.Stopped, "pruned"
	case "FAIL":
		t.state, t.reason = search.Failed, "failed"
	case "RUNNING", "WAITING":
	default:
		return fmt.Errorf("trial %d: %q is not a state of a trial", t.number, state)
	}
	return nil
}

// reported adds a value to the curve. Optuna's steps begin with 0, our budgets with 1.
// A trial that went on from an earlier step says a step twice: the later value counts.
func (t *attempt) reported(step int, v float64) {
	m := search.Measurement{Budget: step + 1, Metrics: search.Metrics{main: v}}
	i, found := slices.BinarySearchFunc(t.curve, m.Budget, func(m search.Measurement, budget int) int { return cmp.Compare(m.Budget, budget) })
	if found {
		t.curve[i] = m
		return
	}
	t.curve = slices.Insert(t.curve, i, m)
}

// optunaGoal is a direction's name.
func optunaGoal(direction string) search.Goal {
	if direction == "MAXIMIZE" {
		return search.Maximize
	}
	return search.Minimize
}

// took is the time between two of Optuna's time stamps, in seconds; 0 if one is not there.
func took(start, end string) float64 {
	from, err := stamp(start)
	to, second := stamp(end)
	if err != nil || second != nil || to.Before(from) {
		return 0
	}
	return to.Sub(from).Seconds()
}

func stamp(s string) (time.Time, error) {
	return time.Parse("2006-01-02T15:04:05.999999999", strings.TrimSuffix(strings.Replace(s, " ", "T", 1), "Z"))
}
