package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"budwood/search"
	"budwood/trials/segment"
)

// contents is everything a reader can see, without the counters of changes.
func contents(t rapid.TB, s *Store, study string) any {
	ctx := context.Background()
	records, err := s.Records(ctx, study)
	if err != nil {
		t.Fatal(err)
	}
	studies, err := s.Studies(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var curves [][]search.Measurement
	for _, r := range records {
		c, err := s.Curve(ctx, study, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		curves = append(curves, c)
	}
	top, err := s.Top(ctx, study, 3)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(studies, func(x Summary) bool { return x.Name == study })
	sum := studies[i]
	sum.Name, sum.Created = "", sum.Ended
	return []any{records, curves, top, sum}
}

// However often and in whatever order reports come, the store ends up the same.
func TestReportsInAnyOrder(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, filepath.Join(dir, "store.db"))
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		clean, mixed := fmt.Sprintf("clean%d", n), fmt.Sprintf("mixed%d", n)
		const trials = 2
		for _, name := range []string{clean, mixed} {
			if _, _, err := s.Begin(t.Context(), testStudy(name)); err != nil {
				t.Fatal(err)
			}
			var batch []search.Trial
			for i := range trials {
				batch = append(batch, search.Trial{ID: i, Params: search.Params{"lr": 0.1, "layers": 1, "act": "relu"}})
			}
			if _, err := s.Add(t.Context(), name, batch); err != nil {
				t.Fatal(err)
			}
		}
		rungs := []int{0, 1, 3, 9}
		var reports, last []segment.Report
		for trial := range trials {
			for k := range rapid.IntRange(1, 3).Draw(t, "segments") {
				attempts := rapid.IntRange(1, 3).Draw(t, "attempts")
				for a := 1; a <= attempts; a++ {
					r := report(clean, trial, rungs[k], rungs[k+1], rapid.Float64Range(0, 1).Draw(t, "accuracy"))
					r.Attempt = a
					r.Energy.Joules = rapid.Float64Range(0, 100).Draw(t, "joules")
					r.Seconds = rapid.Float64Range(0, 100).Draw(t, "seconds")
					r.Curve = r.Curve[:rapid.IntRange(0, len(r.Curve)).Draw(t, "epochs")]
					reports = append(reports, r)
					if a == attempts {
						last = append(last, r)
					}
				}
			}
		}
		for _, r := range last {
			if _, err := s.Record(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		twice := append(slices.Clone(reports), rapid.SliceOf(rapid.SampledFrom(reports)).Draw(t, "again")...)
		newest := map[string]int{}
		for _, r := range rapid.Permutation(twice).Draw(t, "order") {
			r.Study = mixed
			accepted, err := s.Record(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint(r.Trial, r.To)
			if want := r.Attempt >= newest[key]; accepted != want {
				t.Fatalf("attempt %d after %d: accepted %v", r.Attempt, newest[key], accepted)
			}
			newest[key] = max(newest[key], r.Attempt)
		}
		if d := cmp.Diff(contents(t, s, clean), contents(t, s, mixed)); d != "" {
			t.Fatal(d)
		}
		// What the cache has followed is what the file says.
		fresh, err := OpenReadOnly(s.Path())
		if err != nil {
			t.Fatal(err)
		}
		defer fresh.Close()
		if d := cmp.Diff(contents(t, s, mixed), contents(t, fresh, mixed)); d != "" {
			t.Fatal(d)
		}
	})
	if info, err := os.Stat(s.Path()); err != nil || info.Size() == 0 {
		t.Error("nothing was written", err)
	}
}
