package optim

import (
	"cmp"
	"errors"
	"fmt"

	"budwood/engine/kernel"
)

// Lookahead (Zhang et al. 2019) keeps slow weights: after every K steps of
// another optimizer they move a share Alpha of the way to its fast weights,
// which go on from there. The slow weights are what counts in the end:
// evaluation and the copy of the best epoch use them.
type Lookahead struct {
	Fast  Optimizer // nil means AdamW{}
	K     int       // 0 means 5
	Alpha float64   // 0 means 0.5
}

// String is Lookahead(Fast).
func (o Lookahead) String() string { return fmt.Sprintf("Lookahead(%v)", o.fast()) }

func (o Lookahead) fast() Optimizer {
	if o.Fast == nil {
		return AdamW{}
	}
	return o.Fast
}

// Slots implements [Optimizer].
func (o Lookahead) Slots() []string { return append(o.fast().Slots(), "slow") }

// Validate implements [Optimizer].
func (o Lookahead) Validate() error {
	if _, nested := o.Fast.(Lookahead); nested {
		return errors.New("Lookahead: around another Lookahead")
	}
	if o.K < 0 {
		return fmt.Errorf("Lookahead: K %d is below 0", o.K)
	}
	if !(o.Alpha >= 0 && o.Alpha <= 1) {
		return fmt.Errorf("Lookahead: alpha %v is outside [0, 1]", o.Alpha)
	}
	if err := o.fast().Validate(); err != nil {
		return fmt.Errorf("Lookahead: %w", err)
	}
	return nil
}

// Step implements [Optimizer].
func (o Lookahead) Step(s *Span) bool {
	last := len(s.State) - 1
	slow := s.State[last]
	if s.T == 1 {
		copy(slow, s.W)
	}
	all := s.State
	s.State = all[:last]
	finite := o.fast().Step(s)
	s.State = all
	k := o.K
	if k == 0 {
		k = 5
	}
	if s.T%k == 0 {
		kernel.Lerp(slow, s.W, float32(cmp.Or(o.Alpha, 0.5)))
		copy(s.W, slow)
	}
	return finite
}
