package loss

import (
	"math"
	"testing"
)

// Two rows of one value by hand: errors 1 and −2 to the targets, 3 and 0 to the teacher.
func TestImitationGolden(t *testing.T) {
	l := Imitation{Alpha: .25}
	d := make([]float32, 2)
	sum, weight := l.Gradient(d, []float32{2, 1}, Targets{Value: []float32{1, 3}, Soft: []float32{-1, 1}}, 2)
	if got, want := sum/weight, .75*(1.+4)/2+.25*(9.+0)/2; math.Abs(got-want) > 1e-6 {
		t.Errorf("loss %v, want %v", got, want)
	}
	for i, want := range []float64{.75*1 + .25*3, .75 * -2} {
		if math.Abs(float64(d[i])-want) > 1e-6 {
			t.Errorf("gradient %d is %v, want %v", i, d[i], want)
		}
	}
	if sum, weight = l.Gradient(d, []float32{2, 1}, Targets{Value: []float32{1, 3}}, 2); sum/weight != 2.5 {
		t.Errorf("without a teacher the loss is %v, want the mean squared error 2.5", sum/weight)
	}
	if (Imitation{Alpha: 2}).Validate() == nil || (Imitation{Values: CrossEntropy{}}).Validate() == nil {
		t.Error("an alpha of 2, or a loss of classes, is taken")
	}
}
