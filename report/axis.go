package report

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// axis maps values to positions between two pixels.
type axis struct {
	lo, hi float64 // values at from and to
	log    bool
	from   float64
	to     float64
	whole  bool // the values are whole numbers, and so are the ticks
}

// newAxis spans values with a little room; those that are not finite, or not
// positive on a logarithmic axis, do not count.
func newAxis(log bool, values ...[]float64) axis {
	a := axis{lo: math.Inf(1), hi: math.Inf(-1), log: log}
	for _, list := range values {
		for _, v := range list {
			if a.shows(v) {
				a.lo, a.hi = min(a.lo, v), max(a.hi, v)
			}
		}
	}
	switch {
	case a.lo > a.hi:
		a.lo, a.hi = 1, 10
	case a.lo == a.hi && log:
		a.lo, a.hi = a.lo/2, a.hi*2
	case a.lo == a.hi:
		room := cmp.Or(math.Abs(a.lo)/10, .5)
		a.lo, a.hi = a.lo-room, a.hi+room
	case log:
		room := math.Pow(a.hi/a.lo, .03)
		a.lo, a.hi = a.lo/room, a.hi*room
	default:
		room := (a.hi - a.lo) * .03
		a.lo, a.hi = a.lo-room, a.hi+room
	}
	return a
}

func (a axis) shows(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.log || v > 0)
}

// at is the position of a value, at the edge if it lies beyond.
func (a axis) at(v float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		v, lo, hi = math.Log(v), math.Log(lo), math.Log(hi)
	}
	return a.from + (a.to-a.from)*min(max((v-lo)/(hi-lo), 0), 1)
}

// ticks are round values on the axis, about n of them (up to a fourth more).
func (a axis) ticks(n int) []float64 {
	var out []float64
	if a.log && a.hi/a.lo >= 8 {
		decades := math.Log10(a.hi / a.lo)
		every := max(1, int(math.Ceil(decades/float64(n))))
		for e := int(math.Floor(math.Log10(a.lo))); e <= int(math.Ceil(math.Log10(a.hi))); e++ {
			steps := []float64{1}
			if 3*decades <= float64(n+1) {
				steps = []float64{1, 2, 5}
			}
			for _, s := range steps {
				if v := s * math.Pow(10, float64(e)); v >= a.lo && v <= a.hi && e%every == 0 {
					out = append(out, v)
				}
			}
		}
		return out
	}
	raw := (a.hi - a.lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= .8*raw {
			step *= m
			break
		}
	}
	if a.whole {
		step = max(step, 1)
	}
	for k := math.Ceil(a.lo / step); k*step <= a.hi && len(out) < 4*n; k++ {
		out = append(out, k*step)
	}
	return out
}

// labels write ticks so that no two read the same.
func (a axis) labels(ticks []float64) []string {
	step, most := math.Inf(1), 0.
	for i, v := range ticks {
		most = max(most, math.Abs(v))
		if i > 0 {
			step = min(step, v-ticks[i-1])
		}
	}
	out := make([]string, len(ticks))
	for i, v := range ticks {
		if a.log && a.hi/a.lo >= 8 || len(ticks) < 2 {
			step, most = math.Abs(v)/1e3, math.Abs(v)
		}
		out[i] = label(v, step, most)
	}
	return out
}

// label writes a value of an axis with ticks in steps up to most: 0.05, 250000,
// 1.5M, 2e-5.
func label(v, step, most float64) string {
	if math.Abs(v) < step/1e3 || v == 0 {
		return "0"
	}
	unit, name := 1., ""
	switch exp := math.Floor(math.Log10(most) + 1e-9); {
	case exp >= 15 || exp < -4:
		if exp = math.Floor(math.Log10(math.Abs(v)) + 1e-9); exp < -300 {
			return strconv.FormatFloat(v, 'g', 2, 64)
		}
		unit, name = math.Pow(10, exp), "e"+strconv.Itoa(int(exp))
	case exp >= 6:
		k := int(exp) / 3
		unit, name = math.Pow(1000, float64(k)), []string{"", "", "M", "G", "T"}[k]
	}
	digits := max(0, int(math.Ceil(-math.Log10(step/unit)-1e-9)))
	s := strconv.FormatFloat(v/unit, 'f', min(digits, 12), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s + name
}

// px writes a position.
func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// rgb mixes a colour from 0 (the best, dark) to 1 (pale).
func rgb(u float64) string {
	u = min(max(u, 0), 1)
	dark, pale := [3]float64{12, 74, 110}, [3]float64{203, 213, 225}
	mix := func(k int) int { return int(math.Round(dark[k] + (pale[k]-dark[k])*u)) }
	return fmt.Sprintf("#%02x%02x%02x", mix(0), mix(1), mix(2))
}
