package study

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"budwood/data"
	"budwood/learn/network"
	"budwood/search"
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
	model, net, err := s.trained(ctx, blobs, key, trial, p, func(ctx context.Context, src data.Source) (d *data.Data, err error) {
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
	rows, err = model.Predict(net, fresh)
	if err == nil && images != nil {
		said = images.Said()
		for i := range rows {
			rows[i].File = images.Files[i]
		}
		for _, l := range images.Images.Left {
			rows = append(rows, network.Prediction{File: l.File, Error: l.Why})
		}
		slices.SortStableFunc(rows, func(a, b network.Prediction) int { return strings.Compare(a.File, b.File) })
	}
	return rows, model.Data.ClassNames, said, err
}

func (s *Spec) trained(ctx context.Context, blobs blob.Store, key string, trial int, p search.Params,
	load func(context.Context, data.Source) (*data.Data, error),
) (model network.Supervised, net network.Net, err error) {
	m := s.Model()
	if m == nil {
		return model, nil, fmt.Errorf("study %s: its objective is the user's own program, and only that program knows the network", s.Name)
	}
	d, err := load(ctx, m.Data)
	if err != nil {
		return model, nil, fmt.Errorf("study %s: %w", s.Name, err)
	}
	if model, err = m.Supervised(d); err != nil {
		return model, nil, fmt.Errorf("study %s: %w", s.Name, err)
	}
	if err = m.findSource(&model, d, blobs); err != nil {
		return model, nil, fmt.Errorf("study %s: %w", s.Name, err)
	}
	net, err = model.Trained(ctx, blobs, key, p, search.Rand(s.Search.Seed, trial).Uint64())
	if err != nil {
		return model, nil, fmt.Errorf("study %s: %s: %w", s.Name, search.TrialName(trial), err)
	}
	return model, net, nil
}
