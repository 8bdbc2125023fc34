package engine

import (
	"math"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

// ReduceLROnPlateau by hand: patience 1, cooldown 1.
func TestPlateau(t *testing.T) {
	n := mustCompile(t, Seq{Dense{Out: 2}}, data.Shape{2}, Config{})
	tr := mustTrain(t, n, TrainConfig{Schedule: optim.Warmup{Then: optim.Plateau{Then: optim.Constant{LR: 1}, Factor: .5, Patience: 1, Cooldown: 1, Min: .2}}})
	for i, c := range []struct{ value, want float64 }{
		{1, 1},
		{.99995, 1}, // lower by less than the threshold: 1 bad epoch
		{1, .5},     // 2 bad epochs, more than the patience
		{1, .5},     // cooldown
		{1, .5},
		{math.NaN(), .25},
		{.5, .25}, // better
		{.5, .25},
		{.5, .2}, // not below the lowest
	} {
		tr.Observe(c.value)
		if got := tr.rate(optim.Progress{}); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("after value %d (%g) the rate is %g, want %g", i, c.value, got, c.want)
		}
	}
}
