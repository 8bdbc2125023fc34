package workflows

import (
	"strings"
	"testing"

	"budwood/nas"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// Children begin with their parent's weights, in the durable study as in the local
// one, though the parents have ended and many trials are better; those that are
// trained again at the end begin from scratch. One checkpoint is left.
func TestStudyInherits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	inherit := func(s *study.Spec) {
		s.Search.Inherit, s.Search.Batch, s.Search.Scheduler = true, 1, "asha"
		s.Budget = study.Budget{Trials: 40, Epochs: 3}
		s.Retrain = study.Retrain{Best: 1}
	}
	spec := studytest.Digits(t, "heirs", inherit)
	durable, local := newBench(t, nil), newBench(t, nil)
	_, records := durable.twin(t, spec, local)
	if text, err := study.DescribeNetwork(spec, records, &records[len(records)-1]); err != nil || !strings.Contains(text, "trained from scratch") || !strings.Contains(text, "% of the tensors)") {
		t.Errorf("%v: %s", err, text)
	}
	var born, bred []float64 // the first epoch's accuracy of those without and with a parent
	for _, r := range records {
		o, ok := nas.OriginOf(r.Params)
		share, told := r.Measurements[0].Metrics["inherited"]
		switch again := r.ID == len(records)-1; {
		case !ok || again && told:
			t.Errorf("%s, trained again %v: origin %v, inherited %v", r.Name(), again, ok, told)
		case again:
		case o.Inherits != told || o.Inherits != (len(o.Parents) > 0) || told && share == 0:
			t.Errorf("%s: origin %+v, inherited %v, %v", r.Name(), o, share, told)
		case told:
			bred = append(bred, r.Measurements[0].Metrics["valid_accuracy"])
		default:
			born = append(born, r.Measurements[0].Metrics["valid_accuracy"])
		}
	}
	if len(bred) < 20 || mean(bred) < mean(born)+0.1 {
		t.Errorf("after one epoch %d trials with a parent have %.3f, %d without %.3f", len(bred), mean(bred), len(born), mean(born))
	}
	for name, b := range map[string]*bench{"workflow": durable, "local": local} {
		if left, err := b.train.Runner.Blobs.List(t.Context(), trials.StudyKey(spec.Name)); err != nil || len(left) != 1 {
			t.Errorf("%s: checkpoints %v, %v", name, left, err)
		}
	}
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}
