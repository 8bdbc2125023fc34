package engine

import (
	"cmp"
	"errors"
	"fmt"

	"budwood/engine/internal/check"
)

// LossScale is dynamic loss scaling (Micikevicius et al. 2018): the gradients
// are computed from Scale times the loss, so that small ones do not vanish in
// 16 bits, and divided by it before clipping. Where they overflow, the step is
// left out and the scale falls; after Interval good steps in a row it grows.
type LossScale struct {
	Init     float64 // 0 means 2¹⁶
	Growth   float64 // 0 means 2
	Backoff  float64 // 0 means 0.5
	Interval int     // 0 means 2000
}

func (l *LossScale) validate() error {
	if l == nil {
		return nil
	}
	if err := check.NonNegative("loss scale", l.Init); err != nil {
		return err
	}
	if l.Growth != 0 && !(l.Growth >= 1) || l.Backoff != 0 && !(l.Backoff > 0 && l.Backoff < 1) || l.Interval < 0 {
		return fmt.Errorf("loss scale: growth %v is below 1, backoff %v is outside (0, 1), or interval %d is below 0", l.Growth, l.Backoff, l.Interval)
	}
	return nil
}

// scaler is the state of loss scaling; it is part of the checkpoint.
type scaler struct {
	Scale float64 `json:"scale"`
	Good  int     `json:"good,omitempty"` // steps in a row
}

// smallestScale is where loss scaling gives up: gradients that overflow at this
// scale are infinite themselves.
const smallestScale = 0x1p-24

// step counts a step whose gradients were finite or not.
func (l *LossScale) step(s *scaler, finite bool) error {
	if !finite {
		s.Scale *= cmp.Or(l.Backoff, 0.5)
		s.Good = 0
		if s.Scale < smallestScale {
			return errors.New("gradient NaN or infinite at every loss scale")
		}
		return nil
	}
	interval := l.Interval
	if interval == 0 {
		interval = 2000
	}
	if s.Good++; s.Good >= interval {
		s.Scale = min(s.Scale*cmp.Or(l.Growth, 2), 0x1p100)
		s.Good = 0
	}
	return nil
}
