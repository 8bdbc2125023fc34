package workflows

import (
	"strings"
	"testing"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// One trial trains the weights, the others are evaluated with them, and the best are
// trained from scratch; the durable study decides as the local one, and can go on
// after its end.
func TestStudySupernet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := studytest.OneShot(t, "shared", nil)
	durable, local := newBench(t, nil), newBench(t, nil)
	result, records := durable.twin(t, spec, local)
	if len(records) != 27 || result.Test["test_accuracy"] == 0 {
		t.Fatalf("%d trials, %+v", len(records), result)
	}
	trained := 0
	for _, r := range records {
		last := r.Measurements[len(r.Measurements)-1]
		shared, told := last.Metrics[search.SharedEpochs]
		want := 6 // the budget at which it counts
		switch again := strings.HasPrefix(r.Source, "retrain"); {
		case told && (again || r.ID == trials.SupernetTrial) || !told && !again && r.ID != trials.SupernetTrial || told && shared != 6:
			t.Errorf("%s, %s: shared %v", r.Name(), r.Source, last.Metrics)
		case again:
			want = 3
			fallthrough
		case r.ID == trials.SupernetTrial:
			trained += r.Epochs()
		}
		if last.Budget != want || r.State != search.Completed {
			t.Errorf("%s is %s at %d", r.Name(), r.State, last.Budget)
		}
	}
	if trained != 6+2*3 {
		t.Errorf("%d epochs of training", trained)
	}
	if text, err := study.DescribeSearch(spec, records); err != nil || strings.Count(text, "trained from scratch as t002") != 2 || strings.Contains(text, "rank correlation") {
		t.Errorf("%v: %s", err, text)
	}
	for name, b := range map[string]*bench{"workflow": durable, "local": local} {
		left, err := b.train.Runner.Blobs.List(t.Context(), trials.StudyKey(spec.Name))
		if err != nil || len(left) != 2 || left[0].Key != trials.EndKey(spec.Name, trials.SupernetTrial, 6) {
			t.Errorf("%s: checkpoints %v, %v", name, left, err)
		}
	}
	more := *spec
	more.Budget.Trials = 30
	if _, err := study.Local(t.Context(), &more, local.store.Recorder, local.train.Runner, nil); err != nil {
		t.Fatal(err)
	}
	if records = local.Records(t, spec.Name); len(records) < 32 || records[27].Measurements[0].Metrics["shared"] != 6 {
		t.Errorf("%d trials after it went on", len(records))
	}
}
