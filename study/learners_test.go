package study_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/learn/tabular"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// steps is a table whose target jumps.
func steps(t *testing.T, dir string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("a,b,town,y\n")
	for i := range 240 {
		a, c := i*37%100, i*53%17
		fmt.Fprintf(&b, "%d,%d,%s,%d\n", a, c, []string{"Ulm", "Bonn", "Kiel"}[i%3], a/30*(i%3)*100+c)
	}
	if err := os.WriteFile(filepath.Join(dir, "t.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A study of a table that gives neither space nor architecture tries all learners, and its best trial is tested, predicts and
// is one model.
func TestAllLearners(t *testing.T) {
	dir := t.TempDir()
	steps(t, dir)
	file := filepath.Join(dir, "s.yaml")
	text := "name: all\ndata: {csv: t.csv, target: y, task: regression, split: {cv: 3}}\nsearch: {sampler: random, warm_start: 'off'}\nbudget: {trials: 12, epochs: 6}\nobjective: {metric: valid_rmse}\ntrain: {batch: 32}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	spec, _, err := study.Load(t.Context(), file, &data.Cache{}, study.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if spec.Search.Min != 3 {
		t.Errorf("the smallest rung is %d epochs", spec.Search.Min)
	}
	b := studytest.New(t, nil)
	got, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil)
	if err != nil || got.Best < 0 || !(got.Test["test_r2"] > .7) {
		t.Fatalf("%+v, %v", got, err)
	}
	tried := map[string]int{}
	for _, r := range b.Records(t, spec.Name) {
		if r.State == search.Failed || r.State == search.Infeasible {
			t.Errorf("%s is %s: %s", r.Name(), r.State, r.Reason)
		}
		tried[spec.Learner(r.Params)]++
	}
	for _, l := range tabular.Learners {
		if tried[l] == 0 {
			t.Errorf("%s was not tried: %v", l, tried)
		}
	}
	r := b.Records(t, spec.Name)[got.Best]
	m, _ := r.Last()
	key := trials.EndKey(spec.Name, r.ID, m.Budget)
	rows, _, _, err := spec.Predict(t.Context(), &data.Cache{}, b.Runner.Blobs, key, r.ID, r.Params, filepath.Join(dir, "t.csv"))
	if err != nil || len(rows) != 240 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if spec.Learner(r.Params) == tabular.Network {
		t.Fatalf("the best is a network: %v", r.Params)
	}
	d, model, err := spec.Trees(t.Context(), &data.Cache{}, b.Runner.Blobs, key, r.ID, r.Params)
	if err != nil || len(model.Columns) != 3 || d.Train == nil {
		t.Fatalf("%+v, %v", model, err)
	}
	if _, err := spec.Trained(t.Context(), &data.Cache{}, b.Runner.Blobs, key, r.ID, r.Params); err == nil || !strings.Contains(err.Error(), "it has no network") {
		t.Errorf("its network: %v", err)
	}
}

// What is fixed is not searched, and other studies keep what they say.
func TestSpaceOfAllLearners(t *testing.T) {
	spec := func() *study.Spec {
		return &study.Spec{Name: "s", Data: &data.Source{CSV: "t.csv", Target: "y"}}
	}
	s := spec()
	s.Train = search.Params{"learner": "boosting", "rate": .1}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Space.Dims() {
		if d.Name == "rate" || d.Name == "learner" || d.Name == "lr" {
			t.Errorf("%s is searched", d.Name)
		}
	}
	if len(s.Space) < 4 {
		t.Errorf("the space is %v", s.Space)
	}
	other := spec()
	other.Train = search.Params{"learner": "forest"}
	if err := other.Complete(); err != nil {
		t.Fatal(err)
	}
	if len(other.Space) != 3 {
		t.Errorf("what is fixed for one study changed that of another: %v", other.Space)
	}
	own := spec()
	own.Space = search.Space{search.LogFloat("lr", .001, .01)}
	if err := own.Complete(); err != nil || len(own.Space) != 1 || own.Search.Min != 1 {
		t.Errorf("its own space became %v, %v", own.Space, err)
	}
	image := spec()
	image.Data.Image = data.Shape{8, 8, 1}
	if err := image.Complete(); err == nil || !strings.Contains(err.Error(), "there is nothing to search") {
		t.Errorf("images: %v", err)
	}
}

func TestLearnersMistakes(t *testing.T) {
	for want, change := range map[string]func(*study.Spec){
		"train.learner: learner: trees is none of network, boosting, forest, linear": func(s *study.Spec) { s.Train = search.Params{"learner": "trees"} },
		"mesh cuts networks":    func(s *study.Spec) { s.Mesh = engine.Mesh{Data: 2} },
		"teaches networks":      func(s *study.Spec) { s.Train = search.Params{"teacher": "other"} },
		"predicted of networks": func(s *study.Spec) { s.Objective.Metric = "latency_us" },
		"rate: 3 is outside":    func(s *study.Spec) { s.Space = append(s.Space, search.Float("rate", .1, 3)) },
	} {
		s := &study.Spec{Name: "s", Data: &data.Source{CSV: "t.csv", Target: "y"}, Space: search.Space{search.Choice("learner", "network", "boosting")}}
		if strings.HasPrefix(want, "train") {
			s.Space = search.Space{search.Float("l2", .1, 3)}
		}
		change(s)
		if err := s.Complete(); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "train.learner: ")) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
