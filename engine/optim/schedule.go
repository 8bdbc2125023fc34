package optim

import (
	"cmp"

	"budwood/engine/internal/check"
)

// Schedule is a learning rate as a function of progress: [Constant],
// [StepDecay], [Exponential], [CosineDecay], [WarmRestarts] or [OneCycle], with
// [Warmup] or [Plateau] around one of them, or your own.
type Schedule interface {
	// Rate is the learning rate of a training step.
	Rate(p Progress) float64
}

// Progress is how far training has come.
type Progress struct {
	Step  int // the training step, from 0
	Total int // steps of all epochs; 0 if the number of epochs is not known
	Epoch int // steps of one epoch
}

// epochs is the progress in epochs, with a fraction.
func (p Progress) epochs() float64 { return float64(p.Step) / float64(max(p.Epoch, 1)) }

// validator is a schedule that can be wrong.
type validator interface{ validate(epochs int) error }

// CheckSchedule is an error that says what is wrong with a schedule for so many
// epochs, 0 if their number is not known. A schedule without a check is right.
func CheckSchedule(s Schedule, epochs int) error {
	if v, ok := s.(validator); ok {
		return v.validate(epochs)
	}
	return nil
}

// Constant is a learning rate that does not change.
type Constant struct {
	LR float64 // 0 means 0.001
}

// Rate is LR.
func (c Constant) Rate(Progress) float64 { return cmp.Or(c.LR, 0.001) }

func (c Constant) validate(int) error { return check.NonNegative("learning rate", c.LR) }
