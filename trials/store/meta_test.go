package store_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"budwood/meta"
	"budwood/search"
	"budwood/trials/segment"
	"budwood/trials/store"
)

var _ meta.Reader = (*store.Store)(nil)

// A study that finished helps the next one on similar data, by way of the file.
func TestStoreIsAMetaReader(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	space := search.Space{search.LogFloat("lr", 1e-4, 1), search.Int("layers", 1, 4), search.Choice("act", "relu", "tanh")}
	objectives := []search.Objective{{Metric: "valid_accuracy", Goal: search.Maximize}}
	features := meta.Features{Task: "classification", Rows: 5620, Inputs: 64, Classes: 10, Entropy: 1, Majority: 0.1}
	raw, err := json.Marshal(features)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Begin(ctx, store.Study{Name: "digits", Space: space, Objectives: objectives, Features: raw}); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		p := search.Params{"lr": 0.01 * float64(i+1), "layers": i + 1, "act": "relu"}
		if _, err := s.Add(ctx, "digits", []search.Trial{{ID: i, Params: p}}); err != nil {
			t.Fatal(err)
		}
		r := segment.Report{Key: segment.Key{Study: "digits", Trial: i, To: 3}, Result: segment.Result{State: search.Completed,
			Final: search.Measurement{Budget: 3, Metrics: search.Metrics{"valid_accuracy": 0.9 + float64(i)/100}}}}
		if i == 3 {
			r.State = search.Failed
		}
		if _, err := s.Record(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	q := meta.Query{Study: "again", Space: space, Objectives: objectives, Features: features, N: 2}
	plan, err := meta.WarmStart(ctx, s, q)
	if err != nil || len(plan.Candidates) != 0 {
		t.Fatalf("from a study that runs: %+v, %v", plan, err)
	}
	if err := s.Finish(ctx, "digits", store.StudyCompleted, "", 2, nil); err != nil {
		t.Fatal(err)
	}
	plan, err = meta.WarmStart(ctx, s, q)
	if err != nil {
		t.Fatal(err)
	}
	want := "warm start: 2 configurations from study digits (similarity 1.00, best 0.92)"
	if lines := plan.Lines(); len(lines) != 1 || lines[0] != want {
		t.Errorf("%q, want %q", lines, want)
	}
	for i, c := range plan.Candidates {
		if c.Trial != 2-i || c.Params["layers"] != 3-i {
			t.Errorf("candidate %d: %+v", i, c)
		}
	}
}
