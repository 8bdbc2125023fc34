package store

import (
	"errors"
	"slices"
	"testing"

	"budwood/search"
)

func TestSomeTrials(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 100)
	begin(t, s, "other", 100)
	for i := range 100 {
		record(t, s, report("digits", i, 0, 1, float64(i)/100))
	}
	ids := func(list []search.Record, err error) (out []int) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if len(r.Measurements) != 1 {
				t.Errorf("%s has %d measurements", r.Name(), len(r.Measurements))
			}
			out = append(out, r.ID)
		}
		return out
	}
	if got := ids(s.Latest(t.Context(), "digits", 3)); len(got) != 3 || got[0] != 97 || got[2] != 99 {
		t.Errorf("the latest 3 are %v", got)
	}
	if got := ids(s.Latest(t.Context(), "digits", 1000)); len(got) != 100 {
		t.Errorf("%d trials, want all", len(got))
	}
	if got := ids(s.Sample(t.Context(), "digits", 10)); len(got) != 10 || got[0] != 0 || got[9] != 90 {
		t.Errorf("a sample of 10: %v", got)
	}
	if got := ids(s.Sample(t.Context(), "digits", 1000)); len(got) != 100 {
		t.Errorf("a sample of 1000 of 100 has %d trials", len(got))
	}
	if r, err := s.At(t.Context(), "digits", 42); err != nil || r.ID != 42 {
		t.Errorf("%s, %v", r.Name(), err)
	}
	if _, err := s.At(t.Context(), "digits", 100); !errors.Is(err, ErrNoTrial) {
		t.Errorf("a trial that is not there: %v", err)
	}
	if _, err := s.Latest(t.Context(), "none", 3); !errors.Is(err, ErrNoStudy) {
		t.Errorf("a study that is not there: %v", err)
	}
}

func TestWorkersOfATrial(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 2)
	for i, worker := range []string{"w2", "w1", "w2"} {
		r := report("digits", 0, i, i+1, .5)
		r.Worker = worker
		record(t, s, r)
	}
	if got, err := s.Workers(t.Context(), "digits", 0); err != nil || !slices.Equal(got, []string{"w2", "w1"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.Workers(t.Context(), "digits", 1); err != nil || len(got) > 0 {
		t.Errorf("of a trial that has not been trained: %v, %v", got, err)
	}
}
