package engine

import (
	"errors"
	"fmt"

	"budwood/engine/kernel"
)

// Lookahead (Zhang et al. 2019) keeps slow weights: after every K steps of
// another optimizer they move a share Alpha of the way to its fast weights,
// which go on from there. The slow weights are what counts in the end:
// [Trainer.Evaluate] and [Trainer.KeepBest] use them.
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

func (o Lookahead) slots() []string { return append(o.fast().slots(), "slow") }

func (o Lookahead) validate() error {
	if _, nested := o.Fast.(Lookahead); nested {
		return errors.New("Lookahead: around another Lookahead")
	}
	if o.K < 0 {
		return fmt.Errorf("Lookahead: K %d is below 0", o.K)
	}
	if !(o.Alpha >= 0 && o.Alpha <= 1) {
		return fmt.Errorf("Lookahead: alpha %v is outside [0, 1]", o.Alpha)
	}
	if err := o.fast().validate(); err != nil {
		return fmt.Errorf("Lookahead: %w", err)
	}
	return nil
}

func (o Lookahead) step(s *span) bool {
	last := len(s.state) - 1
	slow := s.state[last]
	if s.t == 1 {
		copy(slow, s.w)
	}
	all := s.state
	s.state = all[:last]
	finite := o.fast().step(s)
	s.state = all
	k := o.K
	if k == 0 {
		k = 5
	}
	if s.t%k == 0 {
		kernel.Lerp(slow, s.w, float32(or(o.Alpha, 0.5)))
		copy(s.w, slow)
	}
	return finite
}
