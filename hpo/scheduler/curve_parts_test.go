package scheduler

import (
	"math"
	"testing"

	"budwood/search"
)

// The shapes by their formulas (Domhan et al. 2015, Table 1), each 1 at the first
// budget.
func TestCurveShapes(t *testing.T) {
	const first, full = 2., 40.
	for s := range curveShapes {
		if got := shape(s, first, first, full); math.Abs(got-1) > 1e-12 {
			t.Errorf("shape %d begins at %v", s, got)
		}
		for _, b := range []float64{3, 10, 40} {
			var want float64
			switch {
			case s < 4:
				want = math.Pow(first/b, []float64{.25, .5, 1, 2}[s])
			case s < 7:
				want = math.Exp(-(b - first) / (full * []float64{.05, .15, .5}[s-4]))
			case s < 12:
				k := full * []float64{.05, .1, .2, .4, .8}[s-7]
				want = (1 + math.Pow(first/k, 4)) / (1 + math.Pow(b/k, 4))
			default:
				want = 1 / math.Log(b/first+math.E-1)
			}
			if got := shape(s, b, first, full); math.Abs(got-want) > 1e-12 {
				t.Errorf("shape %d at %v: %v, want %v", s, b, got, want)
			}
		}
	}
	if curveShapes != 13 || curveComponents != 13*5*2 {
		t.Errorf("%d shapes, %d components", curveShapes, curveComponents)
	}
}

// A mixture of two normal distributions, by hand.
func TestForecastOfTwo(t *testing.T) {
	f := forecast{weight: []float64{.25, .75}, mean: []float64{0, 4}, sd: []float64{1, 3}}
	mean, sd := f.moments()
	if want := .25*(1+9) + .75*(9+1); mean != 3 || math.Abs(sd*sd-want) > 1e-12 {
		t.Errorf("%v ± %v, want 3 ± √%v", mean, sd, want)
	}
	if got, want := f.below(1), .25*.841344746068543+.75*.158655253931457; math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
	for x, want := range map[float64]float64{0: .5, 9: 1, -9: 0, 1.959963984540054: .975, -1.959963984540054: .025} {
		if got := normal(x); math.Abs(got-want) > 1e-12 {
			t.Errorf("normal(%v) = %v, want %v", x, got, want)
		}
	}
}

// Two points of a curve and its end are normally distributed together, so that the
// evidence of a component and its forecast follow from their covariance.
func TestExtrapolateByConditioning(t *testing.T) {
	m := &curveModel{budgets: []float64{1, 3, 9}, centre: .5, fall: 1, scale: .5, weight: make([]float64, curveComponents)}
	for k := range m.weight {
		m.weight[k] = float64(1+k%3) / 100
	}
	y := []float64{1.4, 1}
	f := m.extrapolate(y)
	evidence := make([]float64, curveComponents)
	k, total := 0, 0.
	for s := range curveShapes {
		p1, p2, pe := 1., shape(s, 3, 1, 9), shape(s, 9, 1, 9)
		for _, noise := range curveNoises {
			for _, width := range curveWidths {
				z, v := width*m.scale*width*m.scale, noise*m.scale*noise*m.scale
				cov := func(a, b float64) float64 { return z * (1 + a*b) }
				s11, s12, s22 := cov(p1, p1)+v, cov(p1, p2), cov(p2, p2)+v
				det := s11*s22 - s12*s12
				r1, r2 := y[0]-m.centre-m.fall*p1, y[1]-m.centre-m.fall*p2
				g1, g2 := (s22*r1-s12*r2)/det, (s11*r2-s12*r1)/det
				evidence[k] = m.weight[k] * math.Exp(-(r1*g1+r2*g2)/2) / (2 * math.Pi * math.Sqrt(det))
				total += evidence[k]
				e1, e2 := cov(pe, p1), cov(pe, p2)
				mean := m.centre + m.fall*pe + e1*g1 + e2*g2
				variance := cov(pe, pe) + v - (s22*e1*e1-2*s12*e1*e2+s11*e2*e2)/det
				if math.Abs(f.mean[k]-mean) > 1e-6 || math.Abs(f.sd[k]*f.sd[k]-variance) > 1e-6*variance {
					t.Errorf("component %d: %v ± %v, want %v ± %v", k, f.mean[k], f.sd[k], mean, math.Sqrt(variance))
				}
				k++
			}
		}
	}
	for k, w := range f.weight {
		if want := evidence[k] / total; math.Abs(w-want) > 1e-6*want {
			t.Errorf("component %d has weight %v, want %v", k, w, want)
		}
	}
}

// Priors are from the quartiles of the first and the last rung, and complete curves
// count for the components that explain them.
func TestExtrapolationModel(t *testing.T) {
	x := &Extrapolation{Max: 9, Goal: search.Maximize}
	x.Step(search.Free{})
	for trial, v := range []float64{.1, .2, .3, .4, .5} {
		x.Rungs[0].add(Peer{Trial: trial, Values: []float64{v}}, x.Goal)
		x.last().add(Peer{Trial: trial, Values: []float64{v + .4}}, x.Goal)
	}
	if low, median, high := x.Rungs[0].quartiles(x.Goal); low != -.4 || median != -.3 || high != -.2 {
		t.Errorf("%v, %v, %v", low, median, high)
	}
	if low, median, high := x.Rungs[1].quartiles(x.Goal); low != 0 || median != 0 || high != 0 {
		t.Errorf("%v, %v, %v of nothing", low, median, high)
	}
	m := x.model()
	if m.centre != -.7 || math.Abs(m.fall-.4) > 1e-12 || math.Abs(m.scale-.8) > 1e-12 || m.weight != nil || m.budgets[0] != 1 || m.budgets[len(m.budgets)-1] != 9 {
		t.Errorf("%+v", m)
	}
	curve := []float64{-.1, -.3, -.4, -.5, -.6, -.7}
	if x.learn(curve[:5]); x.Shapes != nil {
		t.Error("a curve that is not complete was learned")
	}
	x.learn(curve)
	sum := 0.
	for _, n := range x.Shapes {
		sum += n
	}
	if len(x.Shapes) != curveComponents || math.Abs(sum-2) > 1e-9 { // one, and one that all share at first
		t.Errorf("%d components explain %v curves", len(x.Shapes), sum)
	}
	sum = 0
	for _, w := range x.model().weight {
		sum += w
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the weights sum up to %v", sum)
	}
	short := &Extrapolation{Max: 3}
	short.Step(search.Free{})
	for _, r := range short.Rungs {
		short.Rungs[level(short.Rungs, r.Budget)].add(Peer{Values: []float64{1}}, "")
	}
	if len(short.Rungs) == 3 {
		if short.learn([]float64{3, 2, 1}); short.Shapes == nil {
			t.Error("three points are enough")
		}
	}
	two := &Extrapolation{Max: 2}
	two.Step(search.Free{})
	if two.learn([]float64{3, 2}); len(two.Rungs) != 2 || two.Shapes != nil {
		t.Errorf("two points are a curve; rungs %v", two.Rungs)
	}
}
