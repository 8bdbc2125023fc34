package calibrate

import (
	"context"
	"errors"
	"math"
	"testing"

	"budwood/engine"
)

// Amounts that made the times are found again, however small they are, and none is
// below its floor.
func TestBounded(t *testing.T) {
	want := []float64{2e-11, 3e-9, 0, 1e-6}
	var x [][]float64
	var y []float64
	for i := range 12 {
		row := []float64{1e6 * float64(i+1), 1e3 * float64((i*i)%7+1), 1e4 * float64((i*5)%4), float64((i*3)%5 + 1)}
		sum := 0.
		for j, v := range row {
			sum += v * want[j]
		}
		x, y = append(x, row), append(y, sum)
	}
	for j, c := range bounded(x, y, make([]float64, 4)) {
		if math.Abs(c-want[j]) > 1e-3*want[j]+1e-14 {
			t.Errorf("amount %d is %g, want %g", j, c, want[j])
		}
	}
	if c := bounded(x, y, []float64{0, 5e-9, 0, 0}); c[1] < 5e-9 {
		t.Errorf("%g is below its floor", c[1])
	}
}

// A machine is measured, with numbers that predict what was not measured.
func TestMeasure(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	m, err := Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Validate(); err != nil || len(m.Widths) < 5 || len(m.Links) != 3 || m.Date.IsZero() {
		t.Fatalf("%+v: %v", m, err)
	}
	for name, w := range map[string]engine.Work{"many rows": m.Infer, "one row": m.One, "integers": m.Int8} {
		if !(w.Products > 1e-14 && w.Products < 1e-8) {
			t.Errorf("%s: %+v", name, w)
		}
	}
	for _, l := range m.Links {
		if !(l.Rate > 0) || math.IsInf(l.Latency, 0) {
			t.Errorf("the link %+v", l)
		}
	}
	r := references[0]
	p, err := engine.Predict(r.layers, r.in, engine.Config{Batch: 4 * r.batch}, engine.TrainConfig{}, m)
	if err != nil || !(p.Step.Time.Step > 0) {
		t.Errorf("%+v: %v", p, err)
	}
}

// It ends when it is told to.
func TestMeasureEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := Measure(ctx); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
