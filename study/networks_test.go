package study

import (
	"context"
	"strings"
	"testing"

	"budwood/data"
	"budwood/nas"
	"budwood/search"
)

func TestNetworksAreDescribed(t *testing.T) {
	spec := &Spec{
		Name: "nets", Architecture: &nas.Spec{Family: "mlp"}, Input: data.Shape{6}, Outputs: 3,
		Objective: search.Objective{Metric: "loss"}, Also: []search.Objective{{Metric: "params"}},
	}
	space, err := spec.network()
	if err != nil {
		t.Fatal(err)
	}
	var past []search.Record
	for i := range 30 {
		p, err := nas.NSGA2{Space: space, Population: 5}.Propose(context.Background(), search.Request{Objectives: spec.Objectives(), Past: past, First: i, N: 1})
		if err != nil {
			t.Fatal(err)
		}
		r := search.Record{Trial: search.Trial{ID: i, Params: p[0]}, State: search.Completed}
		_, cost, err := spec.built(&r)
		if err != nil {
			t.Fatal(err)
		}
		r.Measurements = []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": 1 / float64(cost.MACs), "params": float64(cost.Params)}}}
		past = append(past, r)
	}
	text, err := DescribeNetwork(spec, past, &past[29])
	if err != nil || !strings.Contains(text, "parameters") || !strings.Contains(text, "drawn at random") || !strings.Contains(text, "from t00") {
		t.Errorf("%v:\n%s", err, text)
	}
	text, err = DescribeSearch(spec, past)
	for _, want := range []string{"avoided", "synflow", "params      rank correlation"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%v: no %q in\n%s", err, want, text)
		}
	}
	if text := DescribeFront(spec.Objectives(), past); !strings.Contains(text, "hypervolume") || !strings.Contains(text, "  params ") {
		t.Errorf("the front:\n%s", text)
	}
	var svg strings.Builder
	if err := DrawNetwork(&svg, spec, &past[29]); err != nil || !strings.Contains(svg.String(), "Dense(3)") {
		t.Errorf("%v: %s", err, svg.String())
	}
	plain := &Spec{Name: "plain"}
	if text, err := DescribeSearch(plain, nil); text != "" || err != nil || DrawNetwork(&svg, plain, nil) == nil {
		t.Errorf("a study without an architecture: %q, %v", text, err)
	}
}
