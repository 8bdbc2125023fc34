package study_test

import (
	"slices"
	"strings"
	"testing"

	"budwood/nas"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// Where one alternative is plainly better, candidates with it are evaluated the best,
// by uniform and by fair paths.
func TestSupernetRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, paths := range []string{"uniform", "fair"} {
		spec := studytest.OneShot(t, "ranks", func(s *study.Spec) {
			s.Search.Supernet, s.Search.Sampler = paths, "random"
			s.Architecture = &nas.Spec{Grammar: []any{
				map[string]any{"oneof": []any{map[string]any{"op": "dense", "out": 1}, map[string]any{"op": "dense", "out": 32}}},
				"batchnorm", map[string]any{"oneof": []any{"relu", "tanh"}},
			}}
			s.Budget, s.Retrain.Best = study.Budget{Trials: 4, Epochs: 4}, 1
		})
		b := studytest.New(t, nil)
		if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil); err != nil {
			t.Fatal(err)
		}
		records := b.Records(t, spec.Name)
		var wide, narrow []float64
		for _, r := range records[:4] {
			last, _ := r.Last()
			if g, _ := nas.FromParams(r.Params); strings.Contains(g.String(), "32") {
				wide = append(wide, last.Metrics["valid_accuracy"])
			} else {
				narrow = append(narrow, last.Metrics["valid_accuracy"])
			}
		}
		if len(wide) != 2 || len(narrow) != 2 || slices.Min(wide) < slices.Max(narrow)+.2 {
			t.Errorf("%s: wide %.3f, narrow %.3f", paths, wide, narrow)
		}
		if best := records[len(records)-1]; !strings.Contains(study.DescribeParams(best.Params), "32") {
			t.Errorf("%s: %s was trained again", paths, study.DescribeParams(best.Params))
		}
	}
}

// What shared weights cannot do is said of the key that asks for it.
func TestSupernetMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for path, edit := range map[string]func(*study.Spec){
		"search.supernet":  func(s *study.Spec) { s.Search.Supernet = "unifrom" },
		"data.split.cv":    func(s *study.Spec) { s.Data.Split.CV = 3 },
		"space":            func(s *study.Spec) { s.Space = search.Space{search.LogFloat("lr", 1e-4, 1)} },
		"search.inherit":   func(s *study.Spec) { s.Search.Inherit = true },
		"search.scheduler": func(s *study.Spec) { s.Search.Scheduler = "asha" },
		"early_stop":       func(s *study.Spec) { s.EarlyStop.Patience = 3 },
		"train.ema":        func(s *study.Spec) { s.Train = search.Params{"ema": .9} },
		"train.lookahead":  func(s *study.Spec) { s.Train = search.Params{"lookahead": 5} },
		"train.precision":  func(s *study.Spec) { s.Train = search.Params{"precision": "float16"} },
		"objective.metric": func(s *study.Spec) { s.Objective = search.Objective{Metric: "train_loss"} },
		"also[0].metric":   func(s *study.Spec) { s.Search.Sampler, s.Also = "nsga2", []search.Objective{{Metric: trials.EnergyWh}} },
	} {
		spec := studytest.OneShot(t, "mistakes", nil)
		edit(spec)
		err := spec.Complete()
		if e, ok := err.(*study.FieldError); !ok || e.Path != path || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
	toy := studytest.Toy(t, "toy")
	toy.Search.Supernet = "uniform"
	if e, ok := toy.Complete().(*study.FieldError); !ok || e.Path != "search.supernet" {
		t.Errorf("numbers: %v", e)
	}
}

// In a space of one network shared weights are its own: they are trained as ever.
func TestSupernetOfOneNetwork(t *testing.T) {
	losses := func(edit func(*study.Spec)) (out []float64) {
		spec := studytest.OneShot(t, "one", func(s *study.Spec) {
			s.Architecture = &nas.Spec{Grammar: []any{map[string]any{"op": "dense", "out": 16}, "batchnorm", "relu", map[string]any{"op": "dropout", "p": 0.2}}}
			s.Budget, s.Retrain = study.Budget{Trials: 1, Epochs: 3}, study.Retrain{}
			edit(s)
		})
		b := studytest.New(t, nil)
		if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil); err != nil {
			t.Fatal(err)
		}
		curve, err := b.Recorder.Store.Curve(t.Context(), spec.Name, trials.SupernetTrial)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range curve {
			out = append(out, m.Metrics["train_loss"])
		}
		return out
	}
	shared := losses(func(*study.Spec) {})
	alone := losses(func(s *study.Spec) { s.Search.Supernet, s.Search.Scheduler = "", "none" })
	if len(alone) != 3 || !slices.Equal(shared, alone) {
		t.Errorf("training losses %v, alone %v", shared, alone)
	}
}
