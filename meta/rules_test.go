package meta

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

func TestBalanceByHand(t *testing.T) {
	for _, c := range []struct {
		counts            []int
		entropy, majority float64
	}{
		{nil, 0, 0}, {[]int{0, 0}, 0, 0}, {[]int{7}, 0, 1}, {[]int{7, 0}, 0, 1}, {[]int{2, 2}, 1, .5}, {[]int{0, 2, 2}, 1, .5}, {[]int{-3, 2, 2}, 1, .5},
		{[]int{1, 1}, 1, .5}, {[]int{1, 3}, .25*2 + .75*math.Log2(4./3), .75}, {[]int{5, 5, 5, 5}, 1, .25},
	} {
		e, m := Balance(c.counts)
		if !(math.Abs(e-c.entropy) < 1e-12) || m != c.majority {
			t.Errorf("%v: %v, %v; want %v, %v", c.counts, e, m, c.entropy, c.majority)
		}
	}
}

// One feature that differs by a typical distance makes the mean over the known ones
// so much larger; a feature that one of the two lacks does not count, and none counts
// for more than three typical distances.
func TestSimilarityByHand(t *testing.T) {
	base := Features{Task: "classification", Rows: 100, Inputs: 10, Categorical: .5, Missing: .1, Classes: 4, Entropy: .8, Majority: .4}
	with := func(change func(*Features)) Features {
		f := base
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		f    Features
		want float64
	}{
		"same":          {base, 1},
		"rows":          {with(func(f *Features) { f.Rows = 1000 }), math.Exp(-(1 / .9) / 7)},
		"far more rows": {with(func(f *Features) { f.Rows = 1_000_000_000 }), math.Exp(-3. / 7)},
		"inputs":        {with(func(f *Features) { f.Inputs = 20 }), math.Exp(-math.Log10(2) / .33 / 7)},
		"categorical":   {with(func(f *Features) { f.Categorical = .75 }), math.Exp(-.5 / 7)},
		"missing":       {with(func(f *Features) { f.Missing = .15 }), math.Exp(-.5 / 7)},
		"classes":       {with(func(f *Features) { f.Classes = 2 }), math.Exp(-1 / .86 / 7)},
		"entropy":       {with(func(f *Features) { f.Entropy = .66 }), math.Exp(-1. / 7)},
		"majority":      {with(func(f *Features) { f.Majority = .67 }), math.Exp(-1. / 7)},
		"no inputs":     {with(func(f *Features) { f.Inputs, f.Missing, f.Rows = 0, 9, 1000 }), math.Exp(-(1 / .9) / 4)},
		"one input":     {with(func(f *Features) { f.Inputs = 1 }), math.Exp(-3. / 7)},
		"a number":      {with(func(f *Features) { f.Classes, f.Entropy, f.Rows = 0, 9, 1000 }), math.Exp(-(1 / .9) / 4)},
		"one class":     {with(func(f *Features) { f.Classes = 1 }), math.Exp(-2 / .86 / 7)},
		"one landmark":  {with(func(f *Features) { f.Rows = 1000; f.Landmarks = Scores{"1nn": .5} }), math.Exp(-(1 / .9) / 7)},
		"another task":  {with(func(f *Features) { f.Task = "regression" }), 0},
		"nothing known": {with(func(f *Features) { f.Rows = 0 }), 0},
		"one row":       {with(func(f *Features) { f.Rows = 1 }), math.Exp(-(2 / .9) / 7)},
		"not a number":  {with(func(f *Features) { f.Missing, f.Rows = math.NaN(), 1000 }), math.Exp(-(1 / .9) / 6)},
	} {
		for i, got := range []float64{Similarity(base, c.f), Similarity(c.f, base)} {
			if !(math.Abs(got-c.want) < 1e-12) {
				t.Errorf("%s, %d: %v, want %v", name, i, got, c.want)
			}
		}
	}
	a, b := base, base
	a.Landmarks, b.Landmarks = Scores{"1nn": .9, "stump": .5, "linear": 1}, Scores{"1nn": .75, "stump": .5}
	if got, want := Similarity(a, b), math.Exp(-1./9); !(math.Abs(got-want) < 1e-12) {
		t.Errorf("with two landmarks: %v, want %v", got, want)
	}
}

// A value goes to the nearest that the new dimension allows, if it may mean the same.
func TestNearestValue(t *testing.T) {
	for _, c := range []struct {
		p    search.Param
		v    any
		want any // nil: lost
	}{
		{search.Int("x", 1, 9), 4, 4}, {search.Int("x", 1, 9), 4.4, 4}, {search.Int("x", 1, 9), 4.6, 5}, {search.Int("x", 1, 9), 20, 9}, {search.Int("x", 1, 9), -20., 1},
		{search.Int("x", 1, 9, search.Step(4)), 6, 5}, {search.Int("x", 1, 9, search.Step(4)), 7.5, 9}, {search.Int("x", 1, 8, search.Step(4)), 8, 5},
		{search.Float("x", 0, 1), .3, .3}, {search.Float("x", 0, 1), 2, 1.}, {search.Float("x", 0, 1, search.Step(.25)), .3, .25}, {search.Float("x", 0, 1, search.Step(.4)), 1., .8},
		{search.Float("x", 0, 1), math.NaN(), nil}, {search.Float("x", 0, 1), "a", nil}, {search.Float("x", 0, 1), math.Inf(1), 1.},
		{search.Choice("x", "a", "b"), "b", "b"}, {search.Choice("x", "a", "b"), "c", nil}, {search.Choice("x", 1, 2), 2., 2},
	} {
		got, ok := nearest(c.p.Dim(), c.v)
		if ok != (c.want != nil) || ok && got != c.want {
			t.Errorf("%+v: %v: %v, %v; want %v", *c.p.Dim(), c.v, got, ok, c.want)
		}
	}
	old := search.Space{search.Float("a", 0, 1), search.Int("n", 1, 9), search.Choice("c", "x", "y")}
	now := search.Space{search.Float("a", 0, 2), search.Float("n", 1, 9), search.Choice("c", "y", "z"), search.Float("new", 0, 4)}
	out, known := adapt(search.Params{"a": .5, "n": 3, "c": "y"}, old, now)
	if want := (search.Params{"a": .5, "n": 5., "c": "y", "new": 2.}); !reflect.DeepEqual(out, want) || known != .5 {
		t.Errorf("%v, %v; want %v, half of it known", out, known, want)
	}
	if _, known = adapt(search.Params{"a": .5}, old, nil); known != 0 {
		t.Errorf("%v of nothing is known", known)
	}
	if out, known = adapt(search.Params{"a": .5}, nil, now); known != 0 || out["a"] != 1. {
		t.Errorf("%v, %v: it had no such parameter", out, known)
	}
	if out, known = adapt(search.Params{}, old, now[:1]); known != 0 || out["a"] != 1. {
		t.Errorf("%v, %v: it had no value", out, known)
	}
}

// counting is a sampler that counts its calls and proposes unequal points.
type counting struct {
	calls *[]search.Request
	err   error
	none  bool
}

func (c counting) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	*c.calls = append(*c.calls, req)
	if c.err != nil {
		return nil, c.err
	}
	var out []search.Params
	for i := range req.N {
		if !c.none {
			out = append(out, search.Params{"x": float64(req.First+i) / 100})
		}
	}
	return out, nil
}

var (
	unit = search.Space{search.Float("x", 0, 1)}
	loss = search.Objective{Metric: "loss", Goal: search.Minimize}
)

func warm(values ...float64) (out []Candidate) {
	for i, x := range values {
		out = append(out, Candidate{Study: "old", Trial: i, Params: search.Params{"x": x}})
	}
	return out
}

// The past is looked at as long as a candidate may be left: up to the trial of the
// last one.
func TestInterleaveLeavesTheRestToTheSampler(t *testing.T) {
	var calls []search.Request
	s := Interleave{Sampler: counting{calls: &calls}, Candidates: warm(.91, .92), From: 3}
	for _, c := range []struct {
		first, n, calls int // of the sampler
		want            []float64
	}{
		{0, 3, 3, []float64{0, .01, .02}}, {2, 4, 2, []float64{.02, .91, .04, .92}}, {5, 2, 1, []float64{.92, .06}}, {6, 3, 1, []float64{.06, .07, .08}}, {4, 2, 1, []float64{.04, .92}},
	} {
		calls = nil
		got, err := s.Propose(t.Context(), search.Request{Space: unit, Objectives: []search.Objective{loss}, First: c.first, N: c.n})
		var xs []float64
		for _, p := range got {
			xs = append(xs, p["x"].(float64))
		}
		if err != nil || !slices.Equal(xs, c.want) || len(calls) != c.calls {
			t.Errorf("from t%d: %v in %d calls, want %v in %d; %v", c.first, xs, len(calls), c.want, c.calls, err)
		}
		if len(calls) == 1 && c.calls == 1 && c.first == 6 && calls[0].N != 3 {
			t.Errorf("%+v", calls[0])
		}
	}
	calls = nil
	if _, err := s.Propose(t.Context(), search.Request{Space: unit, First: 3, N: 2}); err != nil || len(calls) != 1 || len(calls[0].Past) != 1 || calls[0].Past[0].State != search.Running || calls[0].Past[0].ID != 3 {
		t.Errorf("%+v, %v: the second of one request sees the first as running", calls, err)
	}
	if s.Source(search.Params{"x": .92}) != "warm start: old t0001" || s.Source(search.Params{"x": .5}) != "" {
		t.Error("sources")
	}
}

func TestInterleavePassesErrorsOn(t *testing.T) {
	var calls []search.Request
	broken := errors.New("broken")
	s := Interleave{Sampler: counting{calls: &calls, err: broken}, Candidates: warm(.91)}
	if got, err := s.Propose(t.Context(), search.Request{Space: unit, N: 2}); !errors.Is(err, broken) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, own := range []counting{{calls: &calls, err: search.ErrExhausted}, {calls: &calls, none: true}} {
		s.Sampler = own
		if got, err := s.Propose(t.Context(), search.Request{Space: unit, N: 3}); err != nil || len(got) != 1 {
			t.Errorf("%v, %v: the candidate is left", got, err)
		}
		if got, err := s.Propose(t.Context(), search.Request{Space: unit, N: 1, Past: []search.Record{{Trial: search.Trial{Params: search.Params{"x": .91}}}}}); !errors.Is(err, search.ErrExhausted) || got != nil {
			t.Errorf("%v, %v: nothing is left", got, err)
		}
		if got, err := s.Propose(t.Context(), search.Request{Space: unit}); err != nil || got != nil {
			t.Errorf("%v, %v: nothing was asked for", got, err)
		}
	}
	// What is no point of the space, or breaks a constraint, is no candidate.
	cs, err := search.Constrain(unit, "x < 0.95")
	if err != nil {
		t.Fatal(err)
	}
	s = Interleave{Sampler: counting{calls: &calls}, Candidates: warm(1.5, .99, .94)}
	got := s.points(search.Request{Space: unit, Constraints: cs})
	if got[0] != nil || got[1] != nil || got[2]["x"] != .94 {
		t.Errorf("%v", got)
	}
}

// Candidates are dropped when two were measured beside two of the sampler's own, and
// none is as good as their median.
func TestDiscouragedByHand(t *testing.T) {
	own := func(budget int, values ...float64) (out []search.Record) {
		for i, v := range values {
			out = append(out, search.Record{Trial: search.Trial{ID: 50 + i, Params: search.Params{"x": .01 * float64(i)}},
				Measurements: []search.Measurement{{Budget: budget, Metrics: search.Metrics{"loss": v}}}})
		}
		return out
	}
	at := func(x float64, state search.State, values ...float64) search.Record {
		r := search.Record{Trial: search.Trial{Params: search.Params{"x": x}}, State: state}
		for i, v := range values {
			r.Measurements = append(r.Measurements, search.Measurement{Budget: i + 1, Metrics: search.Metrics{"loss": v}})
		}
		return r
	}
	ps := []search.Params{{"x": .91}, nil, {"x": .92}, {"x": .93}}
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		past []search.Record
		want bool
	}{
		"nothing":              {nil, false},
		"two are worse":        {append(own(1, .1, .2, .3), at(.91, "", .4), at(.92, "", .25)), true},
		"one is worse":         {append(own(1, .1, .2, .3), at(.91, "", .4)), false},
		"one is the median":    {append(own(1, .1, .2, .3), at(.91, "", .4), at(.92, "", .25), at(.93, "", .2)), false},
		"of four: the middle":  {append(own(1, .4, .1, .3, .2), at(.91, "", .26), at(.92, "", .26)), true},
		"of four: below it":    {append(own(1, .4, .1, .3, .2), at(.91, "", .26), at(.92, "", .25)), false},
		"one own":              {append(own(1, .1), at(.91, "", .4), at(.92, "", .4)), false},
		"two own":              {append(own(1, .1, .1), at(.91, "", .4), at(.92, "", .4)), true},
		"another budget":       {append(own(2, .1, .1), at(.91, "", .4), at(.92, "", .4)), false},
		"the largest in both":  {append(append(own(1, .1, .1), own(2, .5, .5)...), at(.91, "", .4, .6, .1), at(.92, "", .4, .6)), true},
		"and is better there":  {append(append(own(1, .1, .1), own(2, .5, .5)...), at(.91, "", .4, .3), at(.92, "", .4, .3)), false},
		"without a value":      {append(own(1, .1, .1), at(.91, search.Diverged), at(.92, search.Failed)), true},
		"infeasible":           {append(own(1, .1, .1), at(.91, search.Infeasible), at(.92, search.Failed)), true},
		"failed, few own":      {append(own(1, .1), at(.91, search.Infeasible), at(.92, search.Failed)), false},
		"stopped and good":     {append(own(1, .1, .1), at(.91, search.Stopped, .05), at(.92, search.Failed), at(.93, search.Failed)), false},
		"failed with a value":  {append(own(1, .1, .1), at(.91, search.Failed, .05), at(.92, search.Failed)), true},
		"not finite":           {append(own(1, .1, nan, inf), at(.91, "", .4), at(.92, "", .4)), false},
		"nothing finite there": {append(own(1, .1, .1), at(.91, "", nan), at(.92, "", inf), at(.93, "", .4)), false},
		"minus infinity":       {append(own(1, .1, .1), at(.91, "", .4), at(.92, search.Failed), at(.93, "", -inf)), true},
		"not finite at last":   {append(append(own(1, .1, .1), own(2, .5, .5)...), at(.91, "", .4, nan), at(.92, "", .4, inf)), true},
		"enough at one budget": {append(append(own(2, .5, .5), own(1, .1)...), at(.91, search.Failed), at(.92, search.Failed)), true},
	} {
		for range 5 { // maps have any order
			if got := discouraged(search.Request{Objectives: []search.Objective{loss}, Past: c.past}, ps); got != c.want {
				t.Errorf("%s: %v", name, got)
				break
			}
		}
	}
	if discouraged(search.Request{Past: append(own(1, .1, .1), at(.91, search.Failed), at(.92, search.Failed))}, ps) {
		t.Error("without an objective nothing is worse")
	}
	if median([]float64{1}) != 1 || median([]float64{1, 3}) != 2 || median([]float64{1, 2, 9}) != 2 || median([]float64{1, 2, 4, 9}) != 3 {
		t.Error("median")
	}
}

// Places go to the highest average; of equal ones to the study that comes first.
func TestSharePlaces(t *testing.T) {
	from := func(study string, similarity float64, values ...float64) precedent {
		p := precedent{study: study, similarity: similarity}
		for i, x := range values {
			p.candidates = append(p.candidates, Candidate{Study: study, Trial: i, Params: search.Params{"x": x}, Value: x})
		}
		return p
	}
	take := func(n int, found ...precedent) (string, []Source) {
		var plan Plan
		share(&plan, found, Query{N: n, Key: search.Params.Key})
		var out []string
		for _, c := range plan.Candidates {
			out = append(out, c.Study+search.TrialName(c.Trial))
		}
		return strings.Join(out, " "), plan.Sources
	}
	got, sources := take(5, from("a", .9, 1, 2, 3, 4), from("b", .9, 5, 6), from("c", .4, 7, 8))
	if got != "at0000 bt0000 at0001 bt0001 ct0000" {
		t.Error(got)
	}
	if want := []Source{{"a", .9, 1, 2}, {"b", .9, 5, 2}, {"c", .4, 7, 1}}; !reflect.DeepEqual(sources, want) {
		t.Errorf("%+v, want %+v", sources, want)
	}
	if got, _ = take(9, from("a", .9, 1, 1, 2), from("b", .8, 1, 2, 3)); got != "at0000 bt0001 bt0002" {
		t.Errorf("%s: what is in the plan does not count twice", got)
	}
	if got, sources = take(1, from("a", .5, 1), from("b", .9, 2)); got != "bt0000" || len(sources) != 1 || sources[0].Study != "b" {
		t.Errorf("%s, %+v", got, sources)
	}
	if got, _ = take(3); got != "" {
		t.Error(got)
	}
}

// shelf is a reader whose answers are given.
type shelf struct {
	names   []string
	spaces  map[string]search.Space
	goal    search.Objective
	asked   *[]int // how many trials
	records []search.Record
	broken  error
}

func (s shelf) Finished(context.Context) ([]string, error) { return s.names, s.broken }

func (s shelf) Describe(_ context.Context, name string) (search.Space, []search.Objective, json.RawMessage, error) {
	if name == "deleted" {
		return nil, nil, nil, errors.New("there is no such study")
	}
	b, err := json.Marshal(Features{Task: "classification", Rows: map[string]int{"near": 100, "far": 1_000_000, "nearer": 100, "unknown": 0}[name]})
	return s.spaces[name], []search.Objective{s.goal}, b, err
}

func (s shelf) Top(_ context.Context, name string, n int) ([]search.Record, error) {
	*s.asked = append(*s.asked, n)
	return s.records, nil
}

func TestWarmStartByHand(t *testing.T) {
	var asked []int
	past := []search.Record{
		{Trial: search.Trial{ID: 4, Params: search.Params{"x": .5}}, Measurements: []search.Measurement{{Metrics: search.Metrics{"loss": .1}}}},
		{Trial: search.Trial{ID: 5, Params: search.Params{"x": .6}}}, // without a value
		{Trial: search.Trial{ID: 6, Params: search.Params{"x": .7}}, Measurements: []search.Measurement{{Metrics: search.Metrics{"loss": .2}}}},
	}
	s := shelf{names: []string{"near", "far", "nearer", "own", "deleted", "unknown"}, goal: search.Objective{Metric: "loss"}, asked: &asked, records: past,
		spaces: map[string]search.Space{"near": unit, "far": unit, "nearer": {search.Float("x", 0, .25)}, "own": unit}}
	q := Query{Study: "own", Space: unit, Objectives: []search.Objective{loss}, Features: Features{Task: "classification", Rows: 100}}
	p, err := WarmStart(t.Context(), s, q)
	if err != nil || len(p.Candidates) != 2 || p.Candidates[0].Study != "near" || p.Candidates[0].Trial != 4 || p.Candidates[1].Trial != 6 || p.Candidates[1].Value != .2 {
		t.Errorf("%+v, %v", p, err)
	}
	if want := []string{"far: similarity 0.05 < 0.60", "deleted: there is no such study", "unknown: nothing is known of its data"}; !slices.Equal(p.Passed, want) {
		t.Errorf("%q, want %q", p.Passed, want)
	}
	if !slices.Equal(asked, []int{20, 20}) {
		t.Errorf("asked for %v trials", asked)
	}
	if got := p.Lines(); len(got) != 2 || got[0] != "warm start: 1 configuration from study near (similarity 1.00, best 0.1)" {
		t.Errorf("%q", got)
	}
	if got := (Source{Study: "a", Similarity: .9, Best: 1, Taken: 2}).String(); got != "warm start: 2 configurations from study a (similarity 0.90, best 1)" {
		t.Error(got)
	}
	// One study, however unlike; one configuration.
	asked = nil
	q.From, q.N = "far", 1
	p, err = WarmStart(t.Context(), s, q)
	if err != nil || len(p.Candidates) != 1 || p.Candidates[0].Study != "far" || !slices.Equal(asked, []int{4}) || len(p.Passed) != 0 {
		t.Errorf("%+v, %v; asked for %v", p, err, asked)
	}
	if got := p.Lines(); got[0] != "warm start: 1 configuration from study far (similarity 0.05, best 0.1)" {
		t.Errorf("%q", got)
	}
	for _, from := range []string{"own", "nobody"} {
		q.From = from
		if _, err := WarmStart(t.Context(), s, q); err == nil || !strings.Contains(err.Error(), "no other finished study") {
			t.Errorf("from %s: %v", from, err)
		}
	}
	// A network is looked for among more trials.
	asked = nil
	q.From, q.Genome = "near", func(search.Params) (string, bool) { return "", false }
	p, err = WarmStart(t.Context(), s, q)
	if err != nil || len(p.Candidates) != 0 || !slices.Equal(asked, []int{20}) || p.Passed[0] != "near: none of its networks fits the architecture" {
		t.Errorf("%+v, %v; asked for %v", p, err, asked)
	}
	q.Genome, q.Space = nil, search.Space{search.Float("y", 0, 1)}
	if p, err = WarmStart(t.Context(), s, q); err != nil || p.Passed[0] != "near: no configuration fits into the space" {
		t.Errorf("%+v, %v", p, err)
	}
	// Half of the parameters must be known.
	q.Space = append(q.Space, unit...)
	if p, err = WarmStart(t.Context(), s, q); err != nil || len(p.Candidates) != 1 || p.Candidates[0].Params["y"] != .5 {
		t.Errorf("%+v, %v", p, err)
	}
	q.Space = append(q.Space, search.Float("z", 0, 1))
	if p, err = WarmStart(t.Context(), s, q); err != nil || len(p.Candidates) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	s.goal.Goal = search.Maximize
	if p, err = WarmStart(t.Context(), s, q); err != nil || p.Passed[0] != "near: its objective is not to minimize loss" {
		t.Errorf("%+v, %v", p, err)
	}
	s.broken = errors.New("broken")
	if _, err = WarmStart(t.Context(), s, q); !errors.Is(err, s.broken) {
		t.Error(err)
	}
	if _, err = WarmStart(t.Context(), s, Query{Study: "own"}); err == nil || !strings.Contains(err.Error(), "it has no objective") {
		t.Error(err)
	}
}

// The most similar study is first; among equals the newest, as they came.
func TestWarmStartOrdersBySimilarity(t *testing.T) {
	var asked []int
	s := shelf{names: []string{"far", "near", "nearer"}, goal: loss, asked: &asked, records: []search.Record{
		{Trial: search.Trial{Params: search.Params{"x": .2}}, Measurements: []search.Measurement{{Metrics: search.Metrics{"loss": .1}}}},
		{Trial: search.Trial{ID: 1, Params: search.Params{"x": .1}}, Measurements: []search.Measurement{{Metrics: search.Metrics{"loss": .2}}}},
	}, spaces: map[string]search.Space{"near": unit, "far": unit, "nearer": unit}}
	p, err := WarmStart(t.Context(), s, Query{Study: "own", Space: unit, Objectives: []search.Objective{loss}, Features: Features{Task: "classification", Rows: 100}, Threshold: .01})
	if err != nil || len(p.Candidates) != 2 || p.Candidates[0].Study != "near" || p.Candidates[1].Study != "nearer" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, c := range []struct {
		p    Plan
		want string
	}{{Plan{}, "warm start: no finished study yet"}, {Plan{Passed: []string{"a", "b", "c", "d"}}, "warm start: no finished study fits: a; b; c"}, {Plan{Passed: []string{"a"}}, "warm start: no finished study fits: a"}} {
		if got := c.p.Lines(); len(got) != 1 || got[0] != c.want {
			t.Errorf("%q", got)
		}
	}
}

func TestUnlikeInWords(t *testing.T) {
	a := Features{Task: "classification", Rows: 1}
	for _, c := range []struct {
		here, there Features
		want        string
	}{
		{Features{}, a, "nothing is known of the data here"}, {a, Features{}, "nothing is known of its data"},
		{a, Features{Task: "regression", Rows: 1}, "its task is regression, not classification"}, {a, a, "similarity 0.25 < 0.60"},
	} {
		if got := unlike(c.here, c.there, .25, .6); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
