package store

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"budwood/search"
)

// What makes no sense is refused with its reason, and nothing is stored of it.
func TestRefused(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 2)
	ctx := t.Context()
	good := report("digits", 0, 0, 3, .5)
	for want, change := range map[string]func() (bool, error){
		"a segment goes from a budget of at least 0 to a larger one": func() (bool, error) {
			r := good
			r.From, r.To = 3, 3
			return s.Record(ctx, r)
		},
		"of at least 0 to a larger": func() (bool, error) {
			r := good
			r.From = -1
			return s.Record(ctx, r)
		},
		`a segment does not end as "running"`: func() (bool, error) {
			r := good
			r.State = search.Running
			return s.Record(ctx, r)
		},
		`study "other"`: func() (bool, error) {
			r := good
			r.Study = "other"
			return s.Record(ctx, r)
		},
		"no such trial": func() (bool, error) {
			r := good
			r.Trial = 7
			ok, err := s.Record(ctx, r)
			if errors.Is(err, ErrNoTrial) {
				err = errors.New("no such trial")
			}
			return ok, err
		},
		`"running" is not a final state`: func() (bool, error) { return false, s.Finish(ctx, "digits", StudyRunning, "", -1, nil) },
		`"paused" is not a final state`:  func() (bool, error) { return false, s.End(ctx, "digits", 0, search.Paused, "") },
		"-1 is not the number of a trial": func() (bool, error) {
			_, err := s.Add(ctx, "digits", []search.Trial{{ID: -1}})
			return false, err
		},
		"t0002: json": func() (bool, error) {
			_, err := s.Add(ctx, "digits", []search.Trial{{ID: 2, Params: search.Params{"lr": math.NaN()}}})
			return false, err
		},
		"it needs a name and an objective": func() (bool, error) {
			x := testStudy("")
			_, created, err := s.Begin(ctx, x)
			return created, err
		},
		`begin study "x": it needs a name and an objective`: func() (bool, error) {
			x := testStudy("x")
			x.Objectives = nil
			_, created, err := s.Begin(ctx, x)
			return created, err
		},
		`begin study "x": space: `: func() (bool, error) {
			x := testStudy("x")
			x.Space = search.Space{search.Float("lr", 0, math.NaN())}
			_, created, err := s.Begin(ctx, x)
			return created, err
		},
		`edit study "digits": space: `: func() (bool, error) {
			return false, s.Edit(ctx, "digits", nil, search.Space{search.Float("lr", 0, math.NaN())})
		},
		"its spec is not JSON": func() (bool, error) {
			x := testStudy("x")
			x.Spec = json.RawMessage("{")
			_, created, err := s.Begin(ctx, x)
			return created, err
		},
		"its features is not JSON": func() (bool, error) {
			x := testStudy("x")
			x.Features = json.RawMessage("{")
			_, created, err := s.Begin(ctx, x)
			return created, err
		},
		"its warm start is not JSON": func() (bool, error) {
			x := testStudy("x")
			x.WarmStart = json.RawMessage("{")
			_, created, err := s.Begin(ctx, x)
			return created, err
		},
	} {
		before := contents(t, s, "digits")
		if done, err := change(); done || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want %q", done, err, want)
		}
		if names, err := s.Running(ctx); err != nil || len(names) != 1 {
			t.Errorf("%q, %v", names, err)
		}
		if now := contents(t, s, "digits"); !sameJSON(t, before, now) {
			t.Errorf("%s: and yet something changed", want)
		}
	}
	if n, err := s.Attempt(ctx, "digits", 0, 3); n != 0 || err != nil {
		t.Errorf("attempt %d is on record, %v", n, err)
	}
	for _, of := range []error{
		s.Edit(ctx, "other", nil, testSpace), s.SaveState(ctx, "other", nil), s.Delete(ctx, "other"), s.Finish(ctx, "other", StudyFailed, "", -1, nil),
		s.Resume(ctx, "other", 0, 3, ""), s.End(ctx, "other", 0, search.Stopped, ""), s.Revive(ctx, "other", []int{0}),
	} {
		if !errors.Is(of, ErrNoStudy) {
			t.Errorf("%v, want that there is no such study", of)
		}
	}
	if err := s.Revive(ctx, "other", nil); err != nil {
		t.Errorf("%v: nobody is to be revived", err)
	}
	if _, err := s.SavedState(ctx, "other"); !errors.Is(err, ErrNoStudy) {
		t.Error(err)
	}
	if _, err := s.Reopen(ctx, "other", nil); !errors.Is(err, ErrNoStudy) {
		t.Error(err)
	}
	if _, err := s.At(ctx, "digits", 7); !errors.Is(err, ErrNoTrial) {
		t.Error(err)
	}
	if _, err := s.SetAside(ctx, "digits", []int{7}, "wrong"); !errors.Is(err, ErrNoTrial) || !strings.Contains(err.Error(), "t0007") {
		t.Error(err)
	}
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

// A note is of a study that runs, and goes with its end.
func TestNotes(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 1)
	reason := func() string {
		x, err := s.Study(t.Context(), "digits")
		if err != nil {
			t.Fatal(err)
		}
		return x.Reason
	}
	for _, note := range []string{"no worker", "", "no disk"} {
		if err := s.Note(t.Context(), "digits", note); err != nil || reason() != note {
			t.Errorf("%q, %v; want %q", reason(), err, note)
		}
	}
	if err := s.Finish(t.Context(), "digits", StudyStopped, "enough", -1, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Note(t.Context(), "digits", "late"); err != nil || reason() != "enough" {
		t.Errorf("%q, %v", reason(), err)
	}
}

// The specifications of all studies, as they were given.
func TestSpecs(t *testing.T) {
	s := tempStore(t)
	for i, spec := range []string{`{"a":1}`, "", `{"b":2}`} {
		x := testStudy(string(rune('a' + i)))
		x.Spec = json.RawMessage(spec)
		if _, _, err := s.Begin(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	specs, err := s.Specs(t.Context())
	if err != nil || len(specs) != 2 || string(specs[0]) != `{"a":1}` || string(specs[1]) != `{"b":2}` {
		t.Errorf("%s, %v", specs, err)
	}
}
