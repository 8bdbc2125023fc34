// Package learn is the door for models that learn by themselves what a candidate says:
// a [Learner] is trained epoch by epoch, scored after each, saved and loaded, and needs
// to know nothing of trials. Package learn/network has the networks of the engine; an
// epoch of another kind of learner may be a round of boosting.
package learn

import (
	"context"
	"maps"

	"budwood/search"
	"budwood/trials"
)

// Learner is a model that is trained. After [trials.Keeper]'s Load it goes on exactly as
// it would have after Save: the same epochs, to the bit. What Save writes holds the model
// as it is and, as far as that is another one, as it was at its best.
type Learner interface {
	trials.Keeper

	// Epoch trains for one epoch. The error may wrap [trials.ErrDiverged].
	Epoch() error
	// Score is what the model, as it is, comes to: metrics of the validation rows, and
	// of the epoch that was trained last. The caller may change them.
	Score() (search.Metrics, error)
	// KeepBest says that the model, as it is, is the best so far.
	KeepBest()
	// Size is what the model costs to use, as metrics: of a network params and macs.
	Size() search.Metrics
}

// Train is the training function of the learners that build makes. An error of build
// that wraps [trials.ErrInfeasible] says that there is no such model.
func Train(build func(context.Context, *trials.Trial) (Learner, error)) trials.TrainFunc {
	return func(ctx context.Context, t *trials.Trial) error {
		l, err := build(ctx, t)
		if err != nil {
			return err
		}
		return Run(t, l)
	}
}

// Run trains a learner as far as its trial goes, from what was saved of it.
func Run(t *trials.Trial, l Learner) error {
	if err := t.Keep(l); err != nil {
		return err
	}
	return Epochs(t, l)
}

// Epochs is [Run] for a learner that the trial keeps already.
func Epochs(t *trials.Trial, l Learner) error {
	for range t.Epochs() {
		if err := l.Epoch(); err != nil {
			return err
		}
		m, err := l.Score()
		if err != nil {
			return err
		}
		maps.Copy(m, l.Size())
		t.ReportAll(m)
		if t.Improved() {
			l.KeepBest()
		}
	}
	return nil
}
