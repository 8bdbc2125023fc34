package engine

import "testing"

// The scale grows after Interval good steps in a row: a step that overflows makes
// it fall, and the count begins anew.
func TestLossScaleCountsGoodStepsInARow(t *testing.T) {
	l := &LossScale{Interval: 3}
	s := scaler{Scale: 1024}
	for i, c := range []struct {
		finite bool
		want   scaler
	}{
		{true, scaler{1024, 1}},
		{true, scaler{1024, 2}},
		{false, scaler{512, 0}},
		{true, scaler{512, 1}},
		{true, scaler{512, 2}},
		{true, scaler{1024, 0}},
		{true, scaler{1024, 1}},
		{false, scaler{512, 0}},
	} {
		if err := l.step(&s, c.finite); err != nil || s != c.want {
			t.Fatalf("step %d: %+v, want %+v; %v", i, s, c.want, err)
		}
	}
}

// Factors are the caller's or as documented, the scale has an upper end, and below
// the lower one the step is an error.
func TestLossScaleFactorsAndEnds(t *testing.T) {
	own := &LossScale{Growth: 1.5, Backoff: .25, Interval: 1}
	s := scaler{Scale: 1024}
	if err := own.step(&s, true); err != nil || s != (scaler{1536, 0}) {
		t.Errorf("%+v, %v", s, err)
	}
	if err := own.step(&s, false); err != nil || s != (scaler{384, 0}) {
		t.Errorf("%+v, %v", s, err)
	}
	s.Scale = 0x1p100
	if err := own.step(&s, true); err != nil || s.Scale != 0x1p100 {
		t.Errorf("%+v, %v: it grows no further", s, err)
	}
	s.Scale = 0x1p-22
	if err := own.step(&s, false); err != nil || s.Scale != smallestScale {
		t.Errorf("%+v, %v: the smallest scale is one", s, err)
	}
	if err := own.step(&s, false); err == nil {
		t.Error("no error below the smallest scale")
	}
	s = scaler{Scale: 1, Good: 1998}
	if err := (&LossScale{}).step(&s, true); err != nil || s != (scaler{1, 1999}) {
		t.Errorf("%+v, %v", s, err)
	}
	if err := (&LossScale{}).step(&s, true); err != nil || s != (scaler{2, 0}) {
		t.Errorf("%+v, %v: by default it grows after 2000 steps", s, err)
	}
}

func TestLossScaleSettings(t *testing.T) {
	for _, l := range []*LossScale{nil, {}, {Growth: 1}, {Backoff: .999}, {Init: 1, Growth: 3, Backoff: .1, Interval: 1}} {
		if err := l.validate(); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
	for _, l := range []LossScale{{Init: -1}, {Growth: .9}, {Growth: -1}, {Backoff: 1}, {Backoff: -.5}, {Interval: -1}} {
		if l.validate() == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
}
