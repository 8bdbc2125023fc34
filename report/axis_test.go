package report

import "testing"

// A narrow axis has as many ticks as there is room for their labels, and more than
// one.
func TestTicksOfNarrowAxes(t *testing.T) {
	for _, a := range []axis{{lo: .00025, hi: .033, log: true}, {lo: -.01, hi: .41}, {lo: .9, hi: 3.1, whole: true}, {lo: 30, hi: 250, log: true}} {
		if n := len(a.ticks(3)); n < 2 || n > 4 {
			t.Errorf("%v to %v: %d ticks", a.lo, a.hi, n)
		}
	}
}

// A whole number has no halves on its axis, however short that is.
func TestTicksOfWholeNumbers(t *testing.T) {
	for _, hi := range []float64{1, 2, 3, 5, 40} {
		a := newAxis(false, []float64{1, hi})
		a.whole = true
		ticks := a.ticks(6)
		if len(ticks) == 0 {
			t.Errorf("1 to %v: no ticks", hi)
		}
		for _, v := range ticks {
			if v != float64(int(v)) {
				t.Errorf("1 to %v: a tick at %v", hi, v)
			}
		}
	}
}
