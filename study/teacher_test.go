package study_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// taught is a small study of digits that learns from another one.
func taught(t *testing.T, name, teacher string, edit func(*study.Spec)) *study.Spec {
	t.Helper()
	return studytest.Digits(t, name, func(s *study.Spec) {
		s.Architecture, s.Also, s.Constraints, s.StartWith, s.EarlyStop = nil, nil, nil, nil, study.EarlyStop{}
		s.Space = search.Space{search.Float("alpha", .5, 1), search.LogFloat("temperature", 1, 4)}
		s.Train = search.Params{"teacher": teacher, "width": 8, "lr": .01}
		s.Data.Rows, s.Data.Split = 300, data.Split{Folds: 3, Fold: 0, Test: .2}
		s.Search = study.Search{Sampler: "random", Scheduler: "none", WarmStart: "off", Parallel: 1}
		s.Budget = study.Budget{Trials: 2, Epochs: 3}
		edit(s)
	})
}

// A mean of folds teaches one network. What it says of the training rows is computed
// once and kept, until the study ends.
func TestMeanOfFoldsTeaches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	ctx := context.Background()
	b := studytest.New(t, nil)
	run := func(s *study.Spec) (study.Result, error) { return study.Local(ctx, s, b.Recorder, b.Runner, nil) }
	folds := func(s *study.Spec) {
		s.Space, s.Train = search.Space{search.LogFloat("lr", .003, .03)}, search.Params{"width": 32}
		s.Data.Split = data.Split{CV: 3, Test: .2}
		s.Budget = study.Budget{Trials: 1, Epochs: 9}
	}
	if _, err := run(taught(t, "many", "", folds)); err != nil {
		t.Fatal(err)
	}
	one := taught(t, "one", "many", func(*study.Spec) {})
	if _, err := run(one); err != nil {
		t.Fatal(err)
	}
	first := b.Records(t, "one")
	key := trials.StudyKey("one") + "/teacher/model"
	if kept, err := b.Runner.Blobs.List(ctx, trials.StudyKey("one")+"/teacher"); err != nil || len(kept) != 1 || kept[0].Key != key {
		t.Errorf("kept of the teacher are %v (%v), want its copy alone", kept, err)
	}
	// The labels alone make another network, the same teacher the same one.
	if _, err := run(taught(t, "again", "many", func(*study.Spec) {})); err != nil {
		t.Fatal(err)
	}
	if _, err := run(taught(t, "alone", "many", func(s *study.Spec) { s.Space[0] = search.Float("alpha", 0, 1e-9) })); err != nil {
		t.Fatal(err)
	}
	for i, r := range b.Records(t, "again") {
		if !reflect.DeepEqual(r.Measurements[0].Metrics["valid_loss"], first[i].Measurements[0].Metrics["valid_loss"]) {
			t.Errorf("trial %d taught again has loss %v, not %v", i, r.Measurements[0].Metrics, first[i].Measurements[0].Metrics)
		}
	}
	if b.Records(t, "alone")[0].Measurements[0].Metrics["train_loss"] == first[0].Measurements[0].Metrics["train_loss"] {
		t.Error("the teacher makes no difference")
	}
	for want, edit := range map[string]func(*study.Spec){
		"{folds: 3, fold: 0}":       func(s *study.Spec) { s.Data.Split = data.Split{Valid: .2, Test: .2} },
		"no such study":             func(s *study.Spec) { s.Train["teacher"] = "nobody" },
		"from other files":          func(s *study.Spec) { s.Data.Target, s.Data.Image = "p20", nil },
		"data.rows":                 func(s *study.Spec) { s.Data.Rows = 600 },
		"this study is tested with": func(s *study.Spec) { s.Data.Split.Test = .4 },
	} {
		_, err := run(taught(t, "wrong", "many", edit))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	// Another program may have gone on with the teacher's study: the copy teaches.
	if err := b.Runner.Blobs.DeleteAll(ctx, trials.StudyKey("many")); err != nil {
		t.Fatal(err)
	}
	if _, err := run(taught(t, "one", "many", func(s *study.Spec) { s.Budget.Trials = 3 })); err != nil {
		t.Errorf("the study does not go on: %v", err)
	}
	if n := len(b.Records(t, "one")); n != 3 {
		t.Errorf("%d trials, want 3", n)
	}
}

// A teacher of numbers is told in the units of the study that learns.
func TestTeacherOfNumbers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	ctx := context.Background()
	b := studytest.New(t, nil)
	numbers := func(s *study.Spec) {
		s.Data.Task, s.Data.Image = data.Regression, nil
		s.Objective = search.Objective{Metric: "valid_rmse"}
	}
	for _, s := range []*study.Spec{
		taught(t, "many", "", func(s *study.Spec) {
			numbers(s)
			s.Space, s.Train = search.Space{search.LogFloat("lr", .003, .03)}, search.Params{}
			s.Data.Split = data.Split{CV: 3, Test: .2}
		}),
		taught(t, "one", "many", func(s *study.Spec) {
			numbers(s)
			s.Space = search.Space{search.Float("alpha", .999999, 1)}
			s.Budget = study.Budget{Trials: 1, Epochs: 30}
		}),
	} {
		if _, err := study.Local(ctx, s, b.Recorder, b.Runner, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := b.Records(t, "one")[0]
	last, _ := r.Last()
	if v := last.Metrics["train_loss"]; !(v < .1) { // 1 is what a teacher in other units leaves, or none
		t.Errorf("after 30 epochs the student is %v from its teacher", v)
	}
}

func TestTeacherMistakes(t *testing.T) {
	for want, edit := range map[string]func(*study.Spec){
		"train.alpha: there is no teacher": func(s *study.Spec) {
			s.Train, s.Space[0] = search.Params{"alpha": .5}, search.LogFloat("lr", .1, 1)
			s.Space = s.Space[:1]
		},
		"space[0]: alpha: there is no":        func(s *study.Spec) { s.Train, s.Space = nil, s.Space[:1] },
		"not the name of a study":             func(s *study.Spec) { s.Train["teacher"] = "model.onnx!" },
		"cannot teach itself":                 func(s *study.Spec) { s.Train["teacher"] = s.Name },
		"train.mixup: with a teacher":         func(s *study.Spec) { s.Train["mixup"] = .2 },
		"space[2]: with a teacher shift":      func(s *study.Spec) { s.Space = append(s.Space, search.Int("shift", 0, 2)) },
		"train.class_weights: with a teach":   func(s *study.Spec) { s.Train["class_weights"] = "balanced" },
		"space[2].name: one teacher serves":   func(s *study.Spec) { s.Space = append(s.Space, search.Choice("teacher", "a", "b")) },
		"train: temperature: 0 is outside [0": func(s *study.Spec) { s.Train["temperature"] = 0.; s.Space = s.Space[:1] },
	} {
		s := &study.Spec{
			Name: "mine", Data: &data.Source{CSV: "x.csv", Target: "y"}, Train: search.Params{"teacher": "many"},
			Space: search.Space{search.Float("alpha", .5, 1), search.LogFloat("temperature", 1, 4)},
		}
		edit(s)
		if err := s.Complete(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
