// Package studytest has what the tests of studies share: small studies, an objective
// with a known minimum, and a store with a runner for one test.
package studytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"budwood/data"
	"budwood/nas"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Quadratic is an objective whose loss falls with the epochs towards a parabola of
// x. Below x = -4 it diverges, above 4 it fails.
func Quadratic(_ context.Context, t *trials.Trial) error {
	x := t.Params["x"].(float64)
	if x > 4 {
		return fmt.Errorf("x = %v is too much", x)
	}
	m := &Model{}
	if err := t.Keep(m); err != nil {
		return err
	}
	for range t.Epochs() {
		m.Epochs++
		loss := (x-1)*(x-1) + 1/float64(m.Epochs)
		if x < -4 && m.Epochs > 2 {
			loss = math.NaN()
		}
		t.Report(loss)
	}
	return nil
}

// WrongAtFirst is [Quadratic], except for the first two trials, whose losses are far
// too good.
func WrongAtFirst(ctx context.Context, t *trials.Trial) error {
	if t.ID > 1 {
		return Quadratic(ctx, t)
	}
	m := &Model{}
	if err := t.Keep(m); err != nil {
		return err
	}
	for range t.Epochs() {
		m.Epochs++
		t.Report(-100 - float64(t.ID))
	}
	return nil
}

// Model is what [Quadratic] keeps in its checkpoint.
type Model struct{ Epochs int }

// Save writes the model as JSON.
func (m *Model) Save(w io.Writer) error { return json.NewEncoder(w).Encode(m) }

// Load reads what Save wrote.
func (m *Model) Load(r io.Reader) error { return json.NewDecoder(r).Decode(m) }

// Toy is a study of [Quadratic]: 25 trials of up to 9 epochs by TPE and ASHA, one at
// a time.
func Toy(t testing.TB, name string) *study.Spec {
	t.Helper()
	s := &study.Spec{
		Name: name, Space: search.Space{search.Float("x", -5, 5)},
		Search: study.Search{Sampler: "tpe", Scheduler: "asha", Seed: 7, Parallel: 1, WarmStart: "off"},
		Budget: study.Budget{Trials: 25, Epochs: 9},
	}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Digits is a small architecture study of the digits among the examples, after the
// changes of edit, which may be nil.
func Digits(t testing.TB, name string, edit func(*study.Spec)) *study.Spec {
	t.Helper()
	spec, _, err := study.Load(t.Context(), "../examples/digits/nas.yaml", &data.Cache{}, study.FileOptions{Override: func(s *study.Spec) {
		s.Name, s.Data.Rows, s.Data.Image = name, 300, nil
		s.Search = study.Search{Sampler: "evolution", Scheduler: "none", Seed: 7, Parallel: 1}
		s.Budget = study.Budget{Trials: 12, Epochs: 1}
		s.Architecture = &nas.Spec{Family: "mlp", Depth: []int{1, 3}, Width: []int{4, 64}}
		if edit != nil {
			edit(s)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// OneShot is [Digits] with shared weights, the best two of which are trained from
// scratch.
func OneShot(t testing.TB, name string, edit func(*study.Spec)) *study.Spec {
	t.Helper()
	return Digits(t, name, func(s *study.Spec) {
		s.Space, s.StartWith, s.Train = nil, nil, search.Params{"lr": 0.01}
		s.Search = study.Search{Sampler: "evolution", Supernet: "uniform", Seed: 7, Parallel: 1, Batch: 1}
		s.Budget, s.Retrain = study.Budget{Trials: 25, Epochs: 6}, study.Retrain{Best: 2, Epochs: 3}
		if edit != nil {
			edit(s)
		}
	})
}

// Bench is a store, and what trains, of one test.
type Bench struct {
	Recorder  *study.Recorder
	Runner    *trials.Runner
	Objective trials.TrainFunc
}

// New is a bench with an empty store in a directory of the test's own.
func New(t testing.TB, objective trials.TrainFunc) *Bench {
	t.Helper()
	dir := t.TempDir()
	store, err := store.Open(filepath.Join(dir, "budwood.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	files := &blob.DataFiles{Blobs: blob.Dir(dir)}
	return &Bench{
		Recorder: &study.Recorder{Store: store, Data: &data.Cache{Files: files}, Files: files},
		Runner:   &trials.Runner{Blobs: blob.Dir(dir), Meter: energy.NewAttributor(energy.Power{})}, Objective: objective,
	}
}

// Records lists a study's trials without what differs between two runs of the same
// decisions: energy and time.
func (b *Bench) Records(t testing.TB, name string) []search.Record {
	t.Helper()
	list := b.Stored(t, name)
	for i := range list {
		list[i].Joules, list[i].Seconds = 0, 0
		if list[i].Notes = slices.DeleteFunc(list[i].Notes, segment.Measured); len(list[i].Notes) == 0 {
			list[i].Notes = nil
		}
		for _, m := range list[i].Measurements {
			delete(m.Metrics, trials.EnergyWh)
		}
	}
	return list
}

// Stored lists a study's trials as the store has them.
func (b *Bench) Stored(t testing.TB, name string) []search.Record {
	t.Helper()
	list, err := b.Recorder.Store.Records(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// FailingBlobs is a blob store whose writes fail when Fail says so.
type FailingBlobs struct {
	blob.Store
	Fail func() error
}

// Put writes, or fails.
func (f FailingBlobs) Put(ctx context.Context, key string, write func(io.Writer) error) error {
	if err := f.Fail(); err != nil {
		return err
	}
	return f.Store.Put(ctx, key, write)
}
