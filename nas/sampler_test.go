package nas

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/search/searchtest"
)

func bind(t testing.TB, s Spec, in data.Shape) *Space {
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

func TestSamplersNeedASpace(t *testing.T) {
	for _, s := range []search.Sampler{Random{}, Evolution{}, LocalSearch{}, NSGA2{}, NSGA3{}, Predictor{}} {
		if _, err := s.Propose(context.Background(), search.Request{N: 1}); err == nil {
			t.Errorf("%T without a space proposes", s)
		}
	}
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
	t.Run("local search", func(t *testing.T) {
		searchtest.Sampler(t, overOne{LocalSearch{Space: space, First: 3}, space.Smallest()})
	})
	if testing.Short() {
		return // what follows takes seconds of processor time
	}
	t.Run("predictor", func(t *testing.T) {
		searchtest.Sampler(t, overOne{Predictor{Space: space, First: 3, Pool: 3}, space.Smallest()})
	})
	t.Run("NSGA-II", func(t *testing.T) {
		searchtest.Sampler(t, overOne{NSGA2{Space: space, Population: 5}, space.Smallest()})
	})
	t.Run("NSGA-III", func(t *testing.T) {
		searchtest.Sampler(t, overOne{NSGA3{Space: space, Population: 5}, space.Smallest()})
	})
}

// study runs a sampler with losses that the networks' costs decide, one
// objective a function.
func study(t testing.TB, s search.Sampler, space *Space, hyper search.Space, n, batch int, losses ...lossFunc) []search.Record {
	t.Helper()
	var goals []search.Objective
	for i := range losses {
		goals = append(goals, search.Objective{Metric: strconv.Itoa(i)})
	}
	var past []search.Record
	for len(past) < n {
		got, err := s.Propose(context.Background(), search.Request{
			Space: hyper, Objectives: goals, Past: past, First: len(past), N: batch, Seed: 3,
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
			net, c, err := space.Build(g)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := hyper.Check(p, search.ArchitectureKey); err != nil {
				t.Fatal(err)
			}
			m := search.Metrics{}
			for i, f := range losses {
				m[strconv.Itoa(i)] = f(net, c, p)
			}
			past = append(past, search.Record{
				Trial: search.Trial{ID: len(past), Params: p}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: m}},
			})
		}
	}
	return past
}

type lossFunc func(engine.Seq, engine.Cost, search.Params) float64

// thousand is less the nearer the parameters are to 1000, and the lr to 0.
func thousand(_ engine.Seq, c engine.Cost, p search.Params) float64 {
	lr, _ := p["lr"].(float64)
	off := float64(c.Params)/1000 - 1
	return off*off + lr
}

// shallow is less for many wide layers, and small for few parameters.
func shallow(net engine.Seq, _ engine.Cost, _ search.Params) float64 {
	sum := 0.
	for _, l := range net {
		if d, ok := l.(engine.Dense); ok {
			sum += math.Log2(float64(d.Out))
		}
	}
	return 20 - sum/3
}

func small(_ engine.Seq, c engine.Cost, _ search.Params) float64 { return math.Log2(float64(c.Params)) }

func lowest(past []search.Record) float64 {
	out := past[0].Measurements[0].Metrics["0"]
	for _, r := range past {
		out = min(out, r.Measurements[0].Metrics["0"])
	}
	return out
}

func TestSamplersBeatRandom(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Depth: []int{1, 6}}, data.Shape{10})
	hyper := search.Space{search.Float("lr", 0, 1)}
	random := lowest(study(t, Random{space}, space, hyper, 150, 1, thousand))
	for name, s := range map[string]search.Sampler{"evolution": Evolution{Space: space}, "local search": LocalSearch{Space: space}, "predictor": Predictor{Space: space}} {
		if got := lowest(study(t, s, space, hyper, 150, 1, thousand)); got > random/2 {
			t.Errorf("%s reached %.4f, random search %.4f", name, got, random)
		}
	}
}

// A proxy rejects: what is left of the first trials is larger than usual.
func TestProxyScreensTheFirstTrials(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Limits: Limits{Params: 50_000}}, data.Shape{10})
	macs := func(s search.Sampler, n int) float64 {
		sum := 0.
		for _, r := range study(t, s, space, nil, n, 3, func(_ engine.Seq, c engine.Cost, _ search.Params) float64 { return float64(c.MACs) }) {
			sum += r.Measurements[0].Metrics["0"]
		}
		return sum / float64(n)
	}
	if screened, random := macs(Evolution{Space: space, Proxy: space.MACs}, 45), macs(Random{space}, 45); screened < 2*random {
		t.Errorf("%.0f MACs with the proxy, %.0f without", screened, random)
	}
}

// Where two goals pull apart, NSGA-II covers more than random search.
func TestNSGA2CoversMoreThanRandom(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Depth: []int{1, 12}, Width: []int{1, 256}, Norm: []string{"none"}, Dropout: []float64{0}}, data.Shape{10})
	area := func(s search.Sampler) float64 {
		var points [][]float64
		for _, r := range study(t, s, space, nil, 250, 1, small, shallow) {
			m := r.Measurements[0].Metrics
			points = append(points, []float64{m["0"], m["1"]})
		}
		return search.Hypervolume(points, []float64{20, 20})
	}
	if nsga, random := area(NSGA2{Space: space}), area(Random{space}); nsga < random*1.03 {
		t.Errorf("NSGA-II covers %.4g, random search %.4g", nsga, random)
	}
}

// In a small space every network is tried once, and then it is over.
func TestSamplersExhaustSmallSpaces(t *testing.T) {
	spec := Spec{Grammar: []any{
		map[string]any{"oneof": []any{"skip", "flatten"}},
		map[string]any{"repeat": []any{0., 2.}, "of": map[string]any{"oneof": []any{"relu", "tanh", "skip", "gelu", map[string]any{"op": "dense", "out": 4.}}}},
	}}
	space := bind(t, spec, data.Shape{10})
	distinct := map[Hash]bool{}
	for i := range space.root.size() {
		distinct[Genome{space.root.nth(i)}.Hash()] = true
	}
	if n := space.root.size(); n != 2*(1+5+25) {
		t.Fatalf("%d derivations", n)
	}
	for name, s := range map[string]search.Sampler{"random": Random{space}, "evolution": Evolution{Space: space, Population: 4, Sample: 2},
		"local search": LocalSearch{Space: space, First: 3}, "NSGA-II": NSGA2{Space: space, Population: 4}, "NSGA-III": NSGA3{Space: space, Population: 4}} {
		t.Run(name, func(t *testing.T) {
			for _, hyper := range []search.Space{nil, {search.Choice("opt", "sgd", "adam")}} {
				past := study(t, s, space, hyper, 1000, 2, thousand)
				seen := map[string]bool{}
				for _, r := range past {
					seen[space.markOf(r.Params)+pointKey(r.Params)] = true
				}
				if want := len(distinct) * hyper.Size(); len(past) != want || len(seen) != want {
					t.Errorf("%d trials, %d different, want %d", len(past), len(seen), want)
				}
			}
		})
	}
}

func TestEvolutionAvoidsWhatRuns(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Depth: []int{1}, Dropout: []float64{0}, Norm: []string{"none"}, Width: []int{16, 64}, Ops: []string{"relu"}}, data.Shape{4})
	past := study(t, Evolution{Space: space}, space, nil, 5, 1, thousand)
	past[4].State, past[4].Measurements = search.Running, nil
	got, err := Evolution{Space: space, Population: 2}.Propose(context.Background(), search.Request{
		Objectives: []search.Objective{{Metric: "0"}}, Past: past, First: 5, N: 2,
	})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	seen := map[string]bool{}
	for _, r := range past {
		seen[space.markOf(r.Params)] = true
	}
	for _, p := range got {
		if seen[space.markOf(p)] {
			t.Errorf("%v twice", p[search.ArchitectureKey])
		}
		seen[space.markOf(p)] = true
	}
}

// A genome that the user wrote into the study file counts, without a hash.
func TestGenomesWithoutHashAreKnown(t *testing.T) {
	space := bind(t, Spec{Family: "mlp"}, data.Shape{4})
	p := search.Params{search.ArchitectureKey: "[ dense(4) relu ]"}
	g, err := FromParams(p)
	if err != nil || g.String() != "dense 4 relu" || space.markOf(p) != g.Hash().String() {
		t.Errorf("%v, %v, hash %q", g, err, space.markOf(p))
	}
}

// Of trials that end equal, the one that got there earlier is the better parent.
func TestLearningCurvesBreakTies(t *testing.T) {
	var past []search.Record
	for i, curve := range [][]float64{{.9, .5, .3}, {.6, .4, .3}, {.7, .4, .3}, {.1, .1, .4}} {
		r := search.Record{Trial: search.Trial{ID: i, Params: search.Params{search.ArchitectureKey: "relu"}}, State: search.Completed}
		for k, l := range curve {
			r.Measurements = append(r.Measurements, search.Measurement{Budget: k + 1, Metrics: search.Metrics{"acc": 1 - l}})
		}
		past = append(past, r)
	}
	req := search.Request{Past: past, Objectives: []search.Objective{{Metric: "acc", Goal: search.Maximize}}}
	var got []int
	all := remembered(req, 2)
	for _, i := range best(all, 4) {
		got = append(got, i.trial)
	}
	if !slices.Equal(got, []int{1, 2, 0, 3}) {
		t.Errorf("best first: %v", got)
	}
	space, err := New(Grammar{Root: Op{Name: "relu"}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := (Evolution{Space: space}).parent(search.Rand(1, 0), all, 100); !ok || c.trial != 1 {
		t.Errorf("the parent is trial %d", c.trial)
	}
}

// Losses that differ by less than one loses between two measurements by chance
// count as equal; what learned faster is the better parent.
func TestLearningCurvesSettleWhatIsChance(t *testing.T) {
	request := func(curves ...[]float64) search.Request {
		req := search.Request{Objectives: []search.Objective{{Metric: "loss"}}}
		for i, curve := range curves {
			r := search.Record{Trial: search.Trial{ID: i, Params: search.Params{search.ArchitectureKey: "relu"}}, State: search.Completed}
			for k, l := range curve {
				r.Measurements = append(r.Measurements, search.Measurement{Budget: k + 1, Metrics: search.Metrics{"loss": l}})
			}
			req.Past = append(req.Past, r)
		}
		return req
	}
	space, err := New(Grammar{Root: Op{Name: "relu"}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		curves [][]float64
		noise  float64
		want   int
	}{
		{[][]float64{{.9, .8, .300}, {.5, .4, .301}, {.9, .3, .5}}, .2 / 6, 1}, // one became .2 worse
		{[][]float64{{.9, .8, .300}, {.5, .4, .301}, {.9, .6, .5}}, 0, 0},      // none became worse
		{[][]float64{{.9, .8, .300}, {.5, .4, .380}, {.9, .3, .5}}, .2 / 6, 0}, // more than chance
		{[][]float64{{.300}, {.301}, {.5}}, 0, 0},
	} {
		req := request(c.curves...)
		all := remembered(req, 2)
		if got := chance(all); math.Abs(got-c.noise) > 1e-12 {
			t.Errorf("%v: noise %g, want %g", c.curves, got, c.noise)
		}
		if p, ok := (Evolution{Space: space}).parent(search.Rand(1, 0), all, 100); !ok || p.trial != c.want {
			t.Errorf("%v: the parent is trial %d, want %d", c.curves, p.trial, c.want)
		}
	}
}

// remembered are the individuals of a past that is seen for the first time.
func remembered(req search.Request, enough int) []*individual {
	var m memo
	m.recall(new(Space), req)
	return m.individuals(req.Objectives, enough)
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
		2: {.6, .4},             // at 9
		3: {.3, .6, .5},         // at 3
		5: {.5, .6, .7, .8, .9}, // at 1
		9: {.5, .6, .7, .8, .9}, // most are at 1
	} {
		var got []float64
		for _, i := range slices.Backward(remembered(search.Request{Past: past, Objectives: []search.Objective{{Metric: "loss"}}}, enough)) {
			got = append(got, i.losses[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("enough = %d: %v, want %v", enough, got, want)
		}
	}
}
