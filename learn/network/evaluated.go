package network

import (
	"errors"
	"fmt"
	"io"

	"budwood/learn"
	"budwood/search"
	"budwood/trials"
)

// evaluated is a candidate that is validated with the shared weights: an epoch of work
// for the runner, in which nothing is trained.
type evaluated struct {
	*members
	t *trials.Trial
}

// evaluate validates a candidate with the shared weights. It counts at the budget up to
// which these are trained.
func (s Supervised) evaluate(t *trials.Trial) error {
	m, err := s.members(t.Params, t.Total(), t.Seed(), nil)
	if err != nil {
		return err
	}
	if !t.Resumed() {
		t.Skip(t.Task().To - 1)
	}
	return learn.Run(t, evaluated{m, t})
}

// Epoch trains nothing.
func (evaluated) Epoch() error { return nil }

// Score scores the network with the shared weights, and keeps these.
func (e evaluated) Score() (search.Metrics, error) {
	n, epochs, err := e.s.sharedWeights(e.t)
	if err != nil {
		return nil, err
	}
	if err := n.Lend(e.t.Params, e.trainers[0].Net(), nil); err != nil {
		return nil, err
	}
	score, err := e.recalibrated()
	if err != nil {
		return nil, err
	}
	values := e.valid(score)
	values[search.SharedEpochs] = float64(epochs)
	e.members.KeepBest()
	return values, nil
}

// KeepBest keeps nothing more than Score.
func (evaluated) KeepBest() {}

// errNoWeights means that a study's candidates cannot be evaluated here, now or later.
var errNoWeights = errors.New("the shared weights that the study's first trial trained are not there")

// sharedWeights are those that the first trial of the study trained, and the epochs
// of their training. Nobody may train these further.
func (s Supervised) sharedWeights(t *trials.Trial) (Supernet, int, error) {
	n, epochs, err := t.Shared(trials.SupernetTrial, func(c *trials.Checkpoint) (any, error) {
		if !c.Facts().Shared {
			return nil, nil
		}
		own, err := partOf(c.Model())
		if err == nil {
			_, err = io.Copy(io.Discard, own)
		}
		n := s.Supernet()
		if err == nil {
			err = n.Load(c.Model())
		}
		return n, err
	})
	var machine *trials.MachineError
	switch {
	case errors.As(err, &machine):
		return nil, 0, err
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", errNoWeights, err)
	case n == nil:
		return nil, 0, errNoWeights
	}
	return n.(Supernet), epochs, nil
}
