package segment

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"

	"budwood/search"
	"budwood/trials/energy"
)

// A report travels as one flat object, under the names that it had when it was one
// struct, and comes back whole.
func TestReportIsFlat(t *testing.T) {
	text := `{"study":"digits","trial":31,"from":3,"to":9,"attempt":2,"state":"paused","reason":"rung","final":{"budget":9,"metrics":{"loss":0.5}},` +
		`"curve":[{"budget":9,"metrics":{"loss":0.5}}],"energy":{"joules":6,"method":"rapl"},"seconds":2,"worker":"host/7",` +
		`"version":{"train.py":"0123"},"kernels":"avx2","notes":["from epoch 4 on"]}`
	m := search.Measurement{Budget: 9, Metrics: search.Metrics{"loss": .5}}
	want := Report{Key{"digits", 31, 3, 9}, 2, Result{
		State: search.Paused, Reason: "rung", Final: m, Curve: []search.Measurement{m}, Energy: energy.Energy{Joules: 6, Method: energy.RAPL}, Seconds: 2,
		Worker: "host/7", Version: Version{"train.py": "0123"}, Kernels: "avx2", Notes: []string{"from epoch 4 on"},
	}}
	var got Report
	if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, want %+v (%v)", got, want, err)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var names, before map[string]any
	if err := json.Unmarshal(b, &names); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		t.Fatal(err)
	}
	delete(names, "budget") // of the result, which a report did not repeat
	if !reflect.DeepEqual(names, before) {
		t.Errorf("%s, want %s", b, text)
	}
}

// What the bookkeeping of a study hears lacks no objective and nothing of the end.
func TestOutcome(t *testing.T) {
	r := &Result{State: search.Stopped, Reason: "rung 9", Budget: 9, Final: search.Measurement{Budget: 9, Metrics: search.Metrics{"loss": .5, "macs": 7}}}
	o := r.Outcome(31, []search.Objective{{Metric: "macs"}, {Metric: "loss"}})
	if o.Trial != 31 || o.Budget != 9 || o.State != search.Stopped || o.Reason != "rung 9" || !slices.Equal(o.Values, []float64{7, .5}) {
		t.Errorf("%+v", o)
	}
	if o := r.Outcome(31, []search.Objective{{Metric: "loss"}, {Metric: "auc"}}); o.Values != nil {
		t.Errorf("%v without one of the metrics", o.Values)
	}
}

// A segment that the end of a study had interrupted costs what the whole has taken,
// whichever of its parts tells more.
func TestCostOfAnInterruptedSegment(t *testing.T) {
	r := &Result{Budget: 9, Energy: energy.Energy{Joules: 8}, Seconds: 1}
	c := r.Cost(search.Segment{From: 3, Before: search.Cost{Epochs: 2, Joules: 5, Seconds: math.Pi}})
	if c != (search.Cost{Epochs: 6, Joules: 8, Seconds: math.Pi}) {
		t.Errorf("%+v", c)
	}
}
