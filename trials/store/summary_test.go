package store

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"budwood/search"
	"budwood/trials/energy"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func TestStudiesGolden(t *testing.T) {
	s := tempStore(t)
	ctx := t.Context()
	begin(t, s, "digits", 5)
	for i := range 4 {
		record(t, s, report("digits", i, 0, 1, 0.5+float64(i)/10))
	}
	measured := report("digits", 3, 1, 3, 0.85)
	measured.Energy = energy.Energy{Joules: 10, Low: 8, High: 10, Idle: 2, Method: energy.RAPL}
	record(t, s, measured)
	failed := report("digits", 4, 0, 1, 1) // its perfect score does not count
	failed.State, failed.Reason = search.Failed, "out of memory"
	record(t, s, failed)
	if err := s.End(ctx, "digits", 0, search.Stopped, "rung 1: 0.5 < cut 0.7 of 4 peers"); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(ctx, "digits", StudyCompleted, "5 trials", 2, search.Metrics{"test_accuracy": 0.69}); err != nil {
		t.Fatal(err)
	}
	loss := testStudy("wine")
	loss.Objectives = []search.Objective{{Metric: "train_loss", Goal: search.Minimize}, {Metric: "energy_wh"}}
	if _, _, err := s.Begin(ctx, loss); err != nil {
		t.Fatal(err)
	}
	add(t, s, "wine", 0, 2)
	record(t, s, report("wine", 1, 0, 4, 0.5))
	begin(t, s, "empty", 0)

	studies, err := s.Studies(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(studies, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "studies.json")
	if *rewrite {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := studies[2].Count(); n != 5 {
		t.Errorf("%d trials, want 5", n)
	}
}

// A sum with an estimate in it is an estimate, also among trials of one state.
func TestSumOfEnergies(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 2)
	for i, method := range []string{energy.RAPL, energy.Estimated} {
		r := report("digits", i, 0, 1, 0.5)
		r.Energy.Method = method
		record(t, s, r)
	}
	studies, err := s.Studies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e, want := studies[0].Energy, (energy.Energy{Joules: 12, Low: 6, High: 18, Method: energy.Estimated}); e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}
