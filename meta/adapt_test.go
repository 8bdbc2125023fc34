package meta

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestAdapt(t *testing.T) {
	from := search.Space{
		search.LogFloat("lr", 1e-4, 1), search.Int("layers", 1, 8), search.Int("width", 8, 512, search.Log),
		search.Choice("act", "relu", "tanh", "gelu"), search.Choice("opt", "adam", "sgd").When("sgd", search.Float("momentum", 0, .99)),
		search.Float("dropout", 0, .9), search.Float("kind", 0, 1),
	}
	to := search.Space{
		search.LogFloat("lr", 1e-3, .1), search.Int("layers", 1, 4), search.Int("width", 16, 256, search.Step(16)),
		search.Choice("act", "relu", "tanh"), search.Choice("opt", "sgd", "rmsprop").When("sgd", search.Float("momentum", .5, .95)),
		search.Float("dropout", 0, .5, search.Step(.1)), search.Choice("kind", "a", "b"), search.Float("new", 0, 10),
	}
	for _, c := range []struct {
		p, want search.Params
		known   float64
	}{
		{ // everything fits, except for what is new or of another kind
			search.Params{"lr": .01, "layers": 2, "width": 40, "act": "tanh", "opt": "sgd", "momentum": .9, "dropout": .21, "kind": .5},
			search.Params{"lr": .01, "layers": 2, "width": 48, "act": "tanh", "opt": "sgd", "momentum": .9, "dropout": .2, "kind": "b", "new": 5.},
			7. / 9,
		},
		{ // moved to the bounds; options that are gone; params that came through JSON
			search.Params{"lr": 1., "layers": 8., "width": 8., "act": "gelu", "opt": "adam", "dropout": .9},
			search.Params{"lr": .1, "layers": 4, "width": 16, "act": "tanh", "opt": "rmsprop", "dropout": .5, "kind": "b", "new": 5.},
			4. / 8,
		},
		{ // values that are none
			search.Params{"lr": "fast", "act": 3},
			search.Params{"lr": .01, "layers": 3, "width": 144, "act": "tanh", "opt": "rmsprop", "dropout": .3, "kind": "b", "new": 5.},
			0,
		},
	} {
		got, known := adapt(c.p, from, to)
		if known != c.known {
			t.Errorf("%v: known %v, want %v", c.p, known, c.known)
		}
		if _, err := to.Check(got); err != nil {
			t.Errorf("%v: %v", c.p, err)
		}
		near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
		if d := cmp.Diff(c.want, got, near); d != "" {
			t.Errorf("%v: %s", c.p, d)
		}
	}
}

// Whatever the spaces, the result is a point of the new one; within one space
// nothing changes.
func TestAdaptGivesPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := searchtest.DrawSpace(t), searchtest.DrawSpace(t)
		p := from.Sample(search.Rand(rapid.Uint64().Draw(t, "seed"), 0))
		q, known := adapt(p, from, to)
		if _, err := to.Check(q); err != nil || known < 0 || known > 1 {
			t.Fatalf("%v became %v, known %v: %v", p, q, known, err)
		}
		same, known := adapt(p, from, from)
		if same.Key() != p.Key() || len(from) > 0 && known != 1 {
			t.Fatalf("%v became %v in its own space, known %v", p, same, known)
		}
	})
}

// The last value of a stepped range rounds to beyond its end.
func TestAdaptKeepsTheLastStep(t *testing.T) {
	s := search.Space{search.Float("x", -1e-9, -5e-10, search.Step(5e-11))}
	p := search.Params{"x": s[0].Dim().Decode(1)}
	if q, known := adapt(p, s, s); q.Key() != p.Key() || known != 1 {
		t.Errorf("%v became %v, known %v", p, q, known)
	}
}
