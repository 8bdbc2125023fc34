package loss

import (
	"math"
	"testing"
)

// A row in float64: T²·KL·α of .2641956 and 16·.9, the cross-entropy .8146061·.1.
func TestDistillationGolden(t *testing.T) {
	l := Distillation{Temperature: 4, Alpha: .9}
	d := make([]float32, 3)
	sum, weight := l.Gradient(d, []float32{-2.6, .7, .9}, Targets{Class: []int32{1}, Soft: []float32{-1.5, 4.5, -2.9}}, 1)
	if got := sum / weight; math.Abs(got-3.8858778) > 1e-6 {
		t.Errorf("loss %.7f, want 3.8858778", got)
	}
	for i, want := range []float64{.0534279, -1.2176501, 1.1642222} {
		if math.Abs(float64(d[i])-want) > 1e-6 {
			t.Errorf("gradient %d is %.7f, want %.7f", i, d[i], want)
		}
	}
}
