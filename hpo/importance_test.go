package hpo

import (
	"math"
	"slices"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

// study is a finished one of the given size.
func study(t testing.TB, s search.Sampler, space search.Space, n int, f func(search.Params) float64) []search.Record {
	t.Helper()
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: space, Objectives: []search.Objective{{Metric: "loss"}}, Sampler: s, Scheduler: &scheduler.NoStopping{}, Trials: n, Seed: 3,
		Objective: func(_ int, p search.Params, _, _ int) ([]float64, float64, search.State) {
			return []float64{f(p)}, 1, search.Paused
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Records
}

// The space and the loss of the tests: x matters most, then the choice, then y;
// z not at all.
func weighted() (search.Space, func(search.Params) float64) {
	x, y, z := search.Float("x", -1, 1), search.LogFloat("y", .1, 10), search.Int("z", 0, 9)
	c := search.Choice("c", "bad", "good", "worse")
	return search.Space{z, y, c, x}, func(p search.Params) float64 {
		v := 4*math.Abs(x.In(p)-.3) + .4*math.Abs(math.Log(y.In(p)))
		switch c.In(p) {
		case "bad":
			v++
		case "worse":
			v += 1.5
		}
		return v
	}
}

// The losses of a sample ascend, however many there are.
func TestSampleIsInOrder(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1)}
	var trials []search.Record
	for id := range sortMost + 1000 {
		trials = append(trials, search.Record{Trial: search.Trial{ID: id, Params: search.Params{"x": .5}}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": search.Rand(1, id).Float64()}}}})
	}
	if s := newSample(space, trials, search.Objective{Metric: "loss"}); !slices.IsSorted(s.loss) {
		t.Error("the losses are not in order")
	}
}

func TestImportanceFindsWhatMatters(t *testing.T) {
	space, f := weighted()
	for name, s := range map[string]search.Sampler{"random": Random{}, "tpe": TPE{}} {
		trials := study(t, s, space, 120, f)
		o := search.Objective{Metric: "loss"}
		for method, got := range map[string][]Importance{"PED-ANOVA": PEDANOVA(space, trials, o, 0), "fANOVA": FANOVA(space, trials, o)} {
			sum, share := 0., map[string]float64{}
			for _, x := range got {
				sum += x.Share
				share[x.Param] = x.Share
			}
			if len(got) != 4 || math.Abs(sum-1) > 1e-9 {
				t.Fatalf("%s of %s: %v does not sum to 1", method, name, got)
			}
			if share["x"] < .3 || share["z"] > .1 {
				t.Errorf("%s of %s: %v, want much of x and none of z", method, name, got)
			}
		}
	}
}

// Where nothing matters, no parameter is said to.
func TestPEDANOVAUnderChance(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1), search.Choice("c", 1, 2, 3)}
	d := 0.
	for seed := range 40 {
		rng := search.Rand(uint64(seed), 1)
		u := make([]float64, 100)
		for i := range u {
			u[i] = rng.Float64()
		}
		d += divergence(space[0].Dim(), u[:10]) / 40
	}
	if d > .1 { // without the correction it is about .3
		t.Errorf("the mean divergence of random trials is %.3f", d)
	}
}

// A function whose parts are known: x explains 4/5 of the variance, y 1/5.
func TestFANOVASharesOfALinearFunction(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1), search.Float("y", 0, 1)}
	rng := search.Rand(1, 0)
	x, loss := make([][]float64, 2000), make([]float64, 2000)
	for i := range x {
		x[i] = []float64{rng.Float64(), rng.Float64()}
		loss[i] = 2*x[i][0] + x[i][1]
	}
	var sum [2]float64
	for _, tr := range newForest(x, loss, 16, 3) {
		total, parts := tr.variances(2)
		if math.Abs(total-5./12) > .05 {
			t.Fatalf("variance %.3f, want %.3f", total, 5./12)
		}
		sum[0] += parts[0] / total / 16
		sum[1] += parts[1] / total / 16
	}
	if math.Abs(sum[0]-.8) > .05 || math.Abs(sum[1]-.2) > .05 {
		t.Errorf("shares %.3f of %v, want .8 and .2", sum, space)
	}
}

func TestImportanceOfOddPasts(t *testing.T) {
	t.Parallel()
	space := searchtest.MixCond().Space
	o := search.Objective{Metric: "loss"}
	trials := study(t, Random{}, space, 60, searchtest.MixCond().F)
	for i := range trials {
		switch i % 6 {
		case 0:
			trials[i].State = search.Diverged
		case 1:
			trials[i].Params = search.Params{"algo": "gbt", "depth": 3.}
		case 2:
			trials[i].Measurements = nil
		case 3:
			trials[i].Measurements[0].Metrics["loss"] = 1
		}
	}
	for name, got := range map[string][]Importance{"PED-ANOVA": PEDANOVA(space, trials, o, .2), "fANOVA": FANOVA(space, trials, o)} {
		for _, x := range got {
			if !(x.Share >= 0 && x.Share <= 1) {
				t.Errorf("%s: %v", name, x)
			}
		}
		if len(got) != len(space.Dims()) {
			t.Errorf("%s: %d parameters, want %d", name, len(got), len(space.Dims()))
		}
	}
	if got := PEDANOVA(space, trials[:6], o, 0); got != nil {
		t.Errorf("importance of 6 trials: %v", got)
	}
	if got := FANOVA(search.Space{}, trials, o); len(got) != 0 {
		t.Errorf("importance in an empty space: %v", got)
	}
}

// The gain expected falls as a study goes on, and is in the objective's units.
func TestExpectedGainFalls(t *testing.T) {
	t.Parallel()
	p := searchtest.Sphere(3)
	trials := study(t, TPE{}, p.Space, 150, p.F)
	o := []search.Objective{{Metric: "loss"}}
	at := func(n int, unit float64) float64 {
		var past []search.Record
		for _, r := range trials[:n] {
			r.Measurements = []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": unit * p.F(r.Params)}}}
			past = append(past, r)
		}
		gain, ok := ExpectedGain(search.Request{Space: p.Space, Objectives: o, Past: past})
		if !ok {
			t.Fatalf("no gain after %d trials", n)
		}
		return gain
	}
	early, late := at(25, 1), at(150, 1)
	if !(late < early/4) || !(early > 0) {
		t.Errorf("gain %.3g after 25 trials, %.3g after 150", early, late)
	}
	if scaled := at(40, 1e6) / at(40, 1) / 1e6; math.Abs(scaled-1) > .1 {
		t.Errorf("in millionths the gain is %.3g times as large", scaled)
	}
	if _, ok := ExpectedGain(search.Request{Space: p.Space, Objectives: o, Past: trials[:10]}); ok {
		t.Error("a gain after 10 trials")
	}
}

func TestTrace(t *testing.T) {
	record := func(id, budget int, state search.State, v float64) search.Record {
		return search.Record{Trial: search.Trial{ID: id}, State: state, Joules: 2,
			Measurements: []search.Measurement{{Budget: budget, Metrics: search.Metrics{"acc": v}}}}
	}
	got := Trace([]search.Record{record(0, 1, search.Stopped, .5), record(1, 3, search.Diverged, .9), {State: search.Failed},
		record(3, 9, search.Completed, .7), record(4, 9, search.Completed, .6)}, search.Objective{Metric: "acc", Goal: search.Maximize})
	want := []Incumbent{{0, .5, 1, 2}, {3, .7, 13, 6}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v, want %v", got, want)
	}
}

func BenchmarkImportance(b *testing.B) {
	space, f := weighted()
	trials := study(b, Random{}, space, 1000, f)
	o := search.Objective{Metric: "loss"}
	for name, run := range map[string]func(){
		"PED-ANOVA": func() { PEDANOVA(space, trials, o, 0) },
		"fANOVA":    func() { FANOVA(space, trials, o) },
		"gain":      func() { ExpectedGain(search.Request{Space: space, Objectives: []search.Objective{o}, Past: trials}) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run()
			}
		})
	}
}
