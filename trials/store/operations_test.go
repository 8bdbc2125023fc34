package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"budwood/search"
	"budwood/trials/segment"
)

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
		"Describe": func(ctx context.Context, s *Store) (any, error) {
			_, _, features, err := s.Describe(ctx, "digits")
			return features, err
		},
		"Check": func(ctx context.Context, s *Store) (any, error) { return s.Check(ctx) },
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
		"Record": func(ctx context.Context, s *Store) error {
			accepted, err := s.Record(ctx, r)
			if accepted != (err == nil) {
				return fmt.Errorf("accepted %v, error %w", accepted, err)
			}
			return err
		},
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

// seeded is a closed file with two studies, of which every operation finds something.
func seeded(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
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
	return path
}

// copied is a copy of a closed file.
func copied(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// dump is all that is in a file, by table.
func dump(t rapid.TB, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tables, err := texts(context.Background(), db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, table := range tables {
		columns, err := columnsOf(context.Background(), db, table)
		if err != nil {
			t.Fatal(err)
		}
		rows := "SELECT concat_ws(' | ', coalesce(" + strings.Join(columns, ", 'NULL'), coalesce(") + ", 'NULL')) FROM " + table + " ORDER BY 1"
		if out[table], err = texts(context.Background(), db, rows); err != nil {
			t.Fatalf("%s: %v", rows, err)
		}
	}
	return out
}

// difference is cmp.Diff, at once if there is none.
func difference(want, got map[string][]string) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}
