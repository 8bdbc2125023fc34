package report

import "testing"

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
