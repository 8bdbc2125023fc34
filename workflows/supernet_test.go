package workflows

import (
	"slices"
	"strings"
	"testing"

	"budwood/nas"
	"budwood/search"
	"budwood/trials"
)

func oneShot(t *testing.T, name string, edit func(*Spec)) *Spec {
	return digitNetworks(t, name, func(s *Spec) {
		s.Space, s.StartWith, s.Train = nil, nil, search.Params{"lr": 0.01}
		s.Search = Search{Sampler: "evolution", Supernet: "uniform", Seed: 7, Parallel: 1, Batch: 1}
		s.Budget, s.Retrain = Budget{Trials: 25, Epochs: 6}, Retrain{Best: 2, Epochs: 3}
		if edit != nil {
			edit(s)
		}
	})
}

// One trial trains the weights, the others are judged with them, and the best are
// trained from scratch; the durable study decides as the local one, and can go on
// after its end.
func TestStudySupernet(t *testing.T) {
	spec := oneShot(t, "shared", nil)
	durable, local := newBench(t, nil), newBench(t, nil)
	result, records := durable.twin(t, spec, local)
	if len(records) != 27 || result.Test["test_accuracy"] == 0 {
		t.Fatalf("%d trials, %+v", len(records), result)
	}
	trained := 0
	for _, r := range records {
		last := r.Measurements[len(r.Measurements)-1]
		shared, told := last.Metrics[search.SharedEpochs]
		want := 6 // the budget at which it counts
		switch again := strings.HasPrefix(r.Source, "retrain"); {
		case told && (again || r.ID == trials.SupernetTrial) || !told && !again && r.ID != trials.SupernetTrial || told && shared != 6:
			t.Errorf("%s, %s: shared %v", r.Name(), r.Source, last.Metrics)
		case again:
			want = 3
			fallthrough
		case r.ID == trials.SupernetTrial:
			trained += r.Epochs()
		}
		if last.Budget != want || r.State != search.Completed {
			t.Errorf("%s is %s at %d", r.Name(), r.State, last.Budget)
		}
	}
	if trained != 6+2*3 {
		t.Errorf("%d epochs of training", trained)
	}
	if text, err := DescribeSearch(spec, records); err != nil || strings.Count(text, "trained from scratch as t002") != 2 || strings.Contains(text, "rank correlation") {
		t.Errorf("%v: %s", err, text)
	}
	for name, b := range map[string]*bench{"workflow": durable, "local": local} {
		left, err := b.train.Runner.Blobs.List(t.Context(), trials.StudyKey(spec.Name))
		if err != nil || len(left) != 2 || left[0].Key != trials.EndKey(spec.Name, trials.SupernetTrial, 6) {
			t.Errorf("%s: checkpoints %v, %v", name, left, err)
		}
	}
	more := *spec
	more.Budget.Trials = 30
	if _, err := Local(t.Context(), &more, local.store.Recorder, local.train.Runner, nil); err != nil {
		t.Fatal(err)
	}
	if records = local.records(t, spec.Name); len(records) < 32 || records[27].Measurements[0].Metrics["shared"] != 6 {
		t.Errorf("%d trials after it went on", len(records))
	}
}

// Where one alternative is plainly better, candidates with it are judged the best,
// by uniform and by fair paths.
func TestSupernetRanks(t *testing.T) {
	for _, paths := range []string{"uniform", "fair"} {
		spec := oneShot(t, "ranks", func(s *Spec) {
			s.Search.Supernet, s.Search.Sampler = paths, "random"
			s.Architecture = &nas.Spec{Grammar: []any{
				map[string]any{"oneof": []any{map[string]any{"op": "dense", "out": 1}, map[string]any{"op": "dense", "out": 32}}},
				"batchnorm", map[string]any{"oneof": []any{"relu", "tanh"}},
			}}
			s.Budget, s.Retrain.Best = Budget{Trials: 4, Epochs: 4}, 1
		})
		b := newBench(t, nil)
		if _, err := Local(t.Context(), spec, b.store.Recorder, b.train.Runner, nil); err != nil {
			t.Fatal(err)
		}
		records := b.records(t, spec.Name)
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
		if best := records[len(records)-1]; !strings.Contains(DescribeParams(best.Params), "32") {
			t.Errorf("%s: %s was trained again", paths, DescribeParams(best.Params))
		}
	}
}

// What shared weights cannot do is said of the key that asks for it.
func TestSupernetMistakes(t *testing.T) {
	for path, edit := range map[string]func(*Spec){
		"search.supernet":  func(s *Spec) { s.Search.Supernet = "unifrom" },
		"data.split.cv":    func(s *Spec) { s.Data.Split.CV = 3 },
		"space":            func(s *Spec) { s.Space = search.Space{search.LogFloat("lr", 1e-4, 1)} },
		"search.inherit":   func(s *Spec) { s.Search.Inherit = true },
		"search.scheduler": func(s *Spec) { s.Search.Scheduler = "asha" },
		"early_stop":       func(s *Spec) { s.EarlyStop.Patience = 3 },
		"train.ema":        func(s *Spec) { s.Train = search.Params{"ema": .9} },
		"train.lookahead":  func(s *Spec) { s.Train = search.Params{"lookahead": 5} },
		"train.precision":  func(s *Spec) { s.Train = search.Params{"precision": "float16"} },
		"objective.metric": func(s *Spec) { s.Objective = search.Objective{Metric: "train_loss"} },
		"also[0].metric":   func(s *Spec) { s.Search.Sampler, s.Also = "nsga2", []search.Objective{{Metric: trials.EnergyWh}} },
	} {
		spec := oneShot(t, "mistakes", nil)
		edit(spec)
		err := spec.Complete()
		if e, ok := err.(*FieldError); !ok || e.Path != path || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
	toy := toySpec(t, "toy")
	toy.Search.Supernet = "uniform"
	if e, ok := toy.Complete().(*FieldError); !ok || e.Path != "search.supernet" {
		t.Errorf("numbers: %v", e)
	}
}

// In a space of one network shared weights are its own: they are trained as ever.
func TestSupernetOfOneNetwork(t *testing.T) {
	losses := func(edit func(*Spec)) (out []float64) {
		spec := oneShot(t, "one", func(s *Spec) {
			s.Architecture = &nas.Spec{Grammar: []any{map[string]any{"op": "dense", "out": 16}, "batchnorm", "relu", map[string]any{"op": "dropout", "p": 0.2}}}
			s.Budget, s.Retrain = Budget{Trials: 1, Epochs: 3}, Retrain{}
			edit(s)
		})
		b := newBench(t, nil)
		if _, err := Local(t.Context(), spec, b.store.Recorder, b.train.Runner, nil); err != nil {
			t.Fatal(err)
		}
		curve, err := b.store.Store.Curve(t.Context(), spec.Name, trials.SupernetTrial)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range curve {
			out = append(out, m.Metrics["train_loss"])
		}
		return out
	}
	shared := losses(func(*Spec) {})
	alone := losses(func(s *Spec) { s.Search.Supernet, s.Search.Scheduler = "", "none" })
	if len(alone) != 3 || !slices.Equal(shared, alone) {
		t.Errorf("training losses %v, alone %v", shared, alone)
	}
}
