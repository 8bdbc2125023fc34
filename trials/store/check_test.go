package store

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/search"
	"budwood/trials/segment"
)

// filled is a closed store with a study of n trials.
func filled(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "budwood.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Begin(t.Context(), Study{Name: "digits", Objectives: []search.Objective{{Metric: "loss"}}}); err != nil {
		t.Fatal(err)
	}
	var list []search.Trial
	for i := range n {
		list = append(list, search.Trial{ID: i, Params: search.Params{"x": float64(i)}, Source: "random"})
	}
	if _, err := s.Add(t.Context(), "digits", list); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := segment.Report{Key: segment.Key{Study: "digits", Trial: i, To: 9}, Attempt: 1, Result: segment.Result{State: search.Completed,
			Final: search.Measurement{Budget: 9, Metrics: search.Metrics{"loss": float64(i)}}}}
		for e := range 9 {
			r.Curve = append(r.Curve, search.Measurement{Budget: e + 1, Metrics: search.Metrics{"loss": 1}})
		}
		if _, err := s.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestBackup(t *testing.T) {
	path := filled(t, 20)
	s, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), copied); err == nil {
		t.Error("a file that was there was overwritten")
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "none", "copy.db")); err == nil || !strings.HasSuffix(err.Error(), "copy.db: no such file or directory") {
		t.Errorf("into a directory that is not there: %v", err)
	}
	c, err := OpenReadOnly(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	list, err := c.Records(t.Context(), "digits")
	if damage, e := c.Check(t.Context()); err != nil || e != nil || len(list) != 20 || len(damage) > 0 {
		t.Errorf("%d trials, %v, %v, %v", len(list), damage, err, e)
	}
}

// Pages of garbage all over the file: they are found, and what is not on them is
// saved.
func TestRepair(t *testing.T) {
	if _, _, err := Repair(t.Context(), filepath.Join(t.TempDir(), "budwood.db")); !errors.Is(err, ErrNoStore) {
		t.Errorf("of no store: %v", err)
	}
	path := filled(t, 500)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	garbage := make([]byte, page)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range garbage {
		garbage[i] = byte(r.UintN(256))
	}
	for k := int64(5); k < 8; k++ {
		if _, err := f.WriteAt(garbage, st.Size()/page*k/8*page); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	s, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	damage, err := s.Check(t.Context())
	s.Close()
	if err == nil && len(damage) == 0 {
		t.Fatal("the damage is not found")
	}
	for _, line := range damage {
		if strings.ContainsAny(line, "\n*") {
			t.Errorf("no line: %q", line)
		}
	}
	saved, old, err := Repair(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err != nil {
		t.Error("the damaged file is gone:", err)
	}
	s, err = Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	damage, err = s.Check(t.Context())
	if err != nil || len(damage) > 0 {
		t.Errorf("after the repair: %v, %v", damage, err)
	}
	if saved["studies"] != 1 || saved["trials"] < 450 || saved["segments"] < 375 || saved["curve"] < 3000 {
		t.Errorf("saved %v of 500 trials and 4,500 epochs", saved)
	}
	best, err := s.Top(t.Context(), "digits", 1000)
	if err != nil || len(best) != saved["segments"] {
		t.Errorf("%d trials have a value, of %d segments: %v", len(best), saved["segments"], err)
	}
	if _, err := s.Records(t.Context(), "digits"); err != nil {
		t.Error(err)
	}
}
