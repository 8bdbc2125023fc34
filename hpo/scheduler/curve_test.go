package scheduler

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

// Of curves from the ensemble's own prior, a chance of p must come true in a
// share p of the cases.
func TestForecastIsCalibrated(t *testing.T) {
	m := &curveModel{budgets: []float64{1, 2, 3, 4, 7, 10, 15, 23, 34, 51}, centre: 1, fall: 2, scale: .5}
	rng := search.Rand(1, 0)
	const n = 4000
	var hits, cases [10]float64
	for range n {
		s, noise := rng.IntN(curveShapes), curveNoises[rng.IntN(len(curveNoises))]*m.scale
		c, a := m.centre+m.scale*rng.NormFloat64(), m.fall+m.scale*rng.NormFloat64()
		y := make([]float64, len(m.budgets))
		for i, b := range m.budgets {
			y[i] = c + a*shape(s, b, 1, 51) + noise*rng.NormFloat64()
		}
		bound := m.centre + m.scale*rng.NormFloat64()
		p := m.extrapolate(y[:1+rng.IntN(8)]).below(bound)
		k := min(int(p*10), 9)
		cases[k]++
		if y[9] < bound {
			hits[k]++
		}
	}
	for k := range cases {
		want := (float64(k) + .5) / 10
		if cases[k] > 50 && math.Abs(hits[k]/cases[k]-want) > .1 {
			t.Errorf("a chance of %.2f came true in %.2f of %v cases", want, hits[k]/cases[k], cases[k])
		}
	}
}

func TestForecastIsFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.SampledFrom([]float64{1e-100, 1e-9, 1, 1e9}).Draw(t, "scale")
		m := &curveModel{budgets: []float64{1, 3, 9, 27}, scale: scale}
		y := rapid.SliceOfN(rapid.Float64Range(-10, 10), 1, 4).Draw(t, "curve")
		for i := range y {
			y[i] *= scale
		}
		if p := m.extrapolate(y).below(0); !(p >= 0 && p <= 1+1e-9) {
			t.Fatalf("a chance of %v", p)
		}
	})
}

// A trial that is flat at a bad level is stopped early, one that falls to a new
// best is not.
func TestExtrapolationStopsTheHopeless(t *testing.T) {
	x := &Extrapolation{Max: 51}
	rungs := x.Brackets()[0].Rungs
	train := func(trial int, end, fall float64) (stoppedAt int, reason string) {
		x.Step(search.Free{Slots: 1, New: 1})
		for _, b := range rungs {
			out := x.Step(search.Reported{Trial: trial, Budget: b, Values: []float64{end + fall/float64(b)}})
			if len(out) > 0 {
				return b, out[0].(search.Stop).Reason
			}
			x.Step(search.Free{Slots: 1})
		}
		t.Fatalf("t%d never ended", trial)
		return 0, ""
	}
	for trial := range 4 {
		if b, _ := train(trial, .2+.02*float64(trial), .8); trial < 3 && b != 51 {
			t.Fatalf("t%d stopped at %d with few peers", trial, b)
		}
	}
	if b, why := train(4, .9, .1); b > 15 || !strings.Contains(why, "would end at 0.8") {
		t.Errorf("a flat curve at 0.9 stopped at %d: %s", b, why)
	}
	if b, why := train(5, .1, .8); b != 51 {
		t.Errorf("the new best was stopped at %d: %s", b, why)
	}
}

func TestPlateauStops(t *testing.T) {
	p := &Plateau{Max: 27, MinDelta: .01}
	p.Step(search.Free{Slots: 1, New: 1})
	var got []search.Action
	for i, v := range []float64{.9, .8, .795, .798, .7} {
		if got = p.Step(search.Reported{Trial: 0, Budget: 3 * (i + 1), Values: []float64{v}}); got != nil {
			break
		}
		p.Step(search.Free{Slots: 1})
	}
	want := []search.Action{search.Stop{Reason: "rung 12: 0.798 does not improve on 0.8 of budget 6 by more than 0.01, for 2 rungs"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func BenchmarkExtrapolate(b *testing.B) {
	b.ReportAllocs()
	m := &curveModel{budgets: []float64{1, 2, 3, 4, 7, 10, 15, 23, 34, 51}, centre: 1, fall: 2, scale: .5}
	y := []float64{3, 2.5, 2.2, 2.1, 2, 1.8, 1.7}
	for b.Loop() {
		m.extrapolate(y).below(1)
	}
}
