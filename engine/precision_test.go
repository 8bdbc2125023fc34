package engine

import (
	"math"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/optim"
)

// Attention and GRU multiply in 16 bits too: their gradients are those in float32
// to the precision of the format, and not the same.
func TestPrecisionOfSequences(t *testing.T) {
	s := blobs(data.Shape{9, 12}, 4, 30)
	for _, l := range []Layer{
		Seq{Attention{Heads: 2}, LastStep{}, Dense{Out: 4}}, Seq{Attention{Heads: 3, Causal: true}, GlobalAvgPool{}, Dense{Out: 4}},
		Seq{GRU{Out: 7}, LastStep{}, Dense{Out: 4}}, Seq{GRU{Out: 40}, GRU{Out: 33}, GlobalAvgPool{}, Dense{Out: 4}},
	} {
		gradient := func(p Precision, rows int) []float32 {
			n := mustCompile(t, l, s.Shape, Config{Batch: 20, Seed: 2, Precision: p})
			order := make([]int32, 20)
			for i := range order {
				order[i] = int32(i)
			}
			n.step(plan.Pass{Rows: 20, Train: true}, n.gather(s, order), 1)
			n.step(plan.Pass{Rows: rows, Train: true}, n.gather(s, order[:rows]), 1) // what is left in scratch memory does not count
			return n.Grads()
		}
		for _, rows := range []int{20, 7} {
			exact := gradient(F32, rows)
			for p, bound := range map[Precision]float64{BF16: 0x1p-5, FP16: 0x1p-8} {
				var wrong float64
				for i, g := range gradient(p, rows) {
					wrong += math.Pow(float64(g-exact[i]), 2)
				}
				if r := math.Sqrt(wrong) / norm(exact); !(r > 0 && r < bound) {
					t.Errorf("%v in %v, %d rows: relative error %g of the gradient, the bound is %g", l, p, rows, r, bound)
				}
			}
		}
	}
}

// Training in 16 bits comes to the same accuracy, and its gradients are those in
// float32 to the precision of the format.
func TestPrecision(t *testing.T) {
	s := blobs(data.Shape{12}, 4, 200)
	l := Seq{Dense{Out: 40}, ReLU{}, Dense{Out: 24}, GELU{}, Dense{Out: 4}}
	gradient := func(p Precision) []float32 {
		n := mustCompile(t, l, s.Shape, Config{Batch: 50, Seed: 2, Precision: p})
		order := make([]int32, 50)
		for i := range order {
			order[i] = int32(i)
		}
		n.step(plan.Pass{Rows: 50, Train: true}, n.gather(s, order), 1)
		return n.Grads()
	}
	exact := gradient(F32)
	for p, bound := range map[Precision]float64{BF16: 0x1p-6, FP16: 0x1p-9} {
		var wrong float64
		for i, g := range gradient(p) {
			wrong += math.Pow(float64(g-exact[i]), 2)
		}
		if r := math.Sqrt(wrong) / norm(exact); !(r > 0 && r < bound) {
			t.Errorf("%v: relative error %g of the gradient, the bound is %g", p, r, bound)
		}
		n := mustCompile(t, l, s.Shape, Config{Batch: 50, Seed: 2, Precision: p})
		tr := mustTrain(t, n, TrainConfig{Schedule: optim.Constant{LR: 0.01}})
		for range 20 {
			if _, err := tr.Epoch(s); err != nil {
				t.Fatal(err)
			}
		}
		if score, err := tr.Evaluate(s); err != nil || score.Accuracy < 0.98 {
			t.Errorf("%v: %+v, %v", p, score, err)
		}
		if scaled := tr.scale.Scale != 1; scaled != (p == FP16) {
			t.Errorf("%v: loss scale %g", p, tr.scale.Scale)
		}
	}
	if _, err := Compile(l, s.Shape, Config{Precision: 7}); err == nil {
		t.Error("precision 7: no error")
	}
}
