package meta_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"budwood/meta"
	"budwood/search"
)

// study is one of a library's.
type study struct {
	name       string
	running    bool
	space      search.Space
	objectives []search.Objective
	features   json.RawMessage
	records    []search.Record
}

// library is a reader of studies in memory, the newest last.
type library []study

func (l library) Finished(context.Context) ([]string, error) {
	var out []string
	for _, s := range slices.Backward(l) {
		if !s.running {
			out = append(out, s.name)
		}
	}
	return out, nil
}

func (l library) find(name string) (*study, error) {
	for i := range l {
		if l[i].name == name {
			return &l[i], nil
		}
	}
	return nil, fmt.Errorf("study %q: no such study", name)
}

func (l library) Describe(_ context.Context, name string) (search.Space, []search.Objective, json.RawMessage, error) {
	s, err := l.find(name)
	if err != nil {
		return nil, nil, nil, err
	}
	return s.space, s.objectives, s.features, nil
}

func (l library) Top(_ context.Context, name string, n int) ([]search.Record, error) {
	s, err := l.find(name)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(s.records)
	slices.SortStableFunc(out, func(a, b search.Record) int {
		x, _ := a.Loss(s.objectives[0])
		y, _ := b.Loss(s.objectives[0])
		if x < y {
			return -1
		}
		return 1
	})
	return out[:min(n, len(out))], nil
}

var (
	lr       = search.LogFloat("lr", 1e-5, 1)
	width    = search.Int("width", 8, 512, search.Log)
	act      = search.Choice("act", "relu", "tanh", "gelu")
	space    = search.Space{lr, width, act}
	accuracy = []search.Objective{{Metric: "valid_accuracy", Goal: search.Maximize}}
)

// score is how well params do on a data set whose best learning rate depends on
// its size, as it does in reality: 0.95 at best.
func score(f meta.Features, p search.Params) float64 {
	best := -1 - 0.5*math.Log10(float64(f.Rows))
	miss := math.Pow(math.Log10(lr.In(p))-best, 2)/4 + math.Pow(math.Log2(float64(width.In(p)))-6, 2)/18
	if act.In(p) != "relu" {
		miss += 0.1
	}
	return 0.95 - 0.2*math.Min(miss, 4)
}

// prior is a sampler that draws from the space.
type prior struct{}

func (prior) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	var out []search.Params
	for i := range req.N {
		out = append(out, req.Space.Sample(req.Rand(i)))
	}
	return out, nil
}

// run tries n configurations, one after the other.
func run(t *testing.T, s search.Sampler, f meta.Features, n int, seed uint64) []search.Record {
	t.Helper()
	var past []search.Record
	for i := range n {
		params, err := s.Propose(t.Context(), search.Request{Space: space, Objectives: accuracy, Past: past, First: i, N: 1, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		past = append(past, search.Record{
			Trial: search.Trial{ID: i, Params: params[0]}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 9, Metrics: search.Metrics{"valid_accuracy": score(f, params[0])}}},
		})
	}
	return past
}

func best(records []search.Record) float64 {
	out := math.Inf(-1)
	for _, r := range records {
		m, _ := r.Last()
		out = max(out, m.Metrics["valid_accuracy"])
	}
	return out
}

func finished(t *testing.T, name string, f meta.Features, seed uint64) study {
	t.Helper()
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return study{name: name, space: space, objectives: accuracy, features: raw, records: run(t, prior{}, f, 40, seed)}
}

func query(name string, f meta.Features) meta.Query {
	return meta.Query{Study: name, Space: space, Objectives: accuracy, Features: f}
}

func plan(t *testing.T, l library, q meta.Query) meta.Plan {
	t.Helper()
	p, err := meta.WarmStart(t.Context(), l, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The promise itself: after a study on similar data, the next one is better from
// its first trials on, for all seeds but a few.
func TestSimilarStudyHelps(t *testing.T) {
	const seeds, early = 40, 6
	var cold, warm float64
	worse := 0
	for seed := range uint64(seeds) {
		l := library{finished(t, "breast", breast, 1000+seed), finished(t, "elevators", elevators, 2000+seed)}
		p := plan(t, l, query("diabetes", diabetes))
		if len(p.Candidates) != 5 || p.Candidates[0].Study != "breast" {
			t.Fatalf("candidates %+v", p.Candidates)
		}
		a := best(run(t, prior{}, diabetes, early, seed))
		b := best(run(t, meta.Interleave{Sampler: prior{}, Candidates: p.Candidates}, diabetes, early, seed))
		cold, warm = cold+a/seeds, warm+b/seeds
		if b < a {
			worse++
		}
	}
	if warm < cold+0.02 || worse > seeds/5 {
		t.Errorf("best of the first %d trials: %.4f from scratch, %.4f with a warm start; worse for %d of %d seeds", early, cold, warm, worse, seeds)
	}
}

func TestDissimilarStudiesAreLeftAlone(t *testing.T) {
	l := library{finished(t, "adult", adult, 1), finished(t, "elevators", elevators, 2)}
	p := plan(t, l, query("iris", iris))
	if len(p.Candidates) != 0 || len(p.Sources) != 0 || len(p.Passed) != 2 {
		t.Fatalf("%+v", p)
	}
	want := []string{"warm start: no finished study fits: elevators: its task is regression, not classification; adult: similarity 0.28 < 0.60"}
	if got := p.Lines(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if p := plan(t, l, query("functions", meta.Features{})); !strings.Contains(p.Lines()[0], "nothing is known of the data here") {
		t.Errorf("%q", p.Lines())
	}
	q := query("iris", iris)
	q.From = "adult" // but the user may insist
	if p := plan(t, l, q); len(p.Candidates) != 5 || p.Candidates[0].Study != "adult" {
		t.Errorf("%+v", p)
	}
	q.From = "adlt"
	if _, err := meta.WarmStart(t.Context(), l, q); err == nil || !strings.Contains(err.Error(), `"adlt"`) {
		t.Errorf("a study that does not exist: %v", err)
	}
}

func TestOwnAndRunningStudiesAreExcluded(t *testing.T) {
	running := finished(t, "pendigits", pendigits, 1)
	running.running = true
	l := library{running, finished(t, "digits", digits, 2)}
	p := plan(t, l, query("digits", digits))
	if len(p.Candidates) != 0 || len(p.Passed) != 0 {
		t.Errorf("%+v", p)
	}
	if got := p.Lines(); !slices.Equal(got, []string{"warm start: no finished study yet"}) {
		t.Errorf("%q", got)
	}
	q := query("digits", digits)
	for _, from := range []string{"digits", "pendigits"} {
		q.From = from
		if _, err := meta.WarmStart(t.Context(), l, q); err == nil {
			t.Errorf("a warm start from %s", from)
		}
	}
}

func TestOtherObjectivesAndSpacesAreExcluded(t *testing.T) {
	loss := finished(t, "loss", digits, 1)
	loss.objectives = []search.Objective{{Metric: "valid_loss"}}
	elsewhere := finished(t, "elsewhere", digits, 2)
	elsewhere.space = search.Space{lr, search.Int("trees", 1, 9), search.Float("act", 0, 1)}
	for i := range elsewhere.records {
		elsewhere.records[i].Params = search.Params{"lr": .1, "trees": 3, "act": .5}
	}
	network := finished(t, "network", digits, 3)
	for i := range network.records {
		network.records[i].Params[search.ArchitectureKey] = "d3-w64"
	}
	broken := finished(t, "broken", digits, 4)
	broken.features = json.RawMessage(`"none"`)
	unknown := finished(t, "unknown", digits, 5)
	unknown.features = nil
	l := library{loss, elsewhere, network, broken, unknown, finished(t, "good", digits, 6)}
	p := plan(t, l, query("new", digits))
	if len(p.Sources) != 1 || p.Sources[0].Study != "good" || p.Sources[0].Similarity != 1 {
		t.Errorf("%+v", p.Sources)
	}
	passed := strings.Join(p.Passed, "\n")
	for _, want := range []string{
		"loss: its objective is not to maximize valid_accuracy", "elsewhere: no configuration fits", "network: no configuration fits",
		"broken: its features", "unknown: nothing is known of its data",
	} {
		if !strings.Contains(passed, want) {
			t.Errorf("%q is not in\n%s", want, passed)
		}
	}
}

func TestPlacesAreShared(t *testing.T) {
	twin := finished(t, "twin", digits, 1)
	l := library{twin, finished(t, "pendigits", pendigits, 2)}
	q := query("new", digits)
	q.N = 5
	p := plan(t, l, q)
	var order []string
	for _, c := range p.Candidates {
		order = append(order, c.Study)
	}
	// Similarities 1 and 0.73: averages 1, .73 | .5, .73 | .5, .37 | .33, .37 | .33, .24
	if want := []string{"twin", "pendigits", "twin", "pendigits", "twin"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	lines := p.Lines()
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "warm start: 3 configurations from study twin (similarity 1.00, best 0.9") {
		t.Errorf("%q", lines)
	}

	// The same configurations in two studies are taken once.
	copied := twin
	copied.name = "copy"
	q.N = 60
	p = plan(t, library{twin, copied}, q)
	seen := map[string]bool{}
	for _, c := range p.Candidates {
		if seen[c.Params.Key()] {
			t.Errorf("%v twice", c.Params)
		}
		seen[c.Params.Key()] = true
	}
	if len(p.Candidates) != 40 {
		t.Errorf("%d candidates of 40 different ones", len(p.Candidates))
	}
}

func TestWarmStartIsDeterministic(t *testing.T) {
	l := library{finished(t, "a", digits, 1), finished(t, "b", digits, 2), finished(t, "c", pendigits, 3)}
	want := plan(t, l, query("new", digits))
	for range 5 {
		if got := plan(t, l, query("new", digits)); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var back meta.Plan
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	req := search.Request{Space: space, Objectives: accuracy, N: 12, Seed: 3}
	x, err := meta.Interleave{Sampler: prior{}, Candidates: want.Candidates}.Propose(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	y, err := meta.Interleave{Sampler: prior{}, Candidates: back.Candidates}.Propose(t.Context(), req)
	if err != nil || !reflect.DeepEqual(x, y) {
		t.Errorf("a plan that went through JSON proposes %v, not %v (%v)", y, x, err)
	}
}

func TestWarmStartErrors(t *testing.T) {
	if _, err := meta.WarmStart(t.Context(), library{}, meta.Query{Study: "x"}); err == nil {
		t.Error("no objective, no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := meta.WarmStart(ctx, library{finished(t, "a", digits, 1)}, query("x", digits)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Studies with an architecture exchange genomes with their params, and only
// those that fit.
func TestGenomesAreExchanged(t *testing.T) {
	networks := finished(t, "networks", digits, 1)
	for i := range networks.records {
		networks.records[i].Params[search.ArchitectureKey] = fmt.Sprintf("%s%d ~t7 : + dense", []string{"small", "large"}[i%2], i)
	}
	l := library{networks, finished(t, "plain", digits, 2)}
	q := query("new", digits)
	q.Space = search.Space{lr, search.Float("momentum", 0, 1), search.Float("decay", 0, 1)} // one of three is known
	q.Genome = func(p search.Params) (string, bool) {
		genome, _, _ := strings.Cut(p[search.ArchitectureKey].(string), " ~")
		return genome, strings.HasPrefix(genome, "small")
	}
	p := plan(t, l, q)
	if len(p.Candidates) != 5 || len(p.Sources) != 1 || p.Sources[0].Study != "networks" {
		t.Fatalf("%+v", p)
	}
	for _, c := range p.Candidates {
		was := networks.records[c.Trial].Params
		if c.Params[search.ArchitectureKey] != fmt.Sprintf("small%d", c.Trial) || c.Params["lr"] != was["lr"] || c.Params["momentum"] != .5 || len(c.Params) != 4 {
			t.Errorf("t%04d: %v became %v", c.Trial, was, c.Params)
		}
	}
	next, err := meta.Interleave{Sampler: prior{}, Candidates: p.Candidates}.Propose(t.Context(), search.Request{Space: q.Space, Objectives: accuracy, N: 3})
	if err != nil || next[0].Key() != p.Candidates[0].Params.Key() || next[2].Key() != p.Candidates[1].Params.Key() {
		t.Errorf("first trials %v (%v), candidates %v", next, err, p.Candidates)
	}

	q.Genome = func(search.Params) (string, bool) { return "", false }
	p = plan(t, l, q)
	if len(p.Candidates) != 0 || !strings.Contains(p.Lines()[0], "networks: none of its networks fits the architecture") {
		t.Errorf("%+v", p)
	}

	// What is the same candidate, the study says.
	q.Genome = func(search.Params) (string, bool) { return "small", true }
	q.Key = func(p search.Params) string { return fmt.Sprint(p[search.ArchitectureKey]) }
	if p = plan(t, l, q); len(p.Candidates) != 1 {
		t.Errorf("%d candidates of one network", len(p.Candidates))
	}
	tried := p.Candidates[0].Params
	tried = search.Params{"lr": .5, search.ArchitectureKey: tried[search.ArchitectureKey]}
	past := []search.Record{{Trial: search.Trial{ID: 0, Params: tried}, State: search.Running}}
	next, err = meta.Interleave{Sampler: prior{}, Candidates: p.Candidates, From: 1, Key: q.Key}.Propose(
		t.Context(), search.Request{Space: space, Objectives: accuracy, Past: past, First: 1, N: 1})
	if err != nil || next[0][search.ArchitectureKey] != nil {
		t.Errorf("a network that was tried is proposed again: %v (%v)", next, err)
	}
}
