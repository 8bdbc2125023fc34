package tabular

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"budwood/data"
	"budwood/learn/network"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// table is a file with numbers, missing values, categories, a class and a count.
func table(t *testing.T) string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("a,b,town,kind,count\n")
	for range 400 {
		a, town := r.NormFloat64(), r.IntN(4)
		s := 2*math.Sin(2*a) + []float64{0, 2, 1, 3}[town] + .3*r.NormFloat64()
		second := fmt.Sprintf("%.3f", r.NormFloat64())
		if r.IntN(4) == 0 {
			second, s = "", s+1
		}
		kind := []string{"low", "mid", "high"}[min(max(int(s/1.5), 0), 2)]
		fmt.Fprintf(&b, "%.4f,%s,%s,%s,%d\n", a, second, []string{"Ulm", "Bonn", "Kiel", "Jena"}[town], kind, max(int(2*s), 0))
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// objective is the built-in one on the table.
func objective(t *testing.T, path, target string, cv int) network.Supervised {
	t.Helper()
	src := data.Source{CSV: path, Target: target, Ignore: []string{map[string]string{"kind": "count", "count": "kind"}[target]}, Split: data.Split{CV: cv}}
	if target == "count" {
		src.Task = data.Regression
	}
	d, err := data.Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return network.Supervised{Data: d, Other: Of}
}

func newTask(p search.Params, from, to int) trials.Task {
	return trials.Task{Study: "s", Trial: search.Trial{ID: 3, Params: p}, Seed: 7, From: from, To: to, Total: 9, Objectives: []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}}
}

func runner(t *testing.T) *trials.Runner {
	t.Helper()
	return &trials.Runner{Blobs: blob.Dir(t.TempDir()), Meter: energy.NewAttributor(energy.Power{}), Every: time.Nanosecond}
}

func run(t *testing.T, r *trials.Runner, task trials.Task, s network.Supervised) segment.Result {
	t.Helper()
	out, err := r.Run(t.Context(), task, s.Train, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// model are the bytes of the models in a checkpoint.
func model(t *testing.T, r *trials.Runner, key string) []byte {
	t.Helper()
	c, err := trials.OpenCheckpoint(t.Context(), r.Blobs, key)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c.Model())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var cases = []search.Params{
	{"learner": "boosting", "depth": 3}, {"learner": "boosting", "growth": "leaf", "row_share": .7, "column_share": .7, "categories": "ordered"},
	{"learner": "forest"}, {"learner": "forest", "extra": "yes", "min_leaf": 2.}, {"learner": "linear", "penalty": .1},
}

// Every learner learns both tasks, with and without folds; what it says of the test rows is what was tested.
func TestLearners(t *testing.T) {
	path := table(t)
	for _, target := range []string{"kind", "count"} {
		for _, cv := range []int{0, 3} {
			s := objective(t, path, target, cv)
			s.Scores = map[string][]string{"kind": {"f1", "balanced_accuracy"}, "count": {"mae"}}[target]
			for _, p := range append(cases, search.Params{"learner": "boosting", "tree_loss": "poisson"}, search.Params{"learner": "boosting", "loss": "mae"}) {
				if target == "kind" && (p["tree_loss"] != nil || p["loss"] != nil) {
					continue
				}
				name := fmt.Sprintf("%s, %d folds, %v", target, cv, p)
				r := runner(t)
				out := run(t, r, newTask(p, 0, 4), s)
				if out.State != search.Paused {
					t.Fatalf("%s: %s: %s", name, out.State, out.Reason)
				}
				m := out.Final.Metrics
				worst := map[string]float64{"kind": 1, "count": .8}[target]
				if loss := m["valid_loss"]; !(loss < worst) || !(m["train_loss"] < worst) || !(m["params"] > 0) || !(m["macs"] > 0) {
					t.Errorf("%s: %v", name, m)
				}
				if target == "kind" && !(m["valid_accuracy"] > .5 && m["valid_f1"] > .3) || target == "count" && (!(m["valid_r2"] > .3) || !(m["valid_mae"] < m["valid_rmse"])) {
					t.Errorf("%s: %v", name, m)
				}
				tested, err := s.Test(t.Context(), r.Blobs, out.Checkpoint, p, 1)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				said, err := s.PredictTrial(t.Context(), r.Blobs, out.Checkpoint, p, 1, s.Data.Test)
				if err != nil {
					t.Fatal(err)
				}
				right, squares := 0., 0.
				for i, one := range said {
					if target == "kind" {
						if one.Class == s.Data.ClassNames[s.Data.Test.Class[i]] {
							right += 1 / float64(len(said))
						}
						continue
					}
					d := *one.Value - (float64(s.Data.Test.Target[i])*s.Data.TargetScale + s.Data.TargetMean)
					squares += d * d / float64(len(said))
				}
				if target == "kind" && math.Abs(tested["test_accuracy"]-right) > 1e-9 || target == "count" && math.Abs(tested["test_rmse"]-math.Sqrt(squares)) > 1e-4 {
					t.Errorf("%s: tested %v, but %v are right, and the squared error is %v", name, tested, right, squares)
				}
				if _, err := s.Trained(t.Context(), r.Blobs, out.Checkpoint, p, 1); err == nil || !strings.Contains(err.Error(), "has no network") {
					t.Errorf("%s: it has a network: %v", name, err)
				}
			}
		}
	}
}

// A trial that pauses, or whose worker is lost, ends with the same curve and the same bytes.
func TestGoesOn(t *testing.T) {
	s := objective(t, table(t), "kind", 2)
	for _, p := range cases {
		whole := runner(t)
		want := run(t, whole, newTask(p, 0, 5), s)
		paused := runner(t)
		first := run(t, paused, newTask(p, 0, 2), s)
		got := run(t, paused, newTask(p, 2, 5), s)
		if !reflect.DeepEqual(append(first.Curve, got.Curve...), want.Curve) || !bytes.Equal(model(t, paused, got.Checkpoint), model(t, whole, want.Checkpoint)) {
			t.Errorf("%v: with a pause it is another model", p)
		}
		r := runner(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		if _, err := r.Run(ctx, newTask(p, 0, 5), s.Train, func(m search.Measurement) {
			if m.Budget == 3 {
				cancel(trials.ErrInterrupted)
			}
		}); !errors.Is(err, trials.ErrInterrupted) {
			t.Fatal(err)
		}
		if got := run(t, r, newTask(p, 0, 5), s); !reflect.DeepEqual(got.Curve, want.Curve) || !bytes.Equal(model(t, r, got.Checkpoint), model(t, whole, want.Checkpoint)) {
			t.Errorf("%v: lost after epoch 3 it is another model", p)
		}
	}
}

// What cannot be trained is a result with its reason.
func TestInfeasible(t *testing.T) {
	path := table(t)
	s := objective(t, path, "kind", 0)
	small := s
	small.Room = network.Room{Bytes: 1000, Of: "a worker"}
	for _, c := range []struct {
		s    network.Supervised
		p    search.Params
		want string
	}{
		{s, search.Params{"learner": "boosting", "rate": 7.}, "rate: 7 is outside"},
		{s, search.Params{"learner": "trees"}, "learner: trees is none of network"},
		{s, search.Params{"learner": "boosting", "tree_loss": "poisson"}, ""},
		{small, search.Params{"learner": "boosting"}, "model with its rows in bins"},
	} {
		out := run(t, runner(t), newTask(c.p, 0, 1), c.s)
		if c.want == "" {
			if out.State != search.Paused {
				t.Errorf("%v: %s: %s", c.p, out.State, out.Reason)
			}
		} else if out.State != search.Infeasible || !strings.Contains(out.Reason, c.want) {
			t.Errorf("%v: %s: %s", c.p, out.State, out.Reason)
		}
	}
	// A count below 0 has no Poisson loss.
	negative := filepath.Join(t.TempDir(), "n.csv")
	var b strings.Builder
	b.WriteString("a,kind,count\n")
	for i := range 60 {
		fmt.Fprintf(&b, "%d,x,%d\n", i, i-30)
	}
	if err := os.WriteFile(negative, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out := run(t, runner(t), newTask(search.Params{"learner": "boosting", "tree_loss": "poisson"}, 0, 1), objective(t, negative, "count", 0))
	if out.State != search.Infeasible || !strings.Contains(out.Reason, "poisson is for targets from 0 on") {
		t.Errorf("%s: %s", out.State, out.Reason)
	}
}

// Balanced classes and weights change what is learned.
func TestBalanced(t *testing.T) {
	s := objective(t, table(t), "kind", 0)
	plain := run(t, runner(t), newTask(search.Params{"learner": "linear"}, 0, 1), s)
	balanced := run(t, runner(t), newTask(search.Params{"learner": "linear", "class_weights": "balanced"}, 0, 1), s)
	if plain.Final.Metrics["valid_loss"] == balanced.Final.Metrics["valid_loss"] {
		t.Error("class_weights: balanced changes nothing")
	}
}
