package study_test

import (
	"context"
	"strings"
	"testing"

	"budwood/data"
	"budwood/nas"
	"budwood/study"
	"budwood/study/studytest"
)

// The studies of a text run without a server: every trial reports a perplexity
// that is better than guessing, and the best one is tested.
func TestTextStudies(t *testing.T) {
	for _, file := range []string{"study", "nas"} {
		spec, d, err := study.Load(context.Background(), "../examples/chars/"+file+".yaml", &data.Cache{}, study.FileOptions{Override: func(s *study.Spec) {
			s.Budget.Trials, s.Budget.Epochs, s.Data.Rows, s.Data.Text.Steps = 4, 2, 120, 32
			if s.Architecture != nil {
				s.Architecture.Width = []int{32}
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		b := studytest.New(t, nil)
		got, err := study.Local(context.Background(), spec, b.Recorder, b.Runner, nil)
		if err != nil {
			t.Fatal(err)
		}
		reported := 0
		for _, r := range b.Records(t, spec.Name) {
			m, ok := r.Last()
			if !ok {
				continue
			}
			reported++
			if p := m.Metrics["valid_perplexity"]; !(p > 1 && p < 0.9*float64(d.Classes)) {
				t.Errorf("%s: %s has perplexity %v of %d characters", file, r.Name(), p, d.Classes)
			}
		}
		if p := got.Test["test_perplexity"]; reported != 4 || !(p > 1 && p < 0.9*float64(d.Classes)) {
			t.Errorf("%s: %d trials reported, %v in the test", file, reported, got.Test)
		}
	}
}

func TestTextMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*study.Spec)
		want   string
	}{
		"metric": {func(s *study.Spec) {
			s.Data = &data.Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit"}
			s.Space = nil
			s.Architecture = &nas.Spec{Family: "mlp"}
		}, "valid_perplexity is a metric of texts"},
		"family": {func(s *study.Spec) { s.Space, s.Architecture = nil, &nas.Spec{Family: "mlp"} }, "mlp does not fit the data"},
		"act":    {func(s *study.Spec) { s.Train["act"] = "relu" }, "act"},
	} {
		_, _, err := study.Load(context.Background(), "../examples/chars/study.yaml", &data.Cache{}, study.FileOptions{Outside: true, Override: c.change})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}
}
