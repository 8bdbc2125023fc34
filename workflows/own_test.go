package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
)

// steps proposes x by the number of results so far, and what else a test wants.
type steps struct {
	asked map[int]int
	odd   func(req search.Request) ([]search.Params, error)
}

func (s *steps) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	s.asked[req.First]++
	if s.odd != nil && req.First == 3 {
		return s.odd(req)
	}
	n := 0
	for _, r := range req.Past {
		if _, ok := r.Last(); ok {
			n++
		}
	}
	return []search.Params{{"x": float64(n)/10 + req.Rand(0).Float64()}}, nil
}

func (s *steps) Explain(req search.Request) string {
	if req.First == 2 {
		panic("no words")
	}
	return "one more"
}

func ownSpec(t testing.TB) *study.Spec {
	s := studytest.Toy(t, "own")
	s.Search.Sampler, s.Search.Own, s.Budget.Trials = "workflows.steps", true, 12
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

func ownBench(t *testing.T, odd func(search.Request) ([]search.Params, error)) (*bench, *steps) {
	b, s := newBench(t, studytest.Quadratic), &steps{asked: map[int]int{}, odd: odd}
	b.store.Sampler = study.OwnSampler(s)
	return b, s
}

// A study takes a sampler of the user's own, durably and locally.
func TestOwnSampler(t *testing.T) {
	durable, s := ownBench(t, nil)
	local, _ := ownBench(t, nil)
	_, records := durable.twin(t, ownSpec(t), local)
	if len(records) != 12 {
		t.Errorf("%d trials", len(records))
	}
	for i, r := range records {
		if s.asked[i] != 1 {
			t.Errorf("asked %d times for %s", s.asked[i], r.Name())
		}
		want := "workflows.steps: one more"
		if i == 2 {
			want = "workflows.steps: Explain panicked at own_test.go:"
		}
		if !strings.HasPrefix(r.Source, want) {
			t.Errorf("%s is by %q", r.Name(), r.Source)
		}
	}
}

// What a sampler of the user's own does wrong is one line, and the study goes on
// once it is right.
func TestOwnSamplerFails(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for want, odd := range map[string]func(search.Request) ([]search.Params, error){
		"propose trial t0003: workflows.steps: no line to the oracle": func(search.Request) ([]search.Params, error) {
			return nil, errors.New("no line to the oracle")
		},
		"propose trial t0003: workflows.steps: no line; call the operator": func(search.Request) ([]search.Params, error) {
			return nil, errors.New("no line\ncall the operator\n")
		},
		"propose trial t0003: workflows.steps: it proposes nothing":                     func(search.Request) ([]search.Params, error) { return nil, nil },
		"propose trial t0003: workflows.steps: it panicked at own_test.go:":             func(search.Request) ([]search.Params, error) { panic("dizzy") },
		"propose trial t0003: workflows.steps: it proposes what is not in the space: x": func(search.Request) ([]search.Params, error) { return []search.Params{{"x": 7.}}, nil },
		"propose trial t0003: workflows.steps: it proposes x=-1, which breaks a constraint": func(search.Request) ([]search.Params, error) {
			return []search.Params{{"x": -1}}, nil
		},
	} {
		spec := ownSpec(t)
		spec.Constraints = []string{"x >= 0"}
		durable, s := ownBench(t, odd)
		durable.env.ExecuteWorkflow(studyType, studyInput{Spec: *spec, Queue: "test"})
		local, other := ownBench(t, odd)
		_, err := study.Local(t.Context(), spec, local.store.Recorder, local.train.Runner, local.train.Objective)
		for _, got := range []string{message(durable.env.GetWorkflowError()), err.Error()} {
			if !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
				t.Errorf("it says %q, want %q", got, want)
			}
		}

		s.odd, other.odd = nil, nil
		more := newBench(t, studytest.Quadratic)
		more.store.Store, more.train.Runner, more.store.Sampler = durable.store.Store, durable.train.Runner, study.OwnSampler(s)
		_, records := more.run(t, spec)
		if _, err := study.Local(t.Context(), spec, local.store.Recorder, local.train.Runner, local.train.Objective); err != nil {
			t.Fatal(err)
		}
		if again := local.Records(t, spec.Name); len(records) != 12 || len(again) != 12 {
			t.Errorf("%d and %d trials once it is right", len(records), len(again))
		}
		for i := range 12 {
			if n := s.asked[i]; n != 1 && i != 3 {
				t.Errorf("asked %d times for t%04d", n, i)
			}
		}
	}
}

// A study whose sampler is elsewhere says so.
func TestOwnSamplerIsElsewhere(t *testing.T) {
	b := newBench(t, studytest.Quadratic)
	_, err := study.Local(t.Context(), ownSpec(t), b.store.Recorder, b.train.Runner, b.train.Objective)
	if want := "its sampler: workflows.steps belongs to the Go program that began the study: run that program again"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
