//go:build cgo

package store

import (
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"budwood/trials/segment"
)

// Of rows that cannot be read those alone are lost that belong to them.
func TestRepairOfTornRows(t *testing.T) {
	seed := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, study := range []string{"a", "b", "c", "d"} {
		begin(t, s, study, 4)
		for trial := range 4 {
			r := report(study, trial, 0, 2, .5)
			r.Version = segment.Version{"program": study}
			record(t, s, r)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole := keysOf(dump(t, seed))
	if len(whole) != 4+16+16+64+4 {
		t.Fatalf("%q", whole)
	}
	some := slices.Clone(whole) // more often trials and versions, which are few
	for _, key := range whole {
		switch table, _, _ := strings.Cut(key, " "); table {
		case "versions":
			some = append(some, slices.Repeat([]string{key}, 10)...)
		case "trials":
			some = append(some, key, key)
		}
	}
	f := withFaults(t)
	rapid.Check(t, func(rt *rapid.T) {
		// Rows of one trial are found from both ends: at most one of them is torn.
		torn := rapid.SliceOfNDistinct(rapid.SampledFrom(some), 0, 12, func(key string) string {
			return strings.Join(strings.Split(key, " | ")[:min(2, strings.Count(key, "|")+1)], "|")
		}).Draw(rt, "torn")
		path := copied(t, seed)
		f.torn = func(query string, row []driver.Value) bool {
			_, table, copies := strings.Cut(query, " FROM ")
			table, _, ordered := strings.Cut(table, " ")
			return copies && ordered && len(row) > 1 && strings.Contains(query, " ORDER BY ") && slices.Contains(torn, keyOf(table, row))
		}
		saved, old, err := Repair(t.Context(), path)
		f.torn = nil
		if err != nil {
			rt.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(whole), func(key string) bool {
			return slices.ContainsFunc(torn, func(lost string) bool { return belongs(key, lost) })
		})
		if d := cmp.Diff(want, keysOf(dump(t, path))); d != "" {
			rt.Errorf("without %q: %s", torn, d)
		}
		sum := 0
		for _, n := range saved {
			sum += n
		}
		if sum != len(want) || old != path+".damaged-1" {
			rt.Errorf("%v were saved, %d rows are there; the old file is %s", saved, len(want), old)
		}
		if d := cmp.Diff(whole, keysOf(dump(t, old))); d != "" {
			rt.Errorf("the old file lost %s", d)
		}
	})
}

// keyColumns is how many columns at the front of a table's rows are its key.
func keyColumns(table string) int { return strings.Count(keys[table], ",") + 1 }

// keyOf names a row: "trials 1 | 0".
func keyOf(table string, row []driver.Value) string {
	var parts []string
	for _, v := range row[:min(keyColumns(table), len(row))] {
		parts = append(parts, fmt.Sprint(v))
	}
	return table + " " + strings.Join(parts, " | ")
}

// keysOf are the names of all rows, in order.
func keysOf(file map[string][]string) (out []string) {
	for table, rows := range file {
		for _, row := range rows {
			parts := strings.Split(row, " | ")
			out = append(out, table+" "+strings.Join(parts[:keyColumns(table)], " | "))
		}
	}
	slices.Sort(out)
	return out
}

// belongs reports whether a row is lost with another one: it is the same or below it.
func belongs(key, lost string) bool {
	if key == lost {
		return true
	}
	table, id, _ := strings.Cut(lost, " ")
	of, own, _ := strings.Cut(key, " ")
	below := map[string][]string{"studies": {"trials", "segments", "curve", "versions"}, "trials": {"segments", "curve"}, "segments": {"curve"}}
	return slices.Contains(below[table], of) && strings.HasPrefix(own+" | ", id+" | ")
}
