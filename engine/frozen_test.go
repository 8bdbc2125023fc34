package engine

import (
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

// Frozen tensors keep their values bit for bit while the others learn, with every
// kind of copy of the weights beside.
func TestFrozen(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 40)
	frozen := []Group{{Names: []string{"0.*"}, Frozen: true}}
	for name, cfg := range map[string]TrainConfig{
		"AdamW":              {},
		"SGD, clipped, EMA":  {Optimizer: optim.SGD{Momentum: 0.9, WeightDecay: 0.1}, ClipNorm: 0.1, EMA: 0.9},
		"Lookahead":          {Optimizer: optim.Lookahead{K: 2}},
		"accumulated, scale": {Accumulate: 2, LossScale: &LossScale{}},
	} {
		n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, s.Shape, Config{Batch: 8, Seed: 3})
		before := slices.Clone(n.Params())
		cfg.Groups = frozen
		tr := mustTrain(t, n, cfg)
		if _, err := tr.Epoch(s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		own := 5*7 + 7
		if !slices.Equal(n.Params()[:own], before[:own]) {
			t.Errorf("%s: frozen weights moved", name)
		}
		if slices.Equal(n.Params()[own:], before[own:]) {
			t.Errorf("%s: the other weights stayed", name)
		}
		if a := tr.averaged(); a != nil && !slices.Equal(a[:own], before[:own]) {
			t.Errorf("%s: what evaluation uses of frozen weights differs from them", name)
		}
	}
}

// The norm that is clipped is that of what is trained.
func TestFrozenDoesNotCountInTheNorm(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 8)
	n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, s.Shape, Config{Batch: 8, Seed: 3})
	tr := mustTrain(t, n, TrainConfig{Groups: []Group{{Names: []string{"0.*"}, Frozen: true}}, ClipNorm: 1e-3})
	if _, err := tr.Epoch(s); err != nil {
		t.Fatal(err)
	}
	if g := n.Grads(); norm(g[:42]) != 0 || !(norm(g[42:]) > 0.99e-3) {
		t.Errorf("norms %g and %g of the gradients", norm(g[:42]), norm(g[42:]))
	}
}

func TestFrozenErrors(t *testing.T) {
	n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, data.Shape{5}, Config{})
	for want, g := range map[string]Group{
		"it is frozen, and has rules": {Names: []string{"0.*"}, Frozen: true, Rate: 0.5},
		"all parameters are frozen":   {Names: []string{"*"}, Frozen: true},
	} {
		if _, err := NewTrainer(n, TrainConfig{Groups: []Group{g}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v does not say %q", g, err, want)
		}
	}
}
