package study_test

import (
	"encoding/json"
	"strings"
	"testing"

	"budwood/meta"
	"budwood/nas"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
)

// An architecture study starts from the best networks of a past one that fit it,
// with their hyperparameters.
func TestArchitectureWarmStart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	b := studytest.New(t, nil)
	run := func(name string, edit func(*study.Spec)) (*study.Spec, []search.Record, meta.Plan) {
		t.Helper()
		spec := studytest.Digits(t, name, edit)
		if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil); err != nil {
			t.Fatal(err)
		}
		row, err := b.Recorder.Store.Study(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		var plan meta.Plan
		if len(row.WarmStart) > 0 {
			if err := json.Unmarshal(row.WarmStart, &plan); err != nil {
				t.Fatal(err)
			}
		}
		return spec, b.Records(t, name), plan
	}
	_, first, _ := run("first", nil)

	const limit = 2500
	limited := func(s *study.Spec) {
		s.Budget.Trials, s.Search.Seed = 4, 8
		s.Architecture.Limits = nas.Limits{Params: limit}
	}
	spec, second, plan := run("second", limited)
	if len(plan.Sources) != 1 || plan.Sources[0].Study != "first" || plan.Sources[0].Taken < 2 || plan.Sources[0].Taken > 5 {
		t.Fatalf("%+v", plan)
	}
	if line := plan.Lines()[0]; !strings.Contains(line, "configurations from study first (similarity 1.00") {
		t.Errorf("%q", line)
	}
	space, err := spec.Architecture.Space()
	if err == nil {
		space, err = space.For(spec.Input, spec.Outputs)
	}
	if err != nil {
		t.Fatal(err)
	}
	over, fit := 0, map[int]bool{}
	for _, r := range first {
		g, err := nas.FromParams(r.Params)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := space.Build(g); err != nil {
			over++
		} else {
			fit[r.ID] = true
		}
	}
	if over == 0 || len(fit) < 2 {
		t.Fatalf("%d networks of the first study are over the limit, %d are not: the test needs both", over, len(fit))
	}
	for i, c := range plan.Candidates[:2] {
		r := second[2*i] // every second trial, the best first
		if r.Source != "warm start: first "+search.TrialName(c.Trial) || !fit[c.Trial] || nas.Key(r.Params) != nas.Key(first[c.Trial].Params) {
			t.Errorf("%s is of %q: %v; there %v", r.Name(), r.Source, r.Params, first[c.Trial].Params)
		}
		if _, ok := nas.OriginOf(r.Params); ok {
			t.Errorf("%s claims parents of another study: %v", r.Name(), r.Params)
		}
		if r.State != search.Completed {
			t.Errorf("%s is %s", r.Name(), r.State)
		}
	}
	if strings.HasPrefix(second[1].Source, "warm start") {
		t.Errorf("%s is of %q, not of the sampler", second[1].Name(), second[1].Source)
	}

	for name, edit := range map[string]func(*study.Spec){
		"off":   func(s *study.Spec) { s.Search.WarmStart = "off" },
		"wider": func(s *study.Spec) { s.Architecture = &nas.Spec{Family: "mlp", Width: []int{65, 80}} },
	} {
		_, records, plan := run(name, func(s *study.Spec) {
			limited(s)
			edit(s)
			s.Architecture.Limits, s.Budget.Trials = nas.Limits{}, 1
		})
		if len(plan.Candidates) != 0 || strings.HasPrefix(records[0].Source, "warm start") {
			t.Errorf("%s: %+v, first trial of %q", name, plan, records[0].Source)
		}
		if want := "first: none of its networks fits the architecture"; name == "wider" && !strings.Contains(plan.Lines()[0], want) {
			t.Errorf("%s: %q", name, plan.Lines())
		}
	}
}

// A new study that wants to start from one that is not there says so; one that goes
// on does without it.
func TestWarmStartFromNothing(t *testing.T) {
	b := studytest.New(t, nil)
	run := func(from string, trials int) error {
		spec := studytest.Digits(t, "new", func(s *study.Spec) { s.Search.WarmStart, s.Budget.Trials = from, trials })
		_, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil)
		return err
	}
	if err := run("old", 1); err == nil || !strings.HasPrefix(err.Error(), `search.warm_start: study "old": no such study`) || strings.Contains(err.Error(), "type:") {
		t.Errorf("from a study that is not there: %v", err)
	}
	if err := run("off", 1); err != nil {
		t.Fatal(err)
	}
	if err := run("old", 2); err == nil || !strings.Contains(err.Error(), "its search differs") {
		t.Errorf("a study that exists: %v", err)
	}
}
