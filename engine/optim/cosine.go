package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"budwood/engine/internal/check"
)

// CosineDecay goes from LR down to Min along half a cosine (Loshchilov & Hutter
// 2017): Min + ½·(LR − Min)·(1 + cos(π·t)), t from 0 to 1.
type CosineDecay struct {
	LR  float64 // 0 means 0.001
	Min float64
}

// Rate is the cosine's, and Min after the last step.
func (c CosineDecay) Rate(p Progress) float64 {
	return cosine(cmp.Or(c.LR, 0.001), c.Min, min(float64(p.Step)/float64(max(p.Total, 1)), 1))
}

func (c CosineDecay) validate(epochs int) error {
	if epochs < 1 {
		return fmt.Errorf("a cosine schedule needs the number of epochs, not %d", epochs)
	}
	return rates(c.LR, c.Min)
}

// cosine goes from one value to another while t goes from 0 to 1.
func cosine(from, to, t float64) float64 { return to + (from-to)/2*(1+math.Cos(math.Pi*t)) }

func rates(lr, lowest float64) error {
	return errors.Join(check.NonNegative("learning rate", lr), check.NonNegative("lowest learning rate", lowest))
}

// WarmRestarts is a cosine from LR down to Min over First epochs, then again
// over Factor times as many, and so on (SGDR, Loshchilov & Hutter 2017).
type WarmRestarts struct {
	LR     float64 // 0 means 0.001
	Min    float64
	First  int // epochs of the first cosine; 0 means 10
	Factor int // 0 means 1: all are as long as the first
}

// Rate is the cosine's.
func (w WarmRestarts) Rate(p Progress) float64 {
	at, length := p.epochs(), cmp.Or(float64(w.First), 10)
	if w.Factor <= 1 {
		at = math.Mod(at, length)
	} else {
		for at >= length {
			at -= length
			length *= float64(w.Factor)
		}
	}
	return cosine(cmp.Or(w.LR, 0.001), w.Min, at/length)
}

func (w WarmRestarts) validate(int) error {
	if w.First < 0 || w.Factor < 0 {
		return fmt.Errorf("warm restarts: %d epochs, times %d: neither can be below 0", w.First, w.Factor)
	}
	return rates(w.LR, w.Min)
}
