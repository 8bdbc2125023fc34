package engine

import (
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/optim"
)

// Masked weights are 0 after every step, with every kind of copy of the weights and
// on any number of lanes; the others learn as if the masked ones were not there.
func TestMask(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 40)
	for name, cfg := range map[string]TrainConfig{
		"AdamW":              {},
		"SGD, clipped, EMA":  {Optimizer: optim.SGD{Momentum: 0.9, WeightDecay: 0.1}, ClipNorm: 0.1, EMA: 0.9},
		"Lookahead":          {Optimizer: optim.Lookahead{K: 2}},
		"accumulated, lanes": {Accumulate: 2, Mesh: Mesh{Threads: 2, always: true}},
	} {
		n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, s.Shape, Config{Batch: 8, Seed: 3})
		cfg.Mask = slices.Repeat([]float32{1, 0, 1}, 22)
		masked(n.params, cfg.Mask)
		before := slices.Clone(n.params)
		tr := mustTrain(t, n, cfg)
		if _, err := tr.Epoch(s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, x := range map[string][]float32{"weight": n.params, "average": tr.averaged(), "gradient": n.grads} {
			for i, v := range x {
				if cfg.Mask[i] == 0 && v != 0 {
					t.Fatalf("%s: masked %s %d is %g", name, what, i, v)
				}
			}
		}
		for _, slot := range tr.State() {
			for _, x := range slot {
				at := slices.IndexFunc(n.plan.Params, func(p *plan.Param) bool { return p.Name == x.Name })
				for i, v := range x.Data {
					if cfg.Mask[n.plan.Params[at].At+i] == 0 && v != 0 {
						t.Fatalf("%s: masked state %d of %s is %g", name, i, x.Name, v)
					}
				}
			}
		}
		if n.params[0] == before[0] || n.params[2] == before[2] {
			t.Errorf("%s: the other weights stayed", name)
		}
	}
}

// The norm that is clipped is that of what is not masked.
func TestMaskedDoesNotCountInTheNorm(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 8)
	n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, s.Shape, Config{Batch: 8, Seed: 3})
	mask := slices.Repeat([]float32{0, 1}, 33)
	tr := mustTrain(t, n, TrainConfig{Mask: mask, ClipNorm: 1e-3})
	if _, err := tr.Epoch(s); err != nil {
		t.Fatal(err)
	}
	if g := norm(n.Grads()); !(g > 0.99e-3 && g < 1.01e-3) {
		t.Errorf("norm %g", g)
	}
	if _, err := NewTrainer(n, TrainConfig{Mask: mask[1:]}); err == nil {
		t.Error("a mask of another length is accepted")
	}
	if err := tr.Swap(n, nil); err == nil {
		t.Error("another network for the same mask")
	}
}
