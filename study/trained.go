package study

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"budwood/data"
	"budwood/learn/network"
	"budwood/learn/tabular"
	"budwood/search"
	"budwood/trees"
	"budwood/trials"
	"budwood/trials/blob"
)

// Trained is the network of a trial of a study with data, with the weights of its
// best epoch, from its checkpoint.
func (s *Spec) Trained(ctx context.Context, cache *data.Cache, blobs blob.Store, key string, trial int, p search.Params) (network.Net, error) {
	_, net, err := s.trained(ctx, blobs, key, trial, p, cache.Load)
	return net, err
}

// TrainedOn is [Spec.Trained], and the data that the network learned from.
func (s *Spec) TrainedOn(ctx context.Context, cache *data.Cache, blobs blob.Store, key string, trial int, p search.Params) (*data.Data, network.Net, error) {
	model, net, err := s.trained(ctx, blobs, key, trial, p, cache.Load)
	return model.Data, net, err
}

// Predictor is the data that a trial learned from, and what predicts rows of it by the
// trial's model, whatever kind of learner that is.
func (s *Spec) Predictor(ctx context.Context, cache *data.Cache, blobs blob.Store, key string, trial int, p search.Params) (*data.Data, func(*data.Set) ([]network.Prediction, error), error) {
	model, err := s.modelled(ctx, blobs, cache.Load)
	if err != nil {
		return nil, nil, err
	}
	predict, err := model.Predictor(ctx, blobs, key, p, search.Rand(s.Search.Seed, trial).Uint64())
	if err != nil {
		return nil, nil, fmt.Errorf("study %s: %s: %w", s.Name, search.TrialName(trial), err)
	}
	return model.Data, predict, nil
}

// Predict applies the network of a trial of a study with a table to the rows of
// another table, CSV or Parquet, which has the columns of the first but the target.
// Of a study with images, path is an image or a folder with images, and the rows have
// the names of the files. classes are the names of the classes, nil for a regression;
// said is what was changed in images.
func (s *Spec) Predict(ctx context.Context, cache *data.Cache, blobs blob.Store, key string, trial int, p search.Params, path string) (rows []network.Prediction, classes, said []string, err error) {
	var fresh *data.Set
	var images *data.NewImages
	idle := trials.NewCores()
	defer idle.Enter(1)()
	model, err := s.modelled(ctx, blobs, func(ctx context.Context, src data.Source) (d *data.Data, err error) {
		if src.OfImages() {
			if d, images, err = cache.LoadWithImages(ctx, src, path); err == nil {
				fresh = images.Set
			}
			return d, err
		}
		d, fresh, err = cache.LoadWith(ctx, src, path)
		return d, err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	model.Mesh.Idle = idle.Team(nil)
	rows, err = model.PredictTrial(ctx, blobs, key, p, search.Rand(s.Search.Seed, trial).Uint64(), fresh)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("study %s: %s: %w", s.Name, search.TrialName(trial), err)
	}
	if images != nil {
		said = images.Said()
		for i := range rows {
			rows[i].File = images.Files[i]
		}
		for _, l := range images.Images.Left {
			rows = append(rows, network.Prediction{File: l.File, Error: l.Why})
		}
		slices.SortStableFunc(rows, func(a, b network.Prediction) int { return strings.Compare(a.File, b.File) })
	}
	return rows, model.Data.ClassNames, said, nil
}

func (s *Spec) trained(ctx context.Context, blobs blob.Store, key string, trial int, p search.Params,
	load func(context.Context, data.Source) (*data.Data, error),
) (model network.Supervised, net network.Net, err error) {
	if model, err = s.modelled(ctx, blobs, load); err != nil {
		return model, nil, err
	}
	net, err = model.Trained(ctx, blobs, key, p, search.Rand(s.Search.Seed, trial).Uint64())
	if err != nil {
		return model, nil, fmt.Errorf("study %s: %s: %w", s.Name, search.TrialName(trial), err)
	}
	return model, net, nil
}

// modelled is the built-in objective on loaded data.
func (s *Spec) modelled(ctx context.Context, blobs blob.Store, load func(context.Context, data.Source) (*data.Data, error)) (model network.Supervised, err error) {
	m := s.Model()
	if m == nil {
		return model, fmt.Errorf("study %s: its objective is the user's own program, and only that program knows the network", s.Name)
	}
	d, err := load(ctx, m.Data)
	if err == nil {
		model, err = m.Supervised(d)
	}
	if err == nil {
		err = m.findSource(&model, d, blobs)
	}
	if err != nil {
		return model, fmt.Errorf("study %s: %w", s.Name, err)
	}
	return model, nil
}

// Trees is the model of a trial whose learner is no network, and the data that it learned from. With a cross-validation it
// is the mean of those of the folds.
func (s *Spec) Trees(ctx context.Context, cache *data.Cache, blobs blob.Store, key string, trial int, p search.Params) (*data.Data, *trees.Model, error) {
	model, err := s.modelled(ctx, blobs, cache.Load)
	if err != nil {
		return nil, nil, err
	}
	c, err := tabular.Of(model, model.All(p))
	of, ok := c.(*tabular.Candidate)
	if err == nil && !ok {
		err = fmt.Errorf("it is a network")
	}
	var mean *trees.Model
	if err == nil {
		mean, err = of.Mean(ctx, blobs, key)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("study %s: %s: %w", s.Name, search.TrialName(trial), err)
	}
	return model.Data, mean, nil
}

// Learner is what a trial of the study with these parameters trains: network, boosting, forest or linear.
func (s *Spec) Learner(p search.Params) string {
	for _, from := range []search.Params{p, s.Train} {
		if v, ok := from[tabular.Key].(string); ok {
			return v
		}
	}
	return tabular.Network
}
