package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/loss"
)

// wideLoss is the loss of a classifier whose outputs are cut.
func wideLoss(t *testing.T, l loss.CrossEntropy, rows, classes, parts int) *vocabulary {
	t.Helper()
	cuts, err := cutsOf(Dense{Out: classes}, data.Shape{3}, l, parts, plan.InTurn)
	if err != nil {
		t.Fatal(err)
	}
	return newVocabulary(&Net{out: data.Shape{classes}, cfg: Config{Batch: rows, Loss: l}, cuts: cuts})
}

// The cross-entropy of parts of the classes is that of all.
func TestCrossEntropyOfParts(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 17))
	const rows, classes = 12, 523
	weights := make([]float32, classes)
	for i := range weights {
		weights[i] = r.Float32() * float32(i%3)
	}
	target := loss.Targets{Class: make([]int32, rows)}
	mixed := loss.Targets{Class: target.Class, Partner: make([]int32, rows), Keep: make([]float32, rows/2)}
	for i := range target.Class {
		target.Class[i], mixed.Partner[i], mixed.Keep[i/2] = int32(r.IntN(classes)), int32(r.IntN(classes)), r.Float32()
	}
	target.Class[0], mixed.Partner[0] = 5, 5
	for _, l := range []loss.CrossEntropy{{}, {Smoothing: 0.1}, {Weights: weights}, {Smoothing: 0.2, Weights: weights}} {
		for parts := 2; parts <= 4; parts++ {
			for _, scale := range []float32{1, 30} {
				v := wideLoss(t, l, rows, classes, parts)
				y := normal(r, rows*classes)
				for i := range y {
					y[i] *= scale
				}
				for _, to := range []loss.Targets{target, mixed} {
					if l.Weights != nil && to.Partner != nil {
						continue
					}
					name := fmt.Sprintf("smoothing %v, weights %v, scale %v, mixed %v, %d parts", l.Smoothing, l.Weights != nil, scale, to.Partner != nil, parts)
					d, want := make([]float32, len(y)), make([]float32, len(y))
					sum, weight := v.gradient(d, y, to, rows/2)
					a, b := l.Gradient(want, y, to, rows/2)
					if to.Partner != nil {
						a += to.Mixed(want, y, rows/2, l.Smoothing)
					}
					if math.Abs(sum-a) > 1e-6*a || math.Abs(weight-b) > 1e-9*b {
						t.Errorf("%s: loss %v / %v, want %v / %v", name, sum, weight, a, b)
					}
					if e := distance(d, want); e > 1e-6 {
						t.Errorf("%s: gradient differs by %.2g", name, e)
					}
				}
			}
		}
	}
}

// Logits that are far from each other neither overflow nor lose the loss; what is not
// finite shows.
func TestCrossEntropyOfFarParts(t *testing.T) {
	const classes = 256
	v := wideLoss(t, loss.CrossEntropy{}, 3, classes, 2)
	y, d := make([]float32, 3*classes), make([]float32, 3*classes)
	y[3], y[classes+255], y[2*classes] = 3e4, 1e30, -1e30
	sum, _ := v.gradient(d, y, loss.Targets{Class: []int32{255, 255, 0}}, 3)
	if want := 3e4 + 1e30; math.Abs(sum-want) > 1e-6*want || d[3] != 1./3 || d[255] != -1./3 || d[classes+255] != 0 || d[2*classes] != -1./3 {
		t.Errorf("loss %g, gradient %g %g %g %g", sum, d[3], d[255], d[classes+255], d[2*classes])
	}
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		for _, at := range []int{0, 128} {
			clear(y)
			y[at] = bad
			if sum, _ := v.gradient(d, y[:classes], loss.Targets{Class: []int32{1}}, 1); !math.IsNaN(sum) && !math.IsInf(sum, 0) {
				t.Errorf("loss %v of a logit that is %v", sum, bad)
			}
		}
	}
	// Nothing counts where all classes weigh nothing.
	weights := make([]float32, classes)
	weights[0] = 1
	v = wideLoss(t, loss.CrossEntropy{Weights: weights}, 2, classes, 2)
	d[0] = 9
	if sum, weight := v.gradient(d[:2*classes], y[:2*classes], loss.Targets{Class: []int32{1, 2}}, 2); sum != 0 || weight != 0 || slices.ContainsFunc(d[:2*classes], func(g float32) bool { return g != 0 }) {
		t.Errorf("%v / %v", sum, weight)
	}
}

func TestCrossEntropyOfPartsAllocatesNothing(t *testing.T) {
	v := wideLoss(t, loss.CrossEntropy{Smoothing: 0.1}, 4, 256, 2)
	y, d, class := make([]float32, 1024), make([]float32, 1024), make([]int32, 4)
	if n := testing.AllocsPerRun(10, func() { v.gradient(d, y, loss.Targets{Class: class}, 4) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
