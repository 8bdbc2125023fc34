package engine

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// One scalar w, loss w², from w = 1: the golden rows of the specification.
func TestOptimizersGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Optimizer
		want []float64
	}{
		{"SGD", SGD{}, []float64{.8, .64, .512}},
		{"momentum", SGD{Momentum: .9}, []float64{.8, .46, .062}},
		{"Nesterov", SGD{Momentum: .9, Nesterov: true}, []float64{.62, .2224, -.108352}},
		{"SGD decay", SGD{WeightDecay: .5}, []float64{.75, .5625, .421875}},
		{"Adam", Adam{}, []float64{.9000000005, .8004122287, .7015862729}},
		{"AdamW", AdamW{WeightDecay: .1}, []float64{.8900000005, .7815718559, .6751012216}},
		{"AdamW without decay", AdamW{WeightDecay: -1}, []float64{.9000000005, .8004122287, .7015862729}},
	} {
		w, g := []float32{1}, []float32{0}
		var state [][]float32
		for range c.o.slots() {
			state = append(state, []float32{0})
		}
		for i, want := range c.want {
			g[0] = 2 * w[0]
			if !c.o.step(w, g, state, .1, i+1) || math.Abs(float64(w[0])-want) > 2e-7 {
				t.Errorf("%s: step %d gives %.10f, want %.10f", c.name, i+1, w[0], want)
			}
		}
	}
}

func TestOptimizerErrors(t *testing.T) {
	for _, c := range []struct {
		o    Optimizer
		want string
	}{
		{SGD{Momentum: 1}, "momentum 1"},
		{SGD{Nesterov: true}, "Nesterov needs momentum"},
		{SGD{WeightDecay: -1}, "weight decay -1"},
		{Adam{Beta1: 1}, "beta 1"},
		{Adam{Eps: math.NaN()}, "eps NaN"},
		{AdamW{WeightDecay: math.Inf(1)}, "weight decay +Inf"},
	} {
		n := mustCompile(t, Seq{Dense{Out: 2}}, Shape{2}, Config{})
		if _, err := NewTrainer(n, TrainConfig{Optimizer: c.o}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.o, err, c.want)
		}
	}
}

func TestSchedules(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %.10f, want %.10f", what, got, want)
		}
	}
	near("constant default", Constant{}.Rate(3, 10), 0.001)
	c := CosineDecay{LR: .005, Min: 1e-7}
	near("cosine 0", c.Rate(0, 10), .005)
	near("cosine 1 of 10", c.Rate(1, 10), .0048776437) // cosine annealing, T₀ 10
	near("cosine 5 of 20", c.Rate(5, 20), .0042677816) // t 15 of warm restarts: 5 of the second 20
	near("cosine end", c.Rate(10, 10), 1e-7)
	near("cosine beyond", c.Rate(15, 10), 1e-7)
	w := CosineDecay{LR: 1, Warmup: .2}
	near("warm-up 0", w.Rate(0, 10), .5)
	near("warm-up 1", w.Rate(1, 10), 1)
	near("warm-up over", w.Rate(2, 10), 1)
	near("after warm-up", w.Rate(6, 10), .5)
	n := mustCompile(t, Seq{Dense{Out: 2}}, Shape{2}, Config{})
	for _, s := range []Schedule{CosineDecay{}, CosineDecay{LR: -1}, Constant{LR: math.NaN()}, CosineDecay{Warmup: 1}} {
		epochs := 3
		if s == (CosineDecay{}) {
			epochs = 0
		}
		if _, err := NewTrainer(n, TrainConfig{Schedule: s, Epochs: epochs}); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}

func TestClip(t *testing.T) {
	g := []float32{3, 4}
	if norm := clip(g, 1); math.Abs(norm-5) > 1e-6 || math.Abs(float64(g[0])-.6) > 1e-6 || math.Abs(float64(g[1])-.8) > 1e-6 {
		t.Errorf("norm %g, clipped to %v", norm, g)
	}
	g = []float32{.3, .4}
	if norm := clip(g, 1); math.Abs(norm-.5) > 1e-6 || g[0] != .3 {
		t.Errorf("norm %g, changed to %v", norm, g)
	}
}

func TestEarlyStop(t *testing.T) {
	e := EarlyStop{Patience: 2, MinDelta: .1}
	for i, c := range []struct {
		value          float64
		improved, stop bool
	}{{1, true, false}, {.95, false, false}, {.8, true, false}, {.75, false, false}, {.9, false, true}} {
		// the state survives JSON between any two observations
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		e = EarlyStop{}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		if improved, stop := e.Observe(c.value); improved != c.improved || stop != c.stop {
			t.Errorf("observation %d of %g: improved %v, stop %v", i, c.value, improved, stop)
		}
	}
	up := EarlyStop{Maximize: true}
	if improved, _ := up.Observe(-3); !improved {
		t.Error("the first value is no improvement")
	}
	if improved, stop := up.Observe(-2); !improved || stop {
		t.Error("a larger value is no improvement")
	}
	for range 100 {
		if _, stop := up.Observe(-4); stop {
			t.Fatal("stopped without patience")
		}
	}
	if _, stop := up.Observe(math.NaN()); !stop {
		t.Error("NaN does not stop")
	}
}
