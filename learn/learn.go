// Package learn is the interface for models of any kind: a [Learner] is trained epoch
// by epoch, scored after each epoch, saved and loaded. It need not know anything about
// trials. Package learn/network has the networks of the engine; an
// epoch of another kind of learner may be a round of boosting.
package learn

import (
	"context"
	"maps"

	"budwood/search"
	"budwood/trials"
)

// Learner is a model that is trained. After Load (of [trials.Keeper]) it continues
// exactly as it would have after Save, with the same bits. Save writes the model as it
// is and, if that is another one, the model as it was at its best.
type Learner interface {
	trials.Keeper

	// Epoch trains for one epoch. The error may wrap [trials.ErrDiverged].
	Epoch() error
	// Score evaluates the model as it is: metrics of the validation rows, and of the
	// last epoch of training. The caller may change the map.
	Score() (search.Metrics, error)
	// KeepBest says that the model, as it is, is the best so far.
	KeepBest()
	// Size is the cost of using the model, as metrics; for a network params and macs.
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

// Run trains a learner until its trial ends or pauses, beginning with its saved state.
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
