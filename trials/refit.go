package trials

import (
	"context"
	"fmt"
	"slices"

	"budwood/engine"
	"budwood/search"
)

// Refit trains a candidate from scratch on the training and the validation rows
// together: what one does with few rows, once the search is over. Nothing is
// left to choose an epoch by, so that the network after the last one counts.
func (s Supervised) Refit(ctx context.Context, p search.Params, epochs int, seed uint64) (*engine.Net, error) {
	rows := s.Data.Train
	if s.Data.Valid != nil {
		rows = joined(rows, s.Data.Valid)
	}
	tr, _, err := s.trainer(p, rows, epochs, seed)
	if err != nil {
		return nil, fmt.Errorf("refit: %w", err)
	}
	for range epochs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if _, err := tr.Epoch(rows); err != nil {
			return nil, fmt.Errorf("refit: %w", err)
		}
	}
	return tr.Net(), nil
}

// joined is the rows of two sets of one kind.
func joined(a, b *engine.Set) *engine.Set {
	out := *a
	out.X = slices.Concat(a.X, b.X)
	if a.Class != nil {
		out.Class = slices.Concat(a.Class, b.Class)
	}
	if a.Target != nil {
		out.Target = slices.Concat(a.Target, b.Target)
	}
	return &out
}
