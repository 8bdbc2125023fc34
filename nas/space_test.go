package nas

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

// Whatever is sampled, mutated or crossed belongs to the grammar and survives
// JSON.
func TestGenomesBelongToTheirGrammar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := drawSpace(t)
		r := search.Rand(rapid.Uint64().Draw(t, "seed"), 0)
		a, b := s.Sample(r), s.Sample(r)
		m, err := s.Mutate(r, a)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Cross(r, a, b)
		if err != nil {
			t.Fatal(err)
		}
		for name, g := range map[string]Genome{"sampled": a, "mutated": m, "crossed": c, "smallest": s.Smallest()} {
			if err := s.Check(g); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			through(t, g)
		}
	})
}

// through sends a genome through the JSON of its own and of params.
func through(t *rapid.T, g Genome) {
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var back Genome
	if err := json.Unmarshal(text, &back); err != nil || !back.Equal(g) {
		t.Fatalf("%s came back as %v: %v", text, back, err)
	}
	p := search.Params{"lr": .1}
	g.Into(p)
	text, err = json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var q search.Params
	if err := json.Unmarshal(text, &q); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p, q) || p.Key() != q.Key() {
		t.Fatalf("params %v came back as %v", p, q)
	}
	if back, err = FromParams(q); err != nil || !back.Equal(g) || back.Hash() != g.Hash() || back.String() != g.String() {
		t.Fatalf("params %s gave %v: %v", text, back, err)
	}
}

// In a bound space every genome decodes to a network within the limits, and a
// mutant is another network, if the limits leave one a decision away. What it is
// said to cost is what the compiled one has.
func TestGenomesRespectLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawFamily(t)
		r := search.Rand(rapid.Uint64().Draw(t, "seed"), 0)
		g := s.Smallest()
		for range 3 {
			m, err := s.Mutate(r, g)
			if err != nil {
				t.Fatal(err)
			}
			if m.Hash() == g.Hash() && slices.ContainsFunc(s.variants(g), func(v Genome) bool { return v.Hash() != g.Hash() && s.fits(v) }) {
				t.Fatalf("%v mutated into itself", g)
			}
			c, err := s.Cross(r, m, s.Sample(r))
			if err != nil {
				t.Fatal(err)
			}
			for name, g := range map[string]Genome{"mutant": m, "cross": c} {
				net, cost, err := s.Build(g)
				if err != nil {
					t.Fatalf("%s %v: %v", name, g, err)
				}
				if out, err := net.Infer(s.in); err != nil || !out.Equal(data.Shape{s.outputs}) {
					t.Fatalf("%s %v gives %v: %v", name, g, out, err)
				}
				if l := s.limits; l.Params > 0 && cost.Params > l.Params || l.MACs > 0 && cost.MACs > l.MACs {
					t.Fatalf("%s %v costs %+v, over %+v", name, g, cost, l)
				}
			}
			g = c
		}
		all := *s
		all.limits.Memory, all.limits.Inference = 1<<40, 1<<40
		net, n, err := all.measured(g)
		if err != nil {
			t.Fatal(err)
		}
		c, err := engine.Compile(net, s.in, engine.Config{Batch: batch})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := engine.NewTrainer(c, engine.TrainConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(c.Params())) != n.cost.Params || tr.Memory() != n.memory {
			t.Fatalf("%v: %+v said; it has %d parameters and %+v", net, n, len(c.Params()), tr.Memory())
		}
	})
}

func TestSampleFallsBackWhereLimitsAreTight(t *testing.T) {
	s, err := Spec{Family: "mlp", Depth: []int{1, 8}, Width: []int{1, 4096}, Limits: Limits{Params: 300}}.Space()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.For(data.Shape{10}, 2); err != nil {
		t.Fatal(err)
	}
	seen := map[Hash]bool{}
	for i := range 50 {
		g := s.Sample(search.Rand(1, i))
		if _, _, err := s.Build(g); err != nil {
			t.Fatal(err)
		}
		seen[g.Hash()] = true
	}
	if len(seen) < 40 {
		t.Errorf("only %d different networks in 50", len(seen))
	}
}

func TestForRefusesWhatCannotBeTrained(t *testing.T) {
	image := data.Shape{8, 8, 1}
	for name, c := range map[string]struct {
		spec Spec
		in   data.Shape
		want string
		is   error
	}{
		"limits": {
			Spec{Family: "mlp", Width: []int{16, 64}, Limits: Limits{Params: 100}}, data.Shape{13},
			"architecture: even the smallest network, dense 16 relu, is over the limit: 258 parameters are 2.58 times the limit of 100", ErrLimit,
		},
		"shape": {
			Spec{Family: "cnn"}, data.Shape{13},
			"architecture: network conv8·3 bn relu | pool | globalpool: Conv(8, 3×3): needs height×width×channels, got 13", nil,
		},
		"no data": {Spec{Family: "mlp"}, nil, "architecture: input shape () and 2 outputs are no data to learn from", nil},
		"dead": {
			Spec{Grammar: []any{"relu", "none"}}, image,
			"architecture: network relu none: nothing reaches the output", ErrDead,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := c.spec.Space()
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.For(c.in, 2)
			if err == nil || err.Error() != c.want || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestCheckRefusesForeignGenomes(t *testing.T) {
	s, err := New(Grammar{Root: Seq{
		Repeat{1, 2, Op{"dense", []search.Param{search.Int("out", 8, 16, search.Step(4))}}},
		OneOf{Op{Name: "relu"}, Op{Name: "tanh"}},
	}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for tree, want := range map[string]string{
		`[{dense(12)} 1:tanh]`: "",
		`[{dense(12)} 0:tanh]`: "genome dense 12 tanh is none of this space: tanh stands for relu",
		`[{dense(12)} 2:tanh]`: "genome dense 12 tanh is none of this space: there is no alternative 2 of 2",
		`[{dense(13)} 1:tanh]`: "genome dense 13 tanh is none of this space: dense: out: 13 is not 8 plus a multiple of 4",
		`[{} 1:tanh]`:          "genome tanh is none of this space: 0 repetitions or edges are outside [1, 2]",
		`[relu]`:               "genome relu is none of this space: 1 parts instead of 2",
		`relu`:                 "genome relu is none of this space: its tree has another form",
	} {
		g := genome(t, tree)
		err := s.Check(g)
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%s: got %v, want %q", tree, err, want)
		}
		if _, _, built := s.Build(g); err != nil && built == nil {
			t.Errorf("%s: was built", tree)
		}
	}
}

func TestDecisionsAreSites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := drawSpace(t)
		g := s.Sample(search.Rand(rapid.Uint64().Draw(t, "seed"), 0))
		sites := 0
		s.root.sites(&g.root, nil, func(site) bool { sites++; return true })
		if n := s.root.decisions(&g.root); n != sites {
			t.Fatalf("%v has %d decisions and %d sites", g, n, sites)
		}
	})
}
