package optim

import (
	"cmp"
	"fmt"
	"math"

	"budwood/engine/internal/check"
)

// StepDecay multiplies the learning rate by Factor after every so many epochs.
type StepDecay struct {
	LR     float64 // 0 means 0.001
	Every  int     // epochs; 0 means a third of them all
	Factor float64 // 0 means 0.1
}

// Rate is LR·Factorⁿ after n times Every epochs.
func (d StepDecay) Rate(p Progress) float64 {
	every := float64(d.Every)
	if every == 0 {
		every = max(float64(p.Total)/float64(max(p.Epoch, 1))/3, 1)
	}
	return cmp.Or(d.LR, 0.001) * math.Pow(cmp.Or(d.Factor, 0.1), math.Floor(p.epochs()/every))
}

func (d StepDecay) validate(epochs int) error {
	if d.Every < 0 || d.Every == 0 && epochs < 1 {
		return fmt.Errorf("step decay: every %d of %d epochs", d.Every, epochs)
	}
	return factor("step decay", d.LR, d.Factor)
}

// Exponential multiplies the learning rate by Factor after every epoch.
type Exponential struct {
	LR     float64 // 0 means 0.001
	Factor float64 // 0 means 0.95
}

// Rate is LR·Factorⁿ after n epochs.
func (e Exponential) Rate(p Progress) float64 {
	return cmp.Or(e.LR, 0.001) * math.Pow(cmp.Or(e.Factor, 0.95), math.Floor(p.epochs()))
}

func (e Exponential) validate(int) error { return factor("exponential decay", e.LR, e.Factor) }

func factor(what string, lr, f float64) error {
	if !(f >= 0 && f <= 1) {
		return fmt.Errorf("%s: factor %v is outside [0, 1]", what, f)
	}
	return check.NonNegative("learning rate", lr)
}
