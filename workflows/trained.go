package workflows

import (
	"context"
	"fmt"

	"budwood/engine"
	"budwood/engine/data"
	"budwood/search"
	"budwood/trials"
)

// Trained is the network of a trial of a study with data, with the weights of its
// best epoch, from its checkpoint.
func (s *Spec) Trained(ctx context.Context, cache *data.Cache, blobs trials.Blobs, key string, trial int, p search.Params) (*engine.Net, error) {
	m := s.model()
	if m == nil {
		return nil, fmt.Errorf("study %s: its objective is the user's own program, which alone knows the network", s.Name)
	}
	d, err := cache.Load(ctx, m.Data)
	if err != nil {
		return nil, fmt.Errorf("study %s: its data: %w", s.Name, err)
	}
	built, err := m.supervised(d)
	if err != nil {
		return nil, fmt.Errorf("study %s: %w", s.Name, err)
	}
	net, err := built.Trained(ctx, blobs, key, p, search.Rand(s.Search.Seed, trial).Uint64())
	if err != nil {
		return nil, fmt.Errorf("study %s: %s: %w", s.Name, search.TrialName(trial), err)
	}
	return net, nil
}
