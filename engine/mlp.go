package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/optim"
)

// MLP makes a classifier of dense layers with ReLU between them, for batches of
// 32 rows. Sizes are the inputs, the hidden layers and the classes; r gives the
// seed of everything random about it. If a size is wrong, Fit and Loss return
// NaN and Err says why.
func MLP(r *rand.Rand, sizes ...int) *Net {
	if len(sizes) < 2 {
		return noNet(errors.New("MLP: needs at least the number of inputs and of classes"))
	}
	if r == nil {
		return noNet(errors.New("MLP: no source of randomness"))
	}
	var l Seq
	for i, n := range sizes[1:] {
		if i > 0 {
			l = append(l, ReLU{})
		}
		l = append(l, Dense{Out: n})
	}
	n, err := Compile(l, data.Shape{sizes[0]}, Config{Seed: r.Uint64()})
	if err != nil {
		return noNet(fmt.Errorf("MLP: %w", err))
	}
	return n
}

// noNet is what MLP returns when there is no network.
func noNet(err error) *Net { return &Net{plan: &plan.Builder{}, err: err} }

// Fit trains one epoch with AdamW at a learning rate, shuffled from the
// network's own seed, and returns the mean loss of the epoch. If training
// diverged or the set does not fit the network, it returns NaN, and Err says
// why.
func (n *Net) Fit(s *data.Set, lr float64) (loss float64) {
	n.last = nil
	if n.trainer == nil {
		n.trainer, n.last = NewTrainer(n, TrainConfig{Seed: n.cfg.Seed})
	}
	if n.last == nil {
		n.trainer.cfg.Schedule = fixed(lr)
		loss, n.last = n.trainer.Epoch(s)
	}
	if n.last != nil {
		return math.NaN()
	}
	return loss
}

// Loss is the mean loss on a set, NaN if there is an error; Err says which.
func (n *Net) Loss(s *data.Set) float64 {
	score, err := n.Evaluate(s)
	if n.last = err; err != nil {
		return math.NaN()
	}
	return score.Loss
}

// Err is the error of MLP, or of the last call of Fit or Loss.
func (n *Net) Err() error {
	if n.err != nil {
		return n.err
	}
	return n.last
}

// fixed is a learning rate as it is, 0 included.
type fixed float64

func (f fixed) Rate(optim.Progress) float64 { return float64(f) }
