package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"

	"budwood/engine"
	"budwood/engine/data"
	"budwood/search"
)

// Supervised trains networks on a data set: the built-in objective of studies
// with data. It reports train_loss, valid_loss, and valid_accuracy or
// valid_rmse and valid_r2, of texts valid_perplexity too; params and macs are the network's size. With
// cross-validation ([data.Data.Folds]) a candidate is a network for each fold,
// of other initial weights: the validation metrics are over the rows of all folds,
// each row judged by the network that has not seen it, the trained network is the
// mean of those of the folds, and its size the sum of theirs.
type Supervised struct {
	Data  *data.Data
	Fixed search.Params // hyperparameters that are not searched
	// Build describes the network of a candidate, for samples of a shape and so
	// many outputs. An error makes the candidate infeasible.
	Build func(p search.Params, in engine.Shape, outputs int) (engine.Layer, error)
}

// Objective trains one candidate.
func (s Supervised) Objective(_ context.Context, t *Trial) error {
	m, size, err := s.members(t.Params, t.Total(), t.Seed())
	if err != nil {
		return err
	}
	if err := t.Keep(m); err != nil {
		return err
	}
	for range t.Epochs() {
		loss, score, err := m.epoch()
		if err != nil {
			return err
		}
		values := s.metrics("valid_", score)
		values["train_loss"] = loss
		values["params"], values["macs"] = float64(size.Params), float64(size.MACs)
		t.ReportAll(values)
		if t.Improved() {
			m.keepBest()
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
	m, _, err := s.members(p, 1, seed)
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
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w", key, err)
	}
	c, err := readCheckpoint(b)
	if err != nil {
		return nil, err
	}
	if err := m.Load(c.payload()); err != nil {
		return nil, err
	}
	return m.best()
}

// members builds a candidate's networks and their trainers. Every error is of
// the candidate.
func (s Supervised) members(p search.Params, epochs int, seed uint64) (*members, engine.Cost, error) {
	m := &members{folds: s.Data.Folds}
	if len(m.folds) == 0 {
		m.folds = []data.Fold{{Train: s.Data.Train, Valid: s.Data.Valid}}
	}
	var size engine.Cost
	for i, f := range m.folds {
		tr, cost, err := s.trainer(p, f.Train, epochs, seed+uint64(i))
		if err != nil {
			return nil, size, fmt.Errorf("%w: %w", ErrInfeasible, err)
		}
		m.trainers = append(m.trainers, tr)
		size.Params += cost.Params
		size.MACs += cost.MACs
	}
	return m, size, nil
}

// trainer builds a network and its trainer for a training set.
func (s Supervised) trainer(p search.Params, train *engine.Set, epochs int, seed uint64) (*engine.Trainer, engine.Cost, error) {
	all := s.all(p)
	recipe, err := ReadRecipe(all)
	if err != nil {
		return nil, engine.Cost{}, err
	}
	in, outputs := train.Shape, max(s.Data.Classes, train.Outputs)
	layer, err := s.Build(all, in, outputs)
	if err != nil {
		return nil, engine.Cost{}, err
	}
	_, cost, err := engine.Measure(layer, in)
	if err != nil {
		return nil, cost, err
	}
	net, err := engine.Compile(layer, in, recipe.network(train, seed))
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
		if len(s.Data.Train.Class) > s.Data.Train.Len() { // a class for each step: a language model
			m[prefix+"perplexity"] = math.Exp(min(score.Loss, 700))
		}
	} else {
		m[prefix+"rmse"], m[prefix+"r2"] = score.RMSE*s.Data.TargetScale, score.R2 // in the target's own unit
	}
	return m
}
