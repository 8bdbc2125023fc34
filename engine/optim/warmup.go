package optim

import (
	"fmt"
	"math"

	"budwood/engine/internal/check"
)

// Warmup lets the learning rate grow linearly to that of another schedule, which
// begins when the warm-up is over.
type Warmup struct {
	Then  Schedule // nil means Constant{}
	Share float64  // of all steps, 0 ≤ Share < 1
	Steps int      // instead of a share
}

func (w Warmup) then() Schedule {
	if w.Then == nil {
		return Constant{}
	}
	return w.Then
}

// Rate is (Step+1)/warm-up of the rate at the start of Then, and Then's after
// the warm-up.
func (w Warmup) Rate(p Progress) float64 {
	warm := w.Steps
	if warm == 0 {
		warm = int(math.Round(w.Share * float64(p.Total)))
	}
	rest := Progress{Step: max(p.Step-warm, 0), Total: max(p.Total-warm, 0), Epoch: p.Epoch}
	rate := w.then().Rate(rest)
	if p.Step < warm {
		rate *= float64(p.Step+1) / float64(warm)
	}
	return rate
}

func (w Warmup) validate(epochs int) error {
	if err := check.Fraction("warm-up", w.Share); err != nil {
		return err
	}
	switch {
	case w.Steps < 0:
		return fmt.Errorf("warm-up of %d steps", w.Steps)
	case w.Steps > 0 && w.Share > 0:
		return fmt.Errorf("warm-up: give either %d steps or a share of %v", w.Steps, w.Share)
	case w.Share > 0 && epochs < 1:
		return fmt.Errorf("a share of %v as warm-up needs the number of epochs, not %d", w.Share, epochs)
	}
	return CheckSchedule(w.then(), epochs)
}
