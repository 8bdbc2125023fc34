package hpo

import (
	"math"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

// runAuto is the points and losses of a study of n trials.
func runAuto(t *testing.T, p searchtest.Problem, seed uint64, n int) (points []search.Params, losses []float64) {
	t.Helper()
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}},
		Sampler: &Auto{}, Scheduler: &scheduler.NoStopping{}, Trials: n, Seed: seed,
		Objective: func(_ int, at search.Params, _, _ int) ([]float64, float64, search.State) {
			return []float64{p.F(at)}, 1, search.Paused
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range r.Records {
		points, losses = append(points, rec.Params), append(losses, p.F(rec.Params))
	}
	return points, losses
}

// Improvements that nobody notices do not hold the search at one option: of 80
// proposals 67 were of the same one of 50.
func TestAutoTriesTheOptions(t *testing.T) {
	if testing.Short() {
		t.Skip("a study of 80 trials")
	}
	t.Parallel()
	p := searchtest.Needle()
	points, losses := runAuto(t, p, 1, 80)
	count := map[any]int{}
	most := 0
	for _, x := range points {
		count[x["c"]]++
		most = max(most, count[x["c"]])
	}
	if most > 50 || len(count) < 25 {
		t.Errorf("%d of 80 proposals are of one option, %d options were tried", most, len(count))
	}
	if least := leastOf(losses); least > .6 {
		t.Errorf("the least loss is %g", least)
	}
}

// Where nearly all losses are equal there is nothing to learn, and the search goes on
// where nothing was tried until it finds the basin. The process proposed coordinates of
// tried points, and never came there.
func TestAutoLeavesAPlateau(t *testing.T) {
	if testing.Short() {
		t.Skip("six studies of 70 trials")
	}
	t.Parallel()
	p := searchtest.Plateau()
	found := 0
	for seed := range uint64(6) {
		if _, losses := runAuto(t, p, seed, 70); leastOf(losses) < .5 {
			found++
		}
	}
	if found < 5 {
		t.Errorf("the basin was found by %d of 6 searches", found)
	}
}

// Points that are the same to four digits are not proposed, in a batch neither.
func TestAutoDoesNotRepeatItself(t *testing.T) {
	t.Parallel()
	p := searchtest.Rough()
	points, losses := runAuto(t, p, 2, 50)
	req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, First: len(points), N: 8, Seed: 2}
	for id, x := range points {
		req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: x}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": losses[id]}}}})
	}
	batch, err := new(Auto).Propose(t.Context(), req)
	if err != nil || len(batch) != 8 {
		t.Fatal(batch, err)
	}
	points = append(points, batch...)
	c := newCube(p.Space)
	for i, x := range points {
		for j, y := range points[:i] {
			if nearlySame(c.vector(x), c.vector(y), nearly) {
				t.Errorf("t%d %v is nearly t%d %v", i, x, j, y)
			}
		}
	}
}

func leastOf(losses []float64) float64 {
	least := math.Inf(1)
	for _, v := range losses {
		least = min(least, v)
	}
	return least
}

// A model that foretells ranks is believed, and one that foretells nothing is not: where
// losses are chance, the process has no more of the trials than the others.
func TestAutoBelievesWhoForetells(t *testing.T) {
	t.Parallel()
	shares := func(f func(search.Params) float64) shares {
		p := searchtest.Sphere(3)
		req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, First: 60, N: 1, Seed: 4}
		for id := range 60 {
			x := p.Space.Sample(search.Rand(9, id))
			req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: x}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": f(x)}}}})
		}
		a := &Auto{}
		known := a.memo.read(req)
		return a.foretell(req, known, a.gp.model(req, known)).shares()
	}
	rng := search.Rand(3, 0)
	if s := shares(searchtest.Sphere(3).F); s.gp < .8 {
		t.Errorf("a bowl: %+v", s)
	}
	if s := shares(func(search.Params) float64 { return rng.NormFloat64() }); s.gp > .7 {
		t.Errorf("chance: %+v", s)
	}
}

// A tie of the best, a step that noise explains, and one that nobody notices.
func TestWhatCountsAsBetter(t *testing.T) {
	t.Parallel()
	results := func(losses ...float64) past {
		var p past
		for i, v := range losses {
			p.results = append(p.results, ranked{i, v})
		}
		p.ranked = rank(p.results)
		return p
	}
	m := func(noise float64) *gpModel {
		return &gpModel{h: hyper{noise: noise}, out: output{delta: math.Inf(1), scale: 1}, p: &acquisition{posterior: &posterior{variance: 1}}}
	}
	for _, c := range []struct {
		p     past
		noise float64
		want  int
	}{
		{results(5, 4, 3, 2, 1), 0, 0},
		{results(5, 1, 3, 1-1e-6, 2), 0, 3},
		{results(5, 1, 3, .9, 2), 0, 1},
		{results(5, 1, 3, .9, 2), .1, 3},
	} {
		if got := m(c.noise).idle(c.p); got != c.want {
			t.Errorf("%v with noise %g: %d results since a better one, want %d", c.p.results, c.noise, got, c.want)
		}
	}
	for _, c := range []struct {
		p    past
		want float64
	}{{results(1, 1, 2, 3), 0}, {results(1, 2, 1, 1), .75}, {results(2, 2, 2, 1), 0}} {
		if got := tied(c.p); got != c.want {
			t.Errorf("%v: %g are tied with the best, want %g", c.p.results, got, c.want)
		}
	}
}
