package study

import (
	"context"
	"errors"
	"strings"
	"testing"

	"budwood/search"
)

// slow is a sampler that does not answer before it is closed.
type slow chan struct{}

func (s slow) Propose(context.Context, search.Request) ([]search.Params, error) {
	<-s
	return nil, nil
}

// A sampler that does not answer is said to be late, and not the study.
func TestOwnSamplerIsLate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	hang := make(slow)
	defer close(hang)
	s := ownSampler{"slow", hang}
	if _, err := s.Propose(ctx, search.Request{First: 3, N: 1}); !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "slow does not answer") {
		t.Error(err)
	}
}
