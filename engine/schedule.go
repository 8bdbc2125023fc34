package engine

import (
	"fmt"
	"math"
)

// Schedule is a learning rate as a function of progress.
type Schedule interface {
	// Rate is the learning rate of training step number step (from 0) of total;
	// total is 0 if it is not known.
	Rate(step, total int) float64
}

// Constant is a learning rate that does not change.
type Constant struct {
	LR float64 // 0 means 0.001
}

// CosineDecay goes from LR down to Min along half a cosine (Loshchilov & Hutter
// 2017), after a linear warm-up:
// Min + ½·(LR − Min)·(1 + cos(π·t)), t from 0 to 1.
type CosineDecay struct {
	LR     float64 // 0 means 0.001
	Min    float64
	Warmup float64 // share of all steps, 0 ≤ Warmup < 1, in which the rate grows to LR
}

// Rate is LR.
func (c Constant) Rate(_, _ int) float64 { return or(c.LR, 0.001) }

// Rate is the warm-up's or the cosine's, and Min after the last step.
func (c CosineDecay) Rate(step, total int) float64 {
	lr := or(c.LR, 0.001)
	warm := math.Round(c.Warmup * float64(total))
	if s := float64(step); s < warm {
		return lr * (s + 1) / warm
	}
	t := (float64(step) - warm) / max(float64(total)-warm, 1)
	return c.Min + (lr-c.Min)/2*(1+math.Cos(math.Pi*min(t, 1)))
}

func (c Constant) validate(int) error { return nonNegative("learning rate", c.LR) }

func (c CosineDecay) validate(epochs int) error {
	if epochs < 1 {
		return fmt.Errorf("a cosine schedule needs the number of epochs, not %d", epochs)
	}
	if !(c.Warmup >= 0 && c.Warmup < 1) {
		return fmt.Errorf("warm-up %v is outside [0, 1)", c.Warmup)
	}
	if err := nonNegative("lowest learning rate", c.Min); err != nil {
		return err
	}
	return nonNegative("learning rate", c.LR)
}

// validator is a schedule that can be wrong.
type validator interface{ validate(epochs int) error }
