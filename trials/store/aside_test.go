package store

import (
	"errors"
	"slices"
	"testing"

	"budwood/search"
	"budwood/trials/segment"
)

func asideStudy(t *testing.T) *Store {
	t.Helper()
	s := tempStore(t)
	st := testStudy("s")
	st.Objectives = []search.Objective{{Metric: "loss"}}
	if _, _, err := s.Begin(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	add(t, s, "s", 0, 4)
	for i, loss := range []float64{.1, .2, .5, .4} {
		version := segment.Version{"train.py": "old"}
		if i >= 2 {
			version = segment.Version{"train.py": "new"}
		}
		r := segment.Report{Key: segment.Key{Study: "s", Trial: i, To: 3}, Result: segment.Result{State: search.Paused, Version: version, Kernels: "avx2",
			Final: search.Measurement{Budget: 3, Metrics: search.Metrics{"loss": loss}}}}
		if i == 3 {
			r.Notes = []string{"from epoch 2 on another version"}
		}
		if _, err := s.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Trials that are set aside are on record, with their values, and nobody's best.
func TestSetAside(t *testing.T) {
	s, ctx := asideStudy(t), t.Context()
	if err := s.Finish(ctx, "s", StudyCompleted, "", 0, search.Metrics{"test_loss": .11}); err != nil {
		t.Fatal(err)
	}
	changed, err := s.SetAside(ctx, "s", []int{0, 1}, "a mistake in train.py")
	if err != nil || !slices.Equal(changed, []int{0, 1}) {
		t.Fatalf("%v, %v", changed, err)
	}
	if changed, err = s.SetAside(ctx, "s", []int{1}, "a mistake in train.py"); err != nil || changed != nil {
		t.Errorf("again: %v, %v", changed, err)
	}
	list, err := s.Records(ctx, "s")
	if err != nil || len(list) != 4 || list[0].Aside != "a mistake in train.py" || list[2].Aside != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	if m, ok := list[0].Last(); !ok || m.Metrics["loss"] != .1 {
		t.Errorf("its value is lost: %v", m)
	}
	if _, ok := list[0].Loss(search.Objective{Metric: "loss"}); ok {
		t.Error("it has a loss")
	}
	if left := search.Counted(list); len(left) != 2 || left[0].ID != 2 {
		t.Errorf("counted: %v", left)
	}
	top, err := s.Top(ctx, "s", 9)
	if err != nil || len(top) != 2 || top[0].ID != 3 {
		t.Errorf("top %v, %v", top, err)
	}
	st, err := s.Study(ctx, "s")
	if err != nil || st.Best != 3 || st.Test != nil {
		t.Errorf("best %d with test %v, %v", st.Best, st.Test, err)
	}
	sums, err := s.Studies(ctx)
	if err != nil || sums[0].Aside != 2 || sums[0].Best != 3 || sums[0].Count() != 4 || sums[0].Test != nil || sums[0].Value != .4 {
		t.Errorf("%+v, %v", sums, err)
	}
	if ids, err := s.Aside(ctx, "s"); err != nil || !slices.Equal(ids, []int{0, 1}) {
		t.Errorf("aside %v, %v", ids, err)
	}
	// A report that comes late changes nothing of it.
	if _, err := s.Record(ctx, segment.Report{Key: segment.Key{Study: "s", Trial: 0, From: 3, To: 9}, Result: segment.Result{State: search.Completed,
		Final: search.Measurement{Budget: 9, Metrics: search.Metrics{"loss": .01}}}}); err != nil {
		t.Fatal(err)
	}
	if top, err := s.Top(ctx, "s", 1); err != nil || top[0].ID != 3 {
		t.Errorf("top %v, %v", top, err)
	}
	if changed, err = s.SetAside(ctx, "s", []int{0, 1, 2}, ""); err != nil || !slices.Equal(changed, []int{0, 1}) {
		t.Errorf("back: %v, %v", changed, err)
	}
	if st, err := s.Study(ctx, "s"); err != nil || st.Best != 0 || st.Test["test_loss"] != .11 {
		t.Errorf("best %d with test %v, %v", st.Best, st.Test, err)
	}
	if _, err := s.SetAside(ctx, "s", []int{1, 9}, "x"); !errors.Is(err, ErrNoTrial) {
		t.Errorf("no such trial: %v", err)
	}
	if ids, _ := s.Aside(ctx, "s"); ids != nil {
		t.Errorf("half of it was done: %v", ids)
	}
}

// The store tells which version trained which trials, and what is to know of one.
func TestVersionsOfTrials(t *testing.T) {
	s, ctx := asideStudy(t), t.Context()
	list, err := s.Versions(ctx, "s")
	if err != nil || len(list) != 2 || !slices.Equal(list[0].Trials, []int{0, 1}) || !slices.Equal(list[1].Trials, []int{2, 3}) {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := list[0].Version.Changed(list[1].Version); !slices.Equal(got, []string{"train.py"}) {
		t.Errorf("changed: %v", got)
	}
	r, err := s.At(ctx, "s", 3)
	if err != nil || r.Version != list[1].ID || r.Kernels != "avx2" || !slices.Equal(r.Notes, []string{"from epoch 2 on another version"}) {
		t.Errorf("%+v, %v", r, err)
	}
	for id, parts := range map[string]int{list[0].ID: 1, "none": 0} {
		if v, err := s.Version(ctx, "s", id); err != nil || len(v) != parts {
			t.Errorf("version %s: %v, %v", id, v, err)
		}
	}
	if _, err := s.SetAside(ctx, "s", []int{0, 1}, "old"); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Versions(ctx, "s"); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	// A trial that went on under the new version is with both.
	if _, err := s.Record(ctx, segment.Report{Key: segment.Key{Study: "s", Trial: 3, From: 3, To: 9}, Result: segment.Result{State: search.Completed, Version: segment.Version{"train.py": "newer"},
		Final: search.Measurement{Budget: 9, Metrics: search.Metrics{"loss": .3}}}}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.At(ctx, "s", 3); err != nil || len(r.Notes) != 2 || r.Notes[1] != "from epoch 4 on under version "+r.Version+" instead of "+list[1].ID {
		t.Errorf("%q, %v", r.Notes, err)
	}
	// Who says so himself is not told again.
	if _, err := s.Record(ctx, segment.Report{Key: segment.Key{Study: "s", Trial: 2, From: 3, To: 9}, Result: segment.Result{State: search.Completed, Version: segment.Version{"train.py": "newer"},
		Notes: []string{segment.VersionNote(1, "a", "b")}, Final: search.Measurement{Budget: 9, Metrics: search.Metrics{"loss": .3}}}}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.At(ctx, "s", 2); err != nil || !slices.Equal(r.Notes, []string{segment.VersionNote(1, "a", "b")}) {
		t.Errorf("%q, %v", r.Notes, err)
	}
	list, err = s.Versions(ctx, "s")
	if err != nil || len(list) != 2 || !slices.Equal(list[0].Trials, []int{2, 3}) || !slices.Equal(list[1].Trials, []int{2, 3}) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestVersion(t *testing.T) {
	v := segment.Version{"train.py": "1", "model.py": "2", "log.txt": ""}
	same := segment.Version{"model.py": "2", "train.py": "1"}
	if v.ID() != same.ID() || len(v.ID()) != 8 || v.Changed(same) != nil {
		t.Errorf("%s and %s: %v", v.ID(), same.ID(), v.Changed(same))
	}
	if got := v.Changed(segment.Version{"model.py": "3", "log.txt": "7", "new.py": "1"}); !slices.Equal(got, []string{"model.py", "new.py", "train.py"}) {
		t.Errorf("changed: %v", got)
	}
	if (segment.Version{}).ID() != "" || v.Changed(nil) != nil || segment.VersionNamed("").ID() != "" || segment.VersionNamed("v2").ID() != "v2" {
		t.Error("versions that are not known, or named")
	}
	if got := segment.HasChanged([]string{"a"}); got != "a has changed" {
		t.Error(got)
	}
	if got := segment.HasChanged([]string{"a", "b", "c", "d", "e", "f", "g"}); got != "a, b, c, d, e and 2 more have changed" {
		t.Error(got)
	}
}
