package trials

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"budwood/engine"
	"budwood/engine/data"
	"budwood/search"
)

// Supervised trains networks on a data set: the built-in objective of studies
// with data. It reports train_loss, valid_loss, and valid_accuracy or
// valid_rmse and valid_r2; params and macs are the network's size.
type Supervised struct {
	Data  *data.Data
	Fixed search.Params // hyperparameters that are not searched
	// Build describes the network of a candidate, for samples of a shape and so
	// many outputs. An error makes the candidate infeasible.
	Build func(p search.Params, in engine.Shape, outputs int) (engine.Layer, error)
}

// Objective trains one candidate.
func (s Supervised) Objective(_ context.Context, t *Trial) error {
	tr, size, err := s.trainer(t.Params, t.Total(), t.Seed())
	if err != nil {
		return err
	}
	if err := t.Keep(tr); err != nil {
		return err
	}
	for range t.Epochs() {
		loss, err := tr.Epoch(s.Data.Train)
		if err != nil {
			return err
		}
		score, err := tr.Evaluate(s.Data.Valid)
		if err != nil {
			return err
		}
		tr.Observe(score.Loss)
		m := s.metrics("valid_", score)
		m["train_loss"] = loss
		m["params"], m["macs"] = float64(size.Params), float64(size.MACs)
		t.ReportAll(m)
		if t.Improved() {
			tr.KeepBest()
		}
	}
	return nil
}

// all are the hyperparameters of a candidate, fixed ones included.
func (s Supervised) all(p search.Params) search.Params {
	all := search.Params{}
	maps.Copy(all, s.Fixed)
	maps.Copy(all, p)
	return all
}

// Test evaluates a trained candidate on the test set, with the weights of its
// best epoch, from the checkpoint of its last segment.
func (s Supervised) Test(ctx context.Context, blobs Blobs, key string, p search.Params, seed uint64) (search.Metrics, error) {
	net, err := s.Trained(ctx, blobs, key, p, seed)
	if err != nil {
		return nil, err
	}
	score, err := net.Evaluate(s.Data.Test)
	return s.metrics("test_", score), err
}

// Trained is the network of a trained candidate with the weights of its best
// epoch, from the checkpoint of its last segment.
func (s Supervised) Trained(ctx context.Context, blobs Blobs, key string, p search.Params, seed uint64) (*engine.Net, error) {
	tr, _, err := s.trainer(p, 1, seed)
	if err != nil {
		return nil, err
	}
	f, err := blobs.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("checkpoint %s is gone", key)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := readCheckpoint(f)
	if err != nil {
		return nil, err
	}
	if err := tr.Load(c.payload()); err != nil {
		return nil, err
	}
	tr.RestoreBest()
	return tr.Net(), nil
}

// trainer builds a candidate's network and its trainer. Every error is of the
// candidate.
func (s Supervised) trainer(p search.Params, epochs int, seed uint64) (*engine.Trainer, engine.Cost, error) {
	tr, cost, err := s.build(p, epochs, seed)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrInfeasible, err)
	}
	return tr, cost, err
}

func (s Supervised) build(p search.Params, epochs int, seed uint64) (*engine.Trainer, engine.Cost, error) {
	all := s.all(p)
	recipe, err := ReadRecipe(all)
	if err != nil {
		return nil, engine.Cost{}, err
	}
	in, outputs := s.Data.Train.Shape, max(s.Data.Classes, s.Data.Train.Outputs)
	layer, err := s.Build(all, in, outputs)
	if err != nil {
		return nil, engine.Cost{}, err
	}
	_, cost, err := engine.Measure(layer, in)
	if err != nil {
		return nil, cost, err
	}
	net, err := engine.Compile(layer, in, recipe.network(s.Data.Train, seed))
	if err != nil {
		return nil, cost, err
	}
	tr, err := engine.NewTrainer(net, recipe.config(epochs, seed))
	return tr, cost, err
}

func (s Supervised) metrics(prefix string, score engine.Score) search.Metrics {
	m := search.Metrics{prefix + "loss": score.Loss}
	if s.Data.Classes > 0 {
		m[prefix+"accuracy"] = score.Accuracy
	} else {
		m[prefix+"rmse"], m[prefix+"r2"] = score.RMSE*s.Data.TargetScale, score.R2 // in the target's own unit
	}
	return m
}
