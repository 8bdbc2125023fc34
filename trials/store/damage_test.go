package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"budwood/search"
	"budwood/trials/segment"
)

// damages are renamed parts of the file, and how to undo it: whatever reads or writes
// them fails.
func damages() map[string][2]string {
	out := map[string][2]string{}
	for _, table := range []string{"studies", "trials", "segments", "curve", "versions"} {
		out[table] = [2]string{"ALTER TABLE " + table + " RENAME TO gone", "ALTER TABLE gone RENAME TO " + table}
	}
	for _, c := range [][2]string{
		{"studies", "seq"}, {"studies", "best"}, {"studies", "carry"}, {"studies", "space"}, {"studies", "objectives"}, {"studies", "state"},
		{"trials", "aside"}, {"trials", "target"}, {"trials", "end_state"}, {"trials", "params"}, {"trials", "loss"}, {"trials", "source"},
		{"segments", "attempt"}, {"segments", "upto"}, {"segments", "metrics"}, {"segments", "worker"}, {"curve", "value"}, {"versions", "parts"},
	} {
		out[c[0]+"."+c[1]] = [2]string{
			fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO gone", c[0], c[1]), fmt.Sprintf("ALTER TABLE %s RENAME COLUMN gone TO %s", c[0], c[1]),
		}
	}
	return out
}

// reads are all that may be asked of a store.
func reads() map[string]func(context.Context, *Store) (any, error) {
	return map[string]func(context.Context, *Store) (any, error){
		"Records":      func(ctx context.Context, s *Store) (any, error) { return s.Records(ctx, "digits") },
		"Studies":      func(ctx context.Context, s *Store) (any, error) { return s.Studies(ctx) },
		"Study":        func(ctx context.Context, s *Store) (any, error) { return s.Study(ctx, "digits") },
		"Top":          func(ctx context.Context, s *Store) (any, error) { return s.Top(ctx, "digits", 2) },
		"Latest":       func(ctx context.Context, s *Store) (any, error) { return s.Latest(ctx, "digits", 2) },
		"Sample":       func(ctx context.Context, s *Store) (any, error) { return s.Sample(ctx, "digits", 2) },
		"At":           func(ctx context.Context, s *Store) (any, error) { return s.At(ctx, "digits", 1) },
		"Workers":      func(ctx context.Context, s *Store) (any, error) { return s.Workers(ctx, "digits", 0) },
		"Curve":        func(ctx context.Context, s *Store) (any, error) { return s.Curve(ctx, "digits", 0) },
		"Attempt":      func(ctx context.Context, s *Store) (any, error) { return s.Attempt(ctx, "digits", 0, 3) },
		"Aside":        func(ctx context.Context, s *Store) (any, error) { return s.Aside(ctx, "digits") },
		"LastSegments": func(ctx context.Context, s *Store) (any, error) { return s.LastSegments(ctx, "digits", []int{0, 1, 3}) },
		"SavedState":   func(ctx context.Context, s *Store) (any, error) { return s.SavedState(ctx, "digits") },
		"Versions":     func(ctx context.Context, s *Store) (any, error) { return s.Versions(ctx, "digits") },
		"Version": func(ctx context.Context, s *Store) (any, error) {
			return s.Version(ctx, "digits", segment.Version{"program": "1"}.ID())
		},
		"Specs":    func(ctx context.Context, s *Store) (any, error) { return s.Specs(ctx) },
		"Finished": func(ctx context.Context, s *Store) (any, error) { return s.Finished(ctx) },
		"Running":  func(ctx context.Context, s *Store) (any, error) { return s.Running(ctx) },
	}
}

// writes are all changes.
func writes() map[string]func(context.Context, *Store) error {
	r := report("digits", 1, 3, 9, .8)
	r.Version = segment.Version{"program": "2"}
	return map[string]func(context.Context, *Store) error{
		"Begin": func(ctx context.Context, s *Store) error { _, _, err := s.Begin(ctx, testStudy("wine")); return err },
		"Edit": func(ctx context.Context, s *Store) error {
			return s.Edit(ctx, "digits", json.RawMessage(`{"name":"y"}`), testSpace)
		},
		"Note": func(ctx context.Context, s *Store) error { return s.Note(ctx, "digits", "no worker") },
		"Finish": func(ctx context.Context, s *Store) error {
			return s.Finish(ctx, "digits", StudyStopped, "enough", 0, search.Metrics{"a": 1})
		},
		"Delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "digits") },
		"Add": func(ctx context.Context, s *Store) error {
			_, err := s.Add(ctx, "digits", []search.Trial{{ID: 7, Params: search.Params{"lr": .1, "layers": 1, "act": "relu"}}})
			return err
		},
		"Resume": func(ctx context.Context, s *Store) error { return s.Resume(ctx, "digits", 1, 9, "the best") },
		"End":    func(ctx context.Context, s *Store) error { return s.End(ctx, "digits", 1, search.Stopped, "beaten") },
		"Record": func(ctx context.Context, s *Store) error { _, err := s.Record(ctx, r); return err },
		"SetAside": func(ctx context.Context, s *Store) error {
			_, err := s.SetAside(ctx, "digits", []int{0, 2}, "wrong")
			return err
		},
		"SaveState": func(ctx context.Context, s *Store) error {
			return s.SaveState(ctx, "digits", json.RawMessage(`{"b":2}`))
		},
		"Reopen": func(ctx context.Context, s *Store) error {
			_, err := s.Reopen(ctx, "digits", json.RawMessage(`{"name":"z"}`))
			return err
		},
		"Revive": func(ctx context.Context, s *Store) error { return s.Revive(ctx, "digits", []int{2}) },
	}
}

// seeded makes a file with a study, and returns what opens a copy of it after some
// statements.
func seeded(t *testing.T) func(statements ...string) *Store {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, "iris", 1)
	if err := s.Finish(t.Context(), "iris", StudyCompleted, "", -1, nil); err != nil {
		t.Fatal(err)
	}
	begin(t, s, "digits", 4)
	for trial, accuracy := range []float64{.7, .8, .6} {
		r := report("digits", trial, 0, 3, accuracy)
		r.Version = segment.Version{"program": "1"}
		record(t, s, r)
	}
	for _, err := range []error{
		s.End(t.Context(), "digits", 2, search.Stopped, "the study ended"), s.SaveState(t.Context(), "digits", json.RawMessage(`{"a":1}`)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.SetAside(t.Context(), "digits", []int{3}, "a wrong label"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	return func(statements ...string) *Store {
		n++
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", n))
		if err := os.WriteFile(path, original, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openStore(t, path)
		change(t, s, statements...)
		return s
	}
}

func change(t *testing.T, s *Store, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if err := s.change(t.Context(), q, func(w *writer) error { return w.exec(q) }); err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot be read is an error, not something else.
func TestReadsOfADamagedFile(t *testing.T) {
	copied := seeded(t)
	want := map[string]any{}
	sound := copied()
	for name, read := range reads() {
		v, err := read(t.Context(), sound)
		if err != nil || v == nil || reflect.ValueOf(v).IsZero() {
			t.Fatalf("%s: %v, %v", name, v, err)
		}
		want[name] = v
	}
	for damage, q := range damages() {
		s := copied(q[0])
		for name, read := range reads() {
			if v, err := read(t.Context(), s); err == nil && !reflect.DeepEqual(v, want[name]) {
				t.Errorf("without %s, %s is %v, want %v or an error", damage, name, v, want[name])
			}
		}
	}
}

// A change happens as a whole, or it says that it failed, and nothing has changed.
func TestWritesToADamagedFile(t *testing.T) {
	copied := seeded(t)
	all := func(s *Store) map[string]any {
		out := map[string]any{}
		for name, read := range reads() {
			v, err := read(t.Context(), s)
			b, failed := json.Marshal(v)
			if failed != nil {
				t.Fatal(failed)
			}
			out[name] = fmt.Sprintf("%s, failed: %v", b, err != nil)
		}
		return out
	}
	before := all(copied())
	for name, write := range writes() {
		s := copied()
		if err := write(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after := all(s)
		if reflect.DeepEqual(after, before) {
			t.Fatalf("%s changes nothing", name)
		}
		for damage, q := range damages() {
			s := copied(q[0])
			err := write(t.Context(), s)
			change(t, s, q[1])
			want := after
			if err != nil {
				want = before
			}
			for read, v := range all(s) {
				if name == "Begin" && err != nil && reflect.DeepEqual(v, after[read]) {
					continue // it is stored, and could not be read back
				}
				if !reflect.DeepEqual(v, want[read]) {
					t.Errorf("without %s, %s (%v) left %s %v, want %v", damage, name, err, read, v, want[read])
				}
			}
		}
	}
}
