package optim

import (
	"cmp"
	"fmt"
	"math"

	"budwood/engine/internal/check"
)

// Plateau multiplies another schedule's learning rate by Factor when a value has
// not fallen for more than Patience epochs (ReduceLROnPlateau of PyTorch). Tell
// the trainer the value after each epoch: its method Observe does.
type Plateau struct {
	Then      Schedule // nil means Constant{}
	Factor    float64  // 0 means 0.1
	Patience  int      // 0 means 10; below 0 means none
	Threshold float64  // the share by which a value must be lower to count; 0 means 0.0001
	Cooldown  int      // epochs after a reduction in which nothing is counted
	Min       float64  // the lowest learning rate
}

func (s Plateau) then() Schedule {
	if s.Then == nil {
		return Constant{}
	}
	return s.Then
}

// Rate is that of the other schedule, before any reduction.
func (s Plateau) Rate(p Progress) float64 { return s.then().Rate(p) }

func (s Plateau) validate(epochs int) error {
	if s.Factor != 0 && !(s.Factor > 0 && s.Factor < 1) {
		return fmt.Errorf("plateau: factor %v is outside (0, 1)", s.Factor)
	}
	if s.Cooldown < 0 {
		return fmt.Errorf("plateau: cooldown %d is below 0", s.Cooldown)
	}
	if err := check.Fraction("plateau: threshold", s.Threshold); err != nil {
		return err
	}
	if err := check.NonNegative("lowest learning rate", s.Min); err != nil {
		return err
	}
	return CheckSchedule(s.then(), epochs)
}

// PlateauState is what a Plateau schedule has seen; it is part of the checkpoint.
type PlateauState struct {
	Seen bool    `json:"seen,omitempty"`
	Best float64 `json:"best,omitempty"`
	Bad  int     `json:"bad,omitempty"`  // epochs without improvement in a row
	Cool int     `json:"cool,omitempty"` // epochs of cooldown left
	Cuts int     `json:"cuts,omitempty"` // reductions so far
}

// Observe takes in the value after an epoch.
func (s *Plateau) Observe(state *PlateauState, value float64) {
	if math.IsInf(value, 0) || math.IsNaN(value) {
		value = math.MaxFloat64
	}
	if !state.Seen || value < state.Best-cmp.Or(s.Threshold, 1e-4)*math.Abs(state.Best) {
		state.Seen, state.Best, state.Bad = true, value, 0
	} else {
		state.Bad++
	}
	if state.Cool > 0 {
		state.Cool--
		state.Bad = 0
	}
	patience := s.Patience
	if patience == 0 {
		patience = 10
	}
	if state.Bad > max(patience, 0) {
		state.Cuts++
		state.Cool, state.Bad = s.Cooldown, 0
	}
}

// Reduce applies the reductions so far to a learning rate.
func (s *Plateau) Reduce(state *PlateauState, lr float64) float64 {
	if state.Cuts == 0 {
		return lr
	}
	return max(lr*math.Pow(cmp.Or(s.Factor, 0.1), float64(state.Cuts)), min(s.Min, lr))
}

// PlateauOf is the Plateau in a schedule, nil if there is none.
func PlateauOf(s Schedule) *Plateau {
	switch s := s.(type) {
	case Plateau:
		return &s
	case Warmup:
		return PlateauOf(s.Then)
	}
	return nil
}
