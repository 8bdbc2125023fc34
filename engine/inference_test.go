package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine/crew"
)

// An inference computes what the network predicts, up to rounding, whatever stands
// behind what: norms are folded, windows and activations are computed along.
func TestInference(t *testing.T) {
	more := []struct {
		name  string
		layer Layer
	}{
		{"folded", Seq{Conv{Out: 5, NoBias: true}, Dropout{P: .5}, BatchNorm{}, MaxPool{}, Conv{Out: 7, Valid: true}, BatchNorm{}, ReLU{}, MaxPool{}, Dense{Out: 6, NoBias: true}, BatchNorm{}, Dropout{P: .1}, ReLU{}, Dense{Out: 4}, Dropout{P: .1}}},
		{"left", Seq{BatchNorm{}, Conv{Out: 5}, ReLU{}, BatchNorm{}, ReLU{}, MaxPool{}, Conv{Out: 4, Kernel: 1}, BatchNorm{}, ReLU{}, MaxPool{}, MaxPool{Size: 2}, Dense{Out: 4}, BatchNorm{}, BatchNorm{}}},
		{"windows", Seq{Conv{Out: 16, Stride: 2, Kernel: 5}, ReLU{}, MaxPool{}, Conv{Out: 32, Groups: 2}, MaxPool{}, Dense{Out: 4}}},
		{"odd", Seq{Conv{Out: 17, Valid: true, Kernel: 2}, BatchNorm{}, ReLU{}, MaxPool{}, Dense{Out: 4}}},
		{"by steps", Seq{rowsOfImage, Conv1D{Out: 6, NoBias: true}, BatchNorm{}, ReLU{}, Dense{Out: 5, PerStep: true}, BatchNorm{}, GRU{Out: 5}, LastStep{}, Dense{Out: 4}}},
		{"many rows", Seq{Dense{Out: 4}}},
	}
	s := blobs(data.Shape{8, 8, 2}, 4, 70)
	for _, k := range append(more, kinds...) {
		for _, p := range []Precision{F32, FP16, BF16} {
			n := mustCompile(t, k.layer, s.Shape, Config{Batch: 32, Seed: 3, Precision: p})
			r := rand.New(rand.NewPCG(1, 2))
			for _, x := range n.Tensors() {
				for i := range x.Data {
					x.Data[i] += 0.1 * float32(r.NormFloat64())
				}
			}
			for _, x := range n.Statistics() {
				for i := range x.Data {
					x.Data[i] += r.Float32()
				}
			}
			want, got := make([]float32, s.Len()*4), make([]float32, s.Len()*4)
			f, err := n.Inference()
			if err != nil {
				t.Fatalf("%s: %v", k.name, err)
			}
			if err := n.Predict(s.X, want); err != nil {
				t.Fatal(err)
			}
			if err := f.Predict(s.X, got); err != nil {
				t.Fatalf("%s: %v", k.name, err)
			}
			bound := 1e-5
			if p != F32 { // folded weights are rounded in other places
				bound = .05
			}
			most := 1.
			for _, v := range want {
				most = max(most, math.Abs(float64(v)))
			}
			for i, v := range got {
				if d := math.Abs(float64(v - want[i])); !(d <= bound*most) {
					t.Fatalf("%s, %v: output %d is %v, want %v", k.name, p, i, v, want[i])
				}
			}
			again := make([]float32, len(got))
			if allocs := testing.AllocsPerRun(1, func() { err = f.Predict(s.X, again) }); allocs > 0 || err != nil {
				t.Errorf("%s: %v allocations, %v", k.name, allocs, err)
			}
			if !slices.Equal(got, again) {
				t.Errorf("%s: another time other outputs", k.name)
			}
		}
	}
}

// Idle cores compute some of the batches, with the same bits.
func TestInferenceBorrows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	s := blobs(data.Shape{8, 8, 2}, 4, 300)
	pool := crew.New(4, nil)
	defer pool.Enter(1)()
	for _, k := range kinds {
		n := mustCompile(t, k.layer, s.Shape, Config{Batch: 32, Seed: 3})
		var outs [2][]float32
		for i := range outs {
			f, err := n.Inference()
			if err != nil {
				t.Fatal(err)
			}
			outs[i] = make([]float32, s.Len()*4)
			if err := f.Predict(s.X, outs[i]); err != nil {
				t.Fatal(err)
			}
			if i == 1 && len(f.net.twins) != 3 {
				t.Errorf("%s: %d helpers", k.name, len(f.net.twins))
			}
			n.Borrow(pool.Team(nil), 0)
			n.eager = true
		}
		if !slices.Equal(outs[0], outs[1]) {
			t.Errorf("%s: other bits", k.name)
		}
	}
}

// Weights that change later are not those of an inference made before.
func TestInferenceKeepsItsWeights(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 8)
	n := mustCompile(t, Seq{Conv{Out: 4}, BatchNorm{}, Dense{Out: 4}}, s.Shape, Config{Batch: 8, Seed: 3})
	f, err := n.Inference()
	if err != nil {
		t.Fatal(err)
	}
	var was [2][32]float32
	for i := range was {
		if err := f.Predict(s.X, was[i][:]); err != nil {
			t.Fatal(err)
		}
		clear(n.Params())
	}
	if was[0] != was[1] {
		t.Error("they are")
	}
	if err := f.Predict(s.X[:5], nil); err == nil {
		t.Error("inputs that are no rows: no error")
	}
}
