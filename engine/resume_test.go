package engine

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/optim"
)

// everything is one of each optimizer, schedule and other state of a trainer.
var everything = struct {
	optimizers []optim.Optimizer
	schedules  []optim.Schedule
}{
	[]optim.Optimizer{
		optim.SGD{}, optim.SGD{Momentum: 0.9, Nesterov: true}, optim.Adam{WeightDecay: 0.01}, optim.Adam{AMSGrad: true}, optim.AdamW{}, optim.RMSprop{},
		optim.RMSprop{Momentum: 0.9, Centered: true}, optim.AdaGrad{Decay: 0.1}, optim.AdaBound{}, optim.Lookahead{K: 3}, optim.Lookahead{Fast: optim.SGD{Momentum: 0.5}},
	},
	[]optim.Schedule{
		optim.Constant{}, optim.StepDecay{Every: 1}, optim.Exponential{}, optim.CosineDecay{}, optim.WarmRestarts{First: 1, Factor: 2}, optim.OneCycle{},
		optim.Warmup{Then: optim.CosineDecay{}, Share: 0.2}, optim.Plateau{Patience: -1, Then: optim.Constant{LR: 0.01}},
	},
}

// A trainer that is saved between any two steps and loaded into a fresh one goes
// on with the same numbers, bit for bit.
func TestResume(t *testing.T) {
	s := blobs(data.Shape{4, 4, 2}, 3, 40)
	l := Seq{Conv{Out: 4}, BatchNorm{}, ReLU{}, Dropout{P: 0.3}, MaxPool{}, Dense{Out: 8}, BatchNorm{}, GELU{}, Dense{Out: 3}}
	rapid.Check(t, func(rt *rapid.T) {
		cfg := TrainConfig{
			Optimizer: rapid.SampledFrom(everything.optimizers).Draw(rt, "optimizer"),
			Schedule:  rapid.SampledFrom(everything.schedules).Draw(rt, "schedule"),
			Epochs:    3, Accumulate: rapid.IntRange(0, 3).Draw(rt, "accumulate"),
			EMA: rapid.SampledFrom([]float64{0, 0.9}).Draw(rt, "ema"), ClipNorm: 1,
			Groups: []Group{{Vectors: true, NoDecay: true, Rate: 2}}, Seed: 7,
		}
		if rapid.Bool().Draw(rt, "scaled") {
			cfg.LossScale = &LossScale{Init: 0x1p125, Interval: 2} // overflows at first
		}
		precision := rapid.SampledFrom([]Precision{F32, BF16, FP16}).Draw(rt, "precision")
		fresh := func(seed uint64) *Trainer {
			c := cfg
			c.Seed = seed
			tr, err := NewTrainer(mustCompile(t, l, s.Shape, Config{Batch: 8, Seed: seed, Precision: precision}), c)
			if err != nil {
				rt.Fatal(err)
			}
			return tr
		}
		steps := func(tr *Trainer, n int) (losses []float64) {
			for range n {
				last, err := tr.Step(s)
				if err != nil {
					rt.Fatal(err)
				}
				if last {
					losses = append(losses, tr.loss)
					tr.Observe(1)
					tr.KeepBest()
				}
			}
			return losses
		}
		const all = 11
		straight := fresh(7)
		losses := steps(straight, all)
		cut := rapid.IntRange(0, all).Draw(rt, "cut")
		half := fresh(7)
		first := steps(half, cut)
		var b bytes.Buffer
		if err := half.Save(&b); err != nil {
			rt.Fatal(err)
		}
		rest := fresh(99) // other weights, another seed
		if err := rest.Load(&b); err != nil {
			rt.Fatal(err)
		}
		if second := steps(rest, all-cut); !slices.Equal(losses, append(first, second...)) {
			rt.Errorf("losses %v, then %v; straight %v", first, second, losses)
		}
		same := func(what string, a, b []float32) {
			if !slices.Equal(a, b) {
				rt.Errorf("%s differ", what)
			}
		}
		same("weights", straight.net.params, rest.net.params)
		same("statistics", straight.net.stats, rest.net.stats)
		same("averages", straight.average, rest.average)
		same("best weights", straight.best.params, rest.best.params)
		for i := range straight.slots {
			same("optimizer states", straight.slots[i], rest.slots[i])
		}
		if straight.cursor != rest.cursor || straight.seen != rest.seen || straight.scale != rest.scale {
			rt.Errorf("at %+v %+v %+v, straight %+v %+v %+v", rest.cursor, rest.seen, rest.scale, straight.cursor, straight.seen, straight.scale)
		}
	})
}

// In mid-epoch another set is an error, not a mixture.
func TestStepOnAnotherSet(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 90)
	tr := mustTrain(t, mustCompile(t, Dense{Out: 3}, s.Shape, Config{}), TrainConfig{})
	if last, err := tr.Step(s); last || err != nil {
		t.Fatal(last, err)
	}
	if _, err := tr.Step(s.Head(80)); err == nil {
		t.Error("a step on another set gives no error")
	}
	if loss, err := tr.Epoch(s); err != nil || tr.Done() != 1 || tr.Steps() != 3 || !(loss > 0) {
		t.Errorf("the rest of the epoch: loss %g, %d epochs, %d steps, %v", loss, tr.Done(), tr.Steps(), err)
	}
}
