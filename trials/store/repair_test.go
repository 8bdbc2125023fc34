package store

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
)

// edited is a closed store of five trials in which statements were carried out that
// care for no other table.
func edited(t *testing.T, statements ...string) string {
	t.Helper()
	path := filled(t, 5)
	db := connect(path, "mode=rw")
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{"PRAGMA foreign_keys = off"}, statements...) {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// inspected is what a store has of its trials, and the damage that it finds.
func inspected(t *testing.T, path string) (list []search.Record, top int, damage []string) {
	t.Helper()
	s, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err = s.Records(t.Context(), "digits")
	best, e := s.Top(t.Context(), "digits", 10)
	damage, e2 := s.Check(t.Context())
	if err := errors.Join(err, e, e2); err != nil {
		t.Fatal(err)
	}
	return list, len(best), damage
}

// All of a whole store is saved, whatever an earlier repair left, and the file that was
// there stays under a name of its own each time.
func TestRepairOfAWholeFile(t *testing.T) {
	path := filled(t, 5)
	want, _, _ := inspected(t, path)
	for _, name := range []string{"1", "2", "3"} {
		if err := os.WriteFile(path+".repaired", []byte("left by a repair that did not end"), 0o600); err != nil {
			t.Fatal(err)
		}
		saved, old, err := Repair(t.Context(), path)
		rows := map[string]int{"studies": 1, "trials": 5, "segments": 5, "curve": 45, "versions": 0}
		if err != nil || !maps.Equal(saved, rows) || old != path+".damaged-"+name {
			t.Errorf("saved %v in place of %s, %v", saved, old, err)
		}
		if got, _, damage := inspected(t, path); !reflect.DeepEqual(got, want) || len(damage) > 0 {
			t.Errorf("after repair %s: %+v, %v", name, got, damage)
		}
		if got, _, _ := inspected(t, old); !reflect.DeepEqual(got, want) {
			t.Errorf("the old file %s: %+v", old, got)
		}
		if _, err := os.Stat(path + ".repaired"); err == nil {
			t.Error("the new file is still there under its first name")
		}
	}
}

// crashed puts the files of a store to another place as they are while it is written.
func crashed(t *testing.T, s *Store, path string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(s.Path() + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What stands in the log of a store is saved, and moved with it; what is left of a
// repair that was cut short is not taken for it.
func TestRepairAfterACrash(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 2)
	record(t, s, report("digits", 0, 0, 3, .5))
	want := dump(t, s.Path())
	path := filepath.Join(t.TempDir(), "store.db")
	crashed(t, s, path)
	begin(t, s, "x", 1)
	crashed(t, s, path+".repaired")
	_, old, err := Repair(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, old} {
		if d := cmp.Diff(want, dump(t, p)); d != "" {
			t.Errorf("%s: %s", p, d)
		}
	}
}

// Rows of a trial that was lost are found one by one, and lost with it.
func TestRepairWithoutATrial(t *testing.T) {
	path := edited(t, "DELETE FROM trials WHERE trial = 1")
	_, _, damage := inspected(t, path)
	found := 0
	for _, line := range damage {
		if strings.HasPrefix(line, "row ") && strings.Contains(line, " belongs to no row of trials") {
			found++
		}
	}
	if found == 0 || found != len(damage) {
		t.Errorf("%q", damage)
	}
	saved, _, err := Repair(t.Context(), path)
	if err != nil || saved["trials"] != 4 || saved["segments"] != 4 || saved["curve"] != 36 {
		t.Errorf("saved %v, %v", saved, err)
	}
	if list, top, damage := inspected(t, path); len(list) != 4 || top != 4 || len(damage) > 0 {
		t.Errorf("%d trials, %d with a value, %q", len(list), top, damage)
	}
}

// A trial whose segments were lost has no value any more.
func TestRepairWithoutSegments(t *testing.T) {
	path := edited(t, "DELETE FROM curve WHERE trial = 2", "DELETE FROM segments WHERE trial = 2")
	if _, _, err := Repair(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if list, top, _ := inspected(t, path); len(list) != 5 || top != 4 {
		t.Errorf("%d trials, %d with a value, want 5 and 4", len(list), top)
	}
}

// A table whose definition cannot be read is empty in the new store.
func TestRepairWithoutATable(t *testing.T) {
	path := edited(t, "DROP TABLE curve")
	saved, _, err := Repair(t.Context(), path)
	if err != nil || saved["trials"] != 5 || saved["curve"] != 0 {
		t.Errorf("saved %v, %v", saved, err)
	}
}

// Whoever gives up a repair has the store as it was.
func TestRepairGivenUp(t *testing.T) {
	path := filled(t, 5)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Repair(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if list, _, damage := inspected(t, path); len(list) != 5 || len(damage) > 0 {
		t.Errorf("%d trials, %q", len(list), damage)
	}
}

// A file of an older schema lacks columns.
func TestRepairOfOlderRows(t *testing.T) {
	path := edited(t, "ALTER TABLE studies DROP COLUMN carry")
	saved, _, err := Repair(t.Context(), path)
	if err != nil || saved["studies"] != 1 || saved["trials"] != 5 {
		t.Errorf("saved %v, %v", saved, err)
	}
}
