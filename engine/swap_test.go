package engine

import (
	"math"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

// A trainer whose network is another one in each step, with the same weights and
// state, trains as one that keeps its network, bit for bit.
func TestSwap(t *testing.T) {
	s := blobs(data.Shape{4, 4, 2}, 3, 40)
	l := Seq{Conv{Out: 4}, BatchNorm{}, ReLU{}, Dropout{P: 0.3}, Dense{Out: 3}}
	for _, o := range []optim.Optimizer{optim.SGD{Momentum: 0.9}, optim.AdamW{}, optim.Adam{AMSGrad: true}, optim.AdaBound{}} {
		trainer := func(seed uint64) *Trainer {
			tr, err := NewTrainer(mustCompile(t, l, s.Shape, Config{Batch: 8, Seed: seed}), TrainConfig{Optimizer: o, Schedule: optim.CosineDecay{}, Epochs: 2, Accumulate: 2, Prefetch: true, Seed: 5})
			if err != nil {
				t.Fatal(err)
			}
			return tr
		}
		one, other := trainer(1), trainer(1)
		for step := range 6 {
			last, err := one.Step(s)
			if err != nil {
				t.Fatal(err)
			}
			n := mustCompile(t, l, s.Shape, Config{Batch: 8, Seed: uint64(step) + 2})
			was, state := other.Net(), other.State()
			copyTensors(slices.Concat(n.Tensors(), n.Statistics()), slices.Concat(was.Tensors(), was.Statistics()))
			steps := slices.Repeat([]int{other.Steps()}, len(n.Tensors()))
			if step%2 > 0 {
				steps = nil
			}
			if err := other.Swap(n, steps); err != nil {
				t.Fatal(err)
			}
			for i, slot := range other.State() {
				copyTensors(slot, state[i])
			}
			if other.Net() == was {
				t.Fatal("the network is the same")
			}
			if end, err := other.Step(s); err != nil || end != last {
				t.Fatalf("%v, the last %v and %v", err, end, last)
			}
			if !slices.Equal(one.Net().Params(), other.Net().Params()) || one.Loss() != other.Loss() {
				t.Fatalf("%v: step %d: weights or the loss, %v and %v, differ", o, step, one.Loss(), other.Loss())
			}
		}
	}
}

// The averages of a tensor that takes part for the first time are corrected as in
// the first step: Adam moves it by the learning rate.
func TestSwapCountsSteps(t *testing.T) {
	s := blobs(data.Shape{4, 4, 2}, 3, 40)
	l := Seq{Dense{Out: 8}, ReLU{}, Dense{Out: 3}}
	tr, err := NewTrainer(mustCompile(t, l, s.Shape, Config{Batch: 8}), TrainConfig{Optimizer: optim.Adam{}, Schedule: optim.Constant{LR: 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := tr.Step(s); err != nil {
			t.Fatal(err)
		}
	}
	n := mustCompile(t, l, s.Shape, Config{Batch: 8, Seed: 9})
	before := slices.Clone(n.Params())
	if err := tr.Swap(n, []int{0, 0, 50, 50}); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Step(s); err != nil {
		t.Fatal(err)
	}
	at, moved := 0, [4]float64{}
	for i, x := range n.Tensors() {
		for j, w := range x.Data {
			moved[i] = max(moved[i], math.Abs(float64(w-before[at+j])))
		}
		at += len(x.Data)
	}
	for i, m := range moved {
		if fresh := math.Abs(m-0.01) < 1e-5; fresh != (i < 2) {
			t.Errorf("tensor %d moved by %g", i, m)
		}
	}
}

func TestSwapRefuses(t *testing.T) {
	in := data.Shape{4}
	net := func(out, batch int) *Net { return mustCompile(t, Seq{Dense{Out: out}}, in, Config{Batch: batch}) }
	for name, c := range map[string]struct {
		cfg   TrainConfig
		next  *Net
		steps []int
	}{
		"outputs":   {TrainConfig{}, net(3, 8), nil},
		"batch":     {TrainConfig{}, net(2, 4), nil},
		"steps":     {TrainConfig{}, net(2, 8), []int{1}},
		"average":   {TrainConfig{EMA: 0.9}, net(2, 8), nil},
		"lookahead": {TrainConfig{Optimizer: optim.Lookahead{}}, net(2, 8), nil},
		"scale":     {TrainConfig{LossScale: &LossScale{}}, net(2, 8), nil},
		"nothing":   {TrainConfig{}, nil, nil},
	} {
		was := net(2, 8)
		tr, err := NewTrainer(was, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if tr.Swap(c.next, c.steps) == nil || tr.Net() != was {
			t.Errorf("%s: swapped", name)
		}
	}
}

// Recalibrated statistics are the mean of those of the batches, whatever they were
// before.
func TestRecalibrate(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 64)
	n := mustCompile(t, Seq{BatchNorm{}, Dense{Out: 3}}, s.Shape, Config{Batch: 16})
	params := slices.Clone(n.Params())
	for _, x := range n.Statistics() {
		for i := range x.Data {
			x.Data[i] = 1e6
		}
	}
	if err := n.Recalibrate(s, 100); err != nil {
		t.Fatal(err)
	}
	mean := n.Statistics()[0].Data
	for j := range 5 {
		var want float64
		for i := range 64 {
			want += float64(s.X[i*5+j]) / 64
		}
		if math.Abs(want-float64(mean[j])) > 1e-5 {
			t.Errorf("feature %d: a mean of %g, that of the rows is %g", j, mean[j], want)
		}
	}
	if v := n.Statistics()[1].Data; slices.Max(v) > 100 {
		t.Errorf("variances %v", v)
	}
	if !slices.Equal(params, n.Params()) {
		t.Error("weights have changed")
	}
	few := mustCompile(t, Seq{BatchNorm{}, Dense{Out: 3}}, s.Shape, Config{Batch: 100})
	if err := few.Recalibrate(s, 3); err != nil || few.Statistics()[0].Data[0] == 0 {
		t.Errorf("fewer rows than a batch: %v", err)
	}
	if err := n.Recalibrate(nil, 1); err == nil {
		t.Error("no set: no error")
	}
}
