package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine/loss"
)

// noise adds a number to every value; rows of one value do not fit.
type noise struct{}

func (noise) Fits(in data.Shape) error {
	if in.Size() == 1 {
		return errors.New("too few values")
	}
	return nil
}

func (noise) Augment(x []float32, _ data.Shape, r *rand.Rand) {
	a := r.Float32()
	for i := range x {
		x[i] += a
	}
}

// What a row becomes depends on the seed, the epoch and its number alone, not on
// its batch or place in it.
func TestAugmentationDependsOnTheRow(t *testing.T) {
	s := blobs(data.Shape{3}, 2, 10)
	n := mustCompile(t, Seq{Dense{Out: 2}}, s.Shape, Config{Batch: 4})
	f, err := newFeeder(n, &TrainConfig{Augment: noise{}, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	b := n.newBatch()
	row := func(order []int32, at, epoch int) []float32 {
		f.fill(b, 0, s, order, epoch)
		return slices.Clone(b.x[at*3 : at*3+3])
	}
	first := row([]int32{7, 1, 2}, 0, 3)
	if !slices.Equal(first, row([]int32{4, 7}, 1, 3)) {
		t.Error("the row depends on its batch")
	}
	if slices.Equal(first, row([]int32{7}, 0, 4)) || slices.Equal(first, s.X[21:24]) {
		t.Error("another epoch gives the same row")
	}
}

func TestMixup(t *testing.T) {
	s := &data.Set{Shape: data.Shape{1}, X: []float32{1, 10, 100}, Target: []float32{2, 20, 200}, Outputs: 1}
	n := mustCompile(t, Seq{Dense{Out: 1}}, s.Shape, Config{Batch: 4, Loss: loss.MSE{}})
	f, err := newFeeder(n, &TrainConfig{Mixup: 0.4, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := n.newBatch()
	got := f.fill(b, 0, s, []int32{2, 0, 1}, 0)
	rows := []float32{100, 1, 10, 100}
	for i, k := range f.keep[0][:3] {
		want := k*rows[i] + (1-k)*rows[i+1]
		if math.Abs(float64(b.x[i]-want)) > 1e-4 || math.Abs(float64(got.Value[i]-2*want)) > 1e-4 {
			t.Errorf("row %d, λ %v: input %v, target %v, want %v", i, k, b.x[i], got.Value[i], want)
		}
	}
	// Beta(α, α): mean ½, variance 1/(4·(2α+1)).
	for _, alpha := range []float64{0.01, 0.2, 1, 4} {
		r := rand.New(rand.NewPCG(2, 3))
		const n = 20000
		sum, square := 0., 0.
		for range n {
			x := beta(r, alpha)
			if !(x >= 0 && x <= 1) {
				t.Fatalf("%v", x)
			}
			sum, square = sum+x, square+x*x
		}
		mean := sum / n
		if v := square/n - mean*mean; math.Abs(mean-.5) > .015 || math.Abs(v*4*(2*alpha+1)-1) > .06 {
			t.Errorf("α %v: mean %v, variance %v", alpha, mean, v)
		}
	}
}

// Training with prefetch gives the same weights, bit for bit, also where a trainer
// is saved and loaded in mid-epoch.
func TestPrefetch(t *testing.T) {
	s := blobs(data.Shape{4}, 3, 50)
	train := func(prefetch bool, cut int) []float32 {
		cfg := TrainConfig{Augment: noise{}, Mixup: 0.3, Accumulate: 2, Prefetch: prefetch, Epochs: 3, Seed: 9}
		tr := mustTrain(t, mustCompile(t, Seq{Dense{Out: 8}, ReLU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 8, Seed: 2}), cfg)
		for step := 0; tr.Done() < 3; step++ {
			if step == cut {
				var b strings.Builder
				if err := tr.Save(&b); err != nil {
					t.Fatal(err)
				}
				tr = mustTrain(t, mustCompile(t, Seq{Dense{Out: 8}, ReLU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 8}), cfg)
				if err := tr.Load(strings.NewReader(b.String())); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := tr.Step(s); err != nil {
				t.Fatal(err)
			}
		}
		return tr.Net().Params()
	}
	want := train(false, -1)
	for cut := range 12 {
		if got := train(true, cut); !slices.Equal(got, want) {
			t.Fatalf("saved before step %d: other weights", cut)
		}
	}
	// Those of trainers that were left may still be at their last batch.
	for wait := 0; runtime.NumGoroutine() > 10; wait++ {
		if wait == 1000 {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestFeedErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  TrainConfig
		l    Layer
		in   data.Shape
		loss loss.Loss
		want string
	}{
		{TrainConfig{Augment: noise{}}, Dense{Out: 2}, data.Shape{1}, nil, "augmentation: too few values"},
		{TrainConfig{Mixup: -1}, Dense{Out: 2}, data.Shape{1}, nil, "mixup -1 is outside"},
		{TrainConfig{Mixup: math.NaN()}, Dense{Out: 2}, data.Shape{1}, nil, "mixup NaN is outside"},
		{TrainConfig{Mixup: 1}, Dense{Out: 2}, data.Shape{1}, loss.CrossEntropy{Weights: []float32{1, 2}}, "class weights"},
		{TrainConfig{Mixup: 1}, Dense{Out: 2}, data.Shape{1}, loss.Distillation{}, "has no mixed form"},
		{TrainConfig{Mixup: 1}, Seq{Embedding{Vocab: 5, Out: 2}, Dense{Out: 2}}, data.Shape{3}, nil, "tokens"},
	} {
		_, err := NewTrainer(mustCompile(t, c.l, c.in, Config{Loss: c.loss}), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// A network trained on mixed and augmented rows without allocations.
func TestAugmentedTrainingDoesNotAllocate(t *testing.T) {
	s := blobs(data.Shape{4}, 3, 64)
	tr := mustTrain(t, mustCompile(t, Seq{Dense{Out: 8}, ReLU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 16}), TrainConfig{Augment: noise{}, Mixup: 0.2})
	if _, err := tr.Epoch(s); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() { tr.Step(s) }); n > 0.5 { // the order of an epoch has a generator of its own
		t.Errorf("%v allocations a step", n)
	}
}
