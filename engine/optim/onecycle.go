package optim

import (
	"cmp"
	"fmt"

	"budwood/engine/internal/check"
)

// OneCycle grows along a cosine from LR/Divide to LR in the share Rise of all
// steps, and falls along one to LR/(Divide·FinalDivide) at the last step (Smith
// & Topin 2018, in PyTorch's form; momentum stays as it is).
type OneCycle struct {
	LR          float64 // the highest; 0 means 0.001
	Rise        float64 // 0 means 0.3
	Divide      float64 // 0 means 25
	FinalDivide float64 // 0 means 10000
}

// Rate is the cycle's, and the last step's beyond it.
func (o OneCycle) Rate(p Progress) float64 {
	top := cmp.Or(o.LR, 0.001)
	first := top / cmp.Or(o.Divide, 25)
	last := float64(p.Total - 1)
	peak := cmp.Or(o.Rise, 0.3)*float64(p.Total) - 1
	s := min(float64(p.Step), last)
	if s <= peak {
		return cosine(first, top, s/max(peak, 1e-9))
	}
	return cosine(top, first/cmp.Or(o.FinalDivide, 1e4), (s-peak)/max(last-peak, 1e-9))
}

func (o OneCycle) validate(epochs int) error {
	if epochs < 1 {
		return fmt.Errorf("a one-cycle schedule needs the number of epochs, not %d", epochs)
	}
	if err := check.Fraction("one-cycle: rise", o.Rise); err != nil {
		return err
	}
	for _, d := range []float64{o.Divide, o.FinalDivide} {
		if d != 0 && !(d >= 1) {
			return fmt.Errorf("one-cycle: divisor %v is below 1", d)
		}
	}
	return check.NonNegative("learning rate", o.LR)
}
