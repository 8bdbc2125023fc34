package budwood

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"budwood/search"
	"budwood/trials/store"
)

// A study whose objective was wrong at first goes on after it was mended, says
// which trials are of which version, and leaves out those that are set aside: they
// are nobody's best, and the sampler proposes as if they had never been.
func TestStudyOfTwoVersions(t *testing.T) {
	x := search.Float("x", 0, 1)
	objective := func(wrong bool) Objective {
		return func(_ context.Context, t *Trial) error {
			for range t.Epochs() {
				loss := math.Abs(x.In(t) - .25)
				if wrong {
					loss = -1 - x.In(t)
				}
				t.Report(loss)
			}
			return nil
		}
	}
	var log bytes.Buffer
	s := Study{Name: "s", Space: search.Space{x}, Trials: 6, Epochs: 9, Parallel: 1, Sampler: "tpe", Seed: 3, WarmStart: "off", Version: "1", Home: t.TempDir(), Log: zerolog.New(&log)}
	local := func(wrong bool) *Result {
		t.Helper()
		r, err := s.Local(t.Context(), objective(wrong))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := local(true); r.Mixed != "" || log.Len() > 0 || r.Trials[0].Version != "1" || r.Trials[0].Kernels == "" {
		t.Errorf("one version: %q, %s, %+v", r.Mixed, &log, r.Trials[0])
	}
	s.Version, s.Trials = "2", 9
	r := local(false)
	want := "t0008 of version 2 (the objective has changed); to leave those before out: budwood trial drop s t0000-t0005 --why 'the objective has changed'"
	if !strings.HasPrefix(r.Mixed, "t0000-t0005 of version 1, ") || !strings.HasSuffix(r.Mixed, want) || !strings.HasSuffix(r.String(), "; mixed: "+r.Mixed) || r.Best.ID > 5 {
		t.Errorf("two versions: best %s, %q", r.Best.Name(), r.Mixed)
	}
	for _, k := range r.Trials { // some went on from a rung
		mixed := len(k.Notes) == 1 && strings.Contains(k.Notes[0], " on under version 2 instead of 1")
		if k.ID < 6 && mixed != (k.Version == "2") || k.ID >= 6 && (k.Notes != nil || k.Version != "2") {
			t.Errorf("%s of version %s: %q", k.Name(), k.Version, k.Notes)
		}
	}
	if line := "the objective has changed: 6 trials (t0000-t0005) are of the version before (1, now 2); to leave them out: budwood trial drop s t0000-t0005"; !strings.Contains(log.String(), line) {
		t.Errorf("the log does not say %q:\n%s", line, &log)
	}

	store, err := store.Open(StoreFile(s.Home))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.SetAside(t.Context(), "s", []int{0, 1, 2, 3, 4, 5}, "a mistake"); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	r, err = Load(t.Context(), s.Home, "s")
	if err != nil || r.Best.ID < 6 || r.Aside != 6 || r.Mixed != "" || !strings.Contains(r.String(), "9 trials (6 set aside)") {
		t.Errorf("%v, %v", r, err)
	}
	log.Reset()
	s.Trials = 14
	r = local(false)
	if log.Len() > 0 || r.Best.ID < 6 || len(r.Trials) != 14 || r.Trials[0].Aside != "a mistake" || len(r.Trials[0].Measurements) == 0 {
		t.Errorf("%s, log %s", r, &log)
	}
	if front := r.Front(); slices.ContainsFunc(front, func(r search.Record) bool { return r.Aside != "" }) {
		t.Errorf("front: %v", front)
	}
	for _, k := range r.Trials[9:] {
		if strings.Contains(k.Reason, " -1.") {
			t.Errorf("%s was compared with trials set aside: %s", k.Name(), k.Reason)
		}
	}
}
