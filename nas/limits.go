package nas

import (
	"errors"
	"fmt"

	"budwood/engine"
)

// ErrLimit means that a network costs more than it may.
var ErrLimit = errors.New("over the limit")

// Limits bound what a network may cost, the output layer included; 0 means no
// limit.
type Limits struct {
	Params int64 `json:"params,omitempty" yaml:"params,omitempty"` // trained numbers
	MACs   int64 `json:"macs,omitempty" yaml:"macs,omitempty"`     // multiply-accumulates a sample, forward
	Memory int64 `json:"memory,omitempty" yaml:"memory,omitempty"` // bytes in training, by [TrainingBytes] with batches of 32
}

// batch is the batch that the memory limit is about.
const batch = 32

// TrainingBytes estimates the memory that training takes: weights, gradients
// and the two moments of Adam in float32, and the kept activations with their
// gradients for each sample of a batch.
func TrainingBytes(c engine.Cost, batch int) int64 {
	bytes := 16*float64(c.Params) + 8*float64(batch)*float64(c.Activations)
	return int64(min(bytes, 1<<62)) // of costs that stop at the largest int64
}

// Check returns an error that wraps [ErrLimit] and says which limits are
// exceeded, and by how much.
func (l Limits) Check(c engine.Cost) error {
	var over error
	for _, x := range l.shares(c) {
		if x.limit > 0 && x.cost > x.limit {
			err := fmt.Errorf("%d %s are %.3g times the limit of %d", x.cost, x.unit, float64(x.cost)/float64(x.limit), x.limit)
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

type share struct {
	unit        string
	cost, limit int64
}

func (l Limits) shares(c engine.Cost) [3]share {
	return [3]share{
		{"parameters", c.Params, l.Params},
		{"multiply-accumulates", c.MACs, l.MACs},
		{"bytes of training memory", TrainingBytes(c, batch), l.Memory},
	}
}

func (l Limits) allow(c engine.Cost) bool { return l == (Limits{}) || l.excess(c) <= 1 }

// excess is the largest share of a limit that a cost uses; without limits it
// is the number of parameters. Less is smaller.
func (l Limits) excess(c engine.Cost) float64 {
	if l == (Limits{}) {
		return float64(c.Params)
	}
	most := 0.0
	for _, x := range l.shares(c) {
		if x.limit > 0 {
			most = max(most, float64(x.cost)/float64(x.limit))
		}
	}
	return most
}

func (l Limits) validate() error {
	for _, x := range []struct {
		name string
		n    int64
	}{{"params", l.Params}, {"macs", l.MACs}, {"memory", l.Memory}} {
		if x.n < 0 {
			return wrong("limits."+x.name, "%d is negative; 0 means no limit", x.n)
		}
	}
	return nil
}
