package nas

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"budwood/engine"
	"budwood/search"
	"budwood/search/searchtest"
)

func bind(t testing.TB, s Spec, in engine.Shape) *Space {
	t.Helper()
	space, err := s.Space()
	if err == nil {
		space, err = space.For(in, 3)
	}
	if err != nil {
		t.Fatal(err)
	}
	return space
}

// overOne is a sampler over a space of one network, without that network: for
// the conformance suite, which knows hyperparameters only.
type overOne struct {
	of  search.Sampler
	net Genome
}

func (s overOne) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	past := make([]search.Record, len(req.Past))
	for i, r := range req.Past {
		if r.Params != nil {
			r.Params = maps.Clone(r.Params)
			s.net.Into(r.Params)
		}
		past[i] = r
	}
	req.Past = past
	out, err := s.of.Propose(ctx, req)
	for _, p := range out {
		delete(p, search.ArchitectureKey)
	}
	return out, err
}

func TestSamplersConform(t *testing.T) {
	space, err := New(Grammar{Root: Op{Name: "relu"}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("random", func(t *testing.T) { searchtest.Independent(t, overOne{Random{space}, space.Smallest()}) })
	t.Run("evolution", func(t *testing.T) {
		searchtest.Sampler(t, overOne{Evolution{Space: space, Population: 5, Sample: 3}, space.Smallest()})
	})
}

// study runs a sampler with a loss that its networks' sizes decide: the nearer
// to 1000 parameters the better.
func study(t testing.TB, s search.Sampler, space *Space, hyper search.Space, n, batch int) []search.Record {
	t.Helper()
	var past []search.Record
	for len(past) < n {
		got, err := s.Propose(context.Background(), search.Request{
			Space: hyper, Objectives: []search.Objective{{Metric: "loss"}}, Past: past, First: len(past), N: batch, Seed: 3,
		})
		if errors.Is(err, search.ErrExhausted) {
			return past
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got {
			g, err := FromParams(p)
			if err != nil {
				t.Fatal(err)
			}
			_, c, err := space.Build(g)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := hyper.Check(p, search.ArchitectureKey); err != nil {
				t.Fatal(err)
			}
			r := search.Record{Trial: search.Trial{ID: len(past), Params: p}, State: search.Completed}
			off := float64(c.Params)/1000 - 1
			loss := off * off
			if lr, ok := p["lr"].(float64); ok {
				loss += lr
			}
			r.Measurements = []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": loss}}}
			past = append(past, r)
		}
	}
	return past
}

func best(past []search.Record) float64 {
	out := past[0].Measurements[0].Metrics["loss"]
	for _, r := range past {
		out = min(out, r.Measurements[0].Metrics["loss"])
	}
	return out
}

func TestEvolutionBeatsRandom(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Depth: []int{1, 6}}, engine.Shape{10})
	hyper := search.Space{search.Float("lr", 0, 1)}
	evolved := best(study(t, Evolution{Space: space}, space, hyper, 150, 1))
	random := best(study(t, Random{space}, space, hyper, 150, 1))
	if evolved > random/2 {
		t.Errorf("evolution reached %.4f, random search %.4f", evolved, random)
	}
}

// In a small space every network is tried once, and then it is over.
func TestSamplersExhaustSmallSpaces(t *testing.T) {
	spec := Spec{Grammar: []any{
		map[string]any{"oneof": []any{"skip", "flatten"}},
		map[string]any{"repeat": []any{0., 2.}, "of": map[string]any{"oneof": []any{"relu", "tanh", "skip", "gelu", map[string]any{"op": "dense", "out": 4.}}}},
	}}
	space := bind(t, spec, engine.Shape{10})
	distinct := map[Hash]bool{}
	for i := range space.root.size() {
		distinct[Genome{space.root.nth(i)}.Hash()] = true
	}
	if n := space.root.size(); n != 2*(1+5+25) {
		t.Fatalf("%d derivations", n)
	}
	for name, s := range map[string]search.Sampler{"random": Random{space}, "evolution": Evolution{Space: space, Population: 4, Sample: 2}} {
		t.Run(name, func(t *testing.T) {
			for _, hyper := range []search.Space{nil, {search.Choice("opt", "sgd", "adam")}} {
				past := study(t, s, space, hyper, 1000, 2)
				seen := map[string]bool{}
				for _, r := range past {
					seen[hashOf(r.Params)+pointKey(r.Params)] = true
				}
				if want := len(distinct) * hyper.Size(); len(past) != want || len(seen) != want {
					t.Errorf("%d trials, %d different, want %d", len(past), len(seen), want)
				}
			}
		})
	}
}

func TestEvolutionAvoidsWhatRuns(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Depth: []int{1}, Dropout: []float64{0}, Norm: []string{"none"}, Width: []int{16, 64}, Ops: []string{"relu"}}, engine.Shape{4})
	past := study(t, Evolution{Space: space}, space, nil, 5, 1)
	past[4].State, past[4].Measurements = search.Running, nil
	got, err := Evolution{Space: space, Population: 2}.Propose(context.Background(), search.Request{
		Objectives: []search.Objective{{Metric: "loss"}}, Past: past, First: 5, N: 2,
	})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	seen := map[string]bool{}
	for _, r := range past {
		seen[hashOf(r.Params)] = true
	}
	for _, p := range got {
		if seen[hashOf(p)] {
			t.Errorf("%v twice", p[search.ArchitectureKey])
		}
		seen[hashOf(p)] = true
	}
}

// A genome that the user wrote into the study file counts, without a hash.
func TestGenomesWithoutHashAreKnown(t *testing.T) {
	p := search.Params{search.ArchitectureKey: "[ dense(4) relu ]"}
	g, err := FromParams(p)
	if err != nil || g.String() != "dense 4 relu" || hashOf(p) != g.Hash().String() {
		t.Errorf("%v, %v, hash %q", g, err, hashOf(p))
	}
}

func TestPopulationComparesAtEqualBudgets(t *testing.T) {
	record := func(id int, state search.State, losses ...float64) search.Record {
		r := search.Record{Trial: search.Trial{ID: id, Params: search.Params{search.ArchitectureKey: "relu"}}, State: state}
		for i, l := range losses {
			r.Measurements = append(r.Measurements, search.Measurement{Budget: []int{1, 3, 9}[i], Metrics: search.Metrics{"loss": l}})
		}
		return r
	}
	past := []search.Record{
		record(0, search.Stopped, .9),
		record(1, search.Completed, .8, .5, .4),
		record(2, search.Completed, .7, .6), // no longer improved
		record(3, search.Paused, .6, .3),
		record(4, search.Running, .5),
		record(5, search.Diverged, .1, .1, .1),
		record(6, search.Running),
	}
	for enough, want := range map[int][]float64{
		2: {.4, .6},             // at 9
		3: {.5, .6, .3},         // at 3
		5: {.9, .8, .7, .6, .5}, // at 1
		9: {.9, .8, .7, .6, .5}, // most are at 1
	} {
		var got []float64
		for _, i := range population(search.Request{Past: past, Objectives: []search.Objective{{Metric: "loss"}}}, 30, enough) {
			got = append(got, i.loss)
		}
		if !slices.Equal(got, want) {
			t.Errorf("enough = %d: %v, want %v", enough, got, want)
		}
	}
}
