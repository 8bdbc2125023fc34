package meta_test

import (
	"fmt"
	"slices"
	"testing"

	"budwood/hpo"
	"budwood/meta"
	"budwood/search"
	"budwood/search/searchtest"
)

func candidates(rates ...float64) []meta.Candidate {
	var out []meta.Candidate
	for i, x := range rates {
		out = append(out, meta.Candidate{Study: "old", Trial: i, Params: search.Params{"lr": x, "width": 64, "act": "relu"}})
	}
	return out
}

func TestInterleaveIsASampler(t *testing.T) {
	searchtest.Sampler(t, meta.Interleave{Sampler: hpo.Random{}, Candidates: candidates(.1, .01, .001), From: 2}, space)
}

// warmTrials lists the trials that took a candidate.
func warmTrials(s meta.Interleave, records []search.Record) []int {
	var out []int
	for _, r := range records {
		if s.Source(r.Params) != "" {
			out = append(out, r.ID)
		}
	}
	return out
}

func TestEverySecondTrialIsWarm(t *testing.T) {
	good := candidates(.0031, .0032, .0033) // about the best rate for diabetes
	s := meta.Interleave{Sampler: prior{}, Candidates: good}
	if got := warmTrials(s, run(t, s, diabetes, 10, 1)); !slices.Equal(got, []int{0, 2, 4}) {
		t.Errorf("warm trials %v", got)
	}
	s.From = 3 // behind the configurations that the user asked for
	records := run(t, s, diabetes, 12, 1)
	if got := warmTrials(s, records); !slices.Equal(got, []int{3, 5, 7}) {
		t.Errorf("warm trials %v", got)
	}
	if got := s.Source(records[5].Params); got != "warm start: old t0001" {
		t.Errorf("source %q", got)
	}
	// The sampler's own trials are what they would be without.
	own := run(t, prior{}, diabetes, 12, 1)
	for _, i := range []int{0, 1, 2, 4, 6, 8, 9, 10, 11} {
		if records[i].Params.Key() != own[i].Params.Key() {
			t.Errorf("trial %d: %v, alone %v", i, records[i].Params, own[i].Params)
		}
	}
}

// Bad precedents are dropped, and cost at most half of the first trials.
func TestBadPrecedentIsDropped(t *testing.T) {
	bad := candidates(1, .99, .98, .97, .96, .95, .94, .93)
	for seed := range uint64(20) {
		s := meta.Interleave{Sampler: prior{}, Candidates: bad}
		records := run(t, s, diabetes, 16, seed)
		if n := len(warmTrials(s, records)); n > 3 {
			t.Errorf("seed %d: %d of 8 bad candidates were tried", seed, n)
		}
		// Half of the trials are the sampler's own in any case.
		own := 0
		for i := 1; i < 16; i += 2 {
			if s.Source(records[i].Params) == "" {
				own++
			}
		}
		if own != 8 {
			t.Errorf("seed %d: %d of 8 odd trials are the sampler's own", seed, own)
		}
	}
}

func TestWhenCandidatesAreDropped(t *testing.T) {
	warm := candidates(.1, .2, .3, .4)
	rec := func(id int, p search.Params, state search.State, values ...float64) search.Record {
		r := search.Record{Trial: search.Trial{ID: id, Params: p}, State: state}
		for i, v := range values {
			r.Measurements = append(r.Measurements, search.Measurement{Budget: []int{1, 3, 9}[i], Metrics: search.Metrics{"valid_accuracy": v}})
		}
		return r
	}
	own := func(id int) search.Params {
		return search.Params{"lr": .5 + float64(id)/100, "width": 8, "act": "tanh"}
	}
	for _, c := range []struct {
		what string
		past []search.Record
		drop bool
	}{
		{"nothing measured", []search.Record{rec(0, warm[0].Params, search.Running), rec(1, own(1), search.Running)}, false},
		{"one worse is not enough", []search.Record{
			rec(0, warm[0].Params, search.Completed, .5), rec(1, own(1), search.Completed, .9), rec(3, own(3), search.Completed, .8)}, false},
		{"two worse", []search.Record{
			rec(0, warm[0].Params, search.Completed, .5), rec(1, own(1), search.Completed, .9),
			rec(2, warm[1].Params, search.Completed, .6), rec(3, own(3), search.Completed, .8)}, true},
		{"one of them good", []search.Record{
			rec(0, warm[0].Params, search.Completed, .5), rec(1, own(1), search.Completed, .9),
			rec(2, warm[1].Params, search.Completed, .88), rec(3, own(3), search.Completed, .8)}, false},
		{"nothing to compare with", []search.Record{
			rec(0, warm[0].Params, search.Completed, .5), rec(2, warm[1].Params, search.Completed, .6), rec(3, own(3), search.Completed, .8)}, false},
		{"diverged and worse", []search.Record{
			rec(0, warm[0].Params, search.Diverged), rec(1, own(1), search.Completed, .9),
			rec(2, warm[1].Params, search.Completed, .6), rec(3, own(3), search.Completed, .8)}, true},
		{"compared at the same budget only", []search.Record{ // a rung's .6 against others' final .9 means nothing
			rec(0, warm[0].Params, search.Paused, .6), rec(1, own(1), search.Completed, .5, .7, .9),
			rec(2, warm[1].Params, search.Paused, .6), rec(3, own(3), search.Completed, .5, .7, .9)}, false},
	} {
		s := meta.Interleave{Sampler: prior{}, Candidates: warm}
		got, err := s.Propose(t.Context(), search.Request{Space: space, Objectives: accuracy, Past: c.past, First: 4, N: 3, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		sources := fmt.Sprint(s.Source(got[0]), s.Source(got[1]), s.Source(got[2]))
		want := "warm start: old t0002warm start: old t0003"
		if c.drop {
			want = ""
		}
		if sources != want {
			t.Errorf("%s: took %q, want %q", c.what, sources, want)
		}
	}
}

// A candidate that was tried already leaves its trial to the sampler.
func TestTriedCandidateIsPassedOver(t *testing.T) {
	warm := candidates(.1, .2)
	s := meta.Interleave{Sampler: prior{}, Candidates: warm}
	past := []search.Record{{Trial: search.Trial{ID: 0, Params: warm[1].Params}, State: search.Running}}
	got, err := s.Propose(t.Context(), search.Request{Space: space, Objectives: accuracy, Past: past, First: 2, N: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if s.Source(got[0]) != "" {
		t.Errorf("%v is proposed a second time", got[0])
	}
}
