package nas

import (
	"errors"
	"fmt"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

// ErrLimit means that a network costs more than it may.
var ErrLimit = errors.New("over the limit")

// Limits bound what a candidate may cost, the output layer included, with
// cross-validation the networks of all folds together ([Spec].Folds); 0 means no
// limit.
type Limits struct {
	Params    int64   `json:"params,omitempty" yaml:"params,omitempty"`       // trained numbers
	MACs      int64   `json:"macs,omitempty" yaml:"macs,omitempty"`           // multiply-accumulates a sample, forward
	Memory    int64   `json:"memory,omitempty" yaml:"memory,omitempty"`       // peak bytes in training, with batches of 32 and AdamW: [engine.Footprint]
	Inference int64   `json:"inference,omitempty" yaml:"inference,omitempty"` // peak bytes of prediction in such batches
	Joules    float64 `json:"joules,omitempty" yaml:"joules,omitempty"`       // predicted energy of training on a million rows, [Joules]
}

// batch is the batch that the memory limit is about.
const batch = 32

// macJoules is the predicted energy of one multiply-accumulate: that of a core
// that draws 12 W and does 40 billion a second, about half of what its units
// could, as convolutions of small images do here.
const macJoules = 12. / 40e9

// Joules is the energy that training on so many rows will take, forward and
// backward (which takes twice as long), by the multiply-accumulates. It is a
// prediction to compare networks by, before anything is trained; the trial's own
// meter says what it was.
func Joules(c engine.Cost, rows int64) float64 {
	return 3 * float64(c.MACs) * float64(rows) * macJoules
}

// needs are the costs of a network that the limits ask for.
type needs struct {
	cost   engine.Cost
	memory engine.Memory
}

// times is what as many networks of the same form cost together: those of the folds of
// a cross-validation are trained beside each other, and their mean is one network with
// the weights of all.
func (n needs) times(folds int) needs {
	k := int64(max(folds, 1))
	n.cost.Params *= k
	n.cost.MACs *= k
	n.memory.Train *= k
	n.memory.Infer *= k
	return n
}

// measure is what a network costs; its memory only if there is a limit, for
// planning it takes longer.
func (l Limits) measure(net engine.Layer, in data.Shape) (needs, error) {
	var n needs
	var err error
	if l.Memory > 0 || l.Inference > 0 {
		n.cost, n.memory, err = engine.MeasureMemory(net, in, engine.Config{Batch: batch}, engine.TrainConfig{})
	} else {
		_, n.cost, err = engine.Measure(net, in)
	}
	return n, err
}

// Check returns an error that wraps [ErrLimit] and says which limits of
// parameters, operations and energy a cost exceeds, and by how much.
func (l Limits) Check(c engine.Cost) error { return l.check(needs{cost: c}) }

// check returns an error that wraps [ErrLimit] and says which limits are
// exceeded, and by how much.
func (l Limits) check(n needs) error {
	var over error
	for _, x := range l.shares(n) {
		if x.limit > 0 && x.cost > x.limit {
			err := fmt.Errorf("%s %s are %s the limit of %s", search.FormatNumber(x.cost), x.unit, timesOver(x.cost/x.limit), search.FormatExact(x.limit))
			if over == nil {
				over = err
			} else {
				over = fmt.Errorf("%w, %w", over, err)
			}
		}
	}
	if over == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrLimit, over)
}

// timesOver is a ratio in words.
func timesOver(ratio float64) string {
	switch {
	case ratio < 1000:
		return fmt.Sprintf("%.3g times", ratio)
	case ratio < 1e6:
		return fmt.Sprintf("%.0f times", ratio)
	}
	return "more than a million times"
}

type share struct {
	unit        string
	cost, limit float64
}

func (l Limits) shares(n needs) [5]share {
	return [5]share{
		{"parameters", float64(n.cost.Params), float64(l.Params)},
		{"multiply-accumulates", float64(n.cost.MACs), float64(l.MACs)},
		{"bytes of training memory", float64(n.memory.Train), float64(l.Memory)},
		{"bytes of inference memory", float64(n.memory.Infer), float64(l.Inference)},
		{"joules a million rows", Joules(n.cost, 1e6), l.Joules},
	}
}

func (l Limits) allow(n needs) bool { return l == (Limits{}) || l.excess(n) <= 1 }

// excess is the largest share of a limit that a cost uses; without limits it
// is the number of parameters. Less is smaller.
func (l Limits) excess(n needs) float64 {
	if l == (Limits{}) {
		return float64(n.cost.Params)
	}
	most := 0.0
	for _, x := range l.shares(n) {
		if x.limit > 0 {
			most = max(most, x.cost/x.limit)
		}
	}
	return most
}

func (l Limits) validate() error {
	for _, x := range []struct {
		name string
		n    float64
	}{{"params", float64(l.Params)}, {"macs", float64(l.MACs)}, {"memory", float64(l.Memory)}, {"inference", float64(l.Inference)}, {"joules", l.Joules}} {
		if !(x.n >= 0) {
			return wrong("limits."+x.name, "%s is negative; 0 means no limit", search.FormatExact(x.n))
		}
	}
	return nil
}
