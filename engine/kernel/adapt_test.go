package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// stepper is an optimizer with its state, as a formula in float64 and as it is.
type stepper struct {
	name  string
	state int
	run   func(w, g []float32, state [][]float32) bool
	want  func(w, g float64, state []float64) (float64, []float64)
}

var steppers = []stepper{
	{"AMSGrad", 3, func(w, g []float32, s [][]float32) bool {
		a := Adam{Beta1: 0.9, Beta2: 0.99, Keep1: 0.1, Keep2: 0.01, Rate: 0.02, Correct: 3, Eps: 1e-8, Decay: 0.1, Shrink: 0.95}
		return a.StepMax(w, g, s[0], s[1], s[2])
	}, func(w, g float64, s []float64) (float64, []float64) {
		g += 0.1 * w
		m, v := 0.9*s[0]+0.1*g, 0.99*s[1]+0.01*g*g
		top := max(s[2], v)
		return 0.95*w - 0.02*m/(3*math.Sqrt(top)+1e-8), []float64{m, v, top}
	}},
	{"RMSprop", 1, func(w, g []float32, s [][]float32) bool {
		return (&RMSprop{Alpha: 0.9, Keep: 0.1, Rate: 0.02, Eps: 1e-3, Decay: 0.1}).Step(w, g, s[0], nil, nil)
	}, func(w, g float64, s []float64) (float64, []float64) {
		g += 0.1 * w
		v := 0.9*s[0] + 0.1*g*g
		return w - 0.02*g/(math.Sqrt(v)+1e-3), []float64{v}
	}},
	{"RMSprop momentum", 2, func(w, g []float32, s [][]float32) bool {
		return (&RMSprop{Alpha: 0.9, Keep: 0.1, Rate: 0.02, Eps: 1e-3, Momentum: 0.8}).Step(w, g, s[0], nil, s[1])
	}, func(w, g float64, s []float64) (float64, []float64) {
		v := 0.9*s[0] + 0.1*g*g
		b := 0.8*s[1] + g/(math.Sqrt(v)+1e-3)
		return w - 0.02*b, []float64{v, b}
	}},
	{"RMSprop centred", 2, func(w, g []float32, s [][]float32) bool {
		for i := range s[1] { // keeps v far from mean²
			s[1][i] = min(s[1][i], root(s[0][i])/2)
		}
		return (&RMSprop{Alpha: 0.9, Keep: 0.1, Rate: 0.02, Eps: 1e-1}).Step(w, g, s[0], s[1], nil)
	}, func(w, g float64, s []float64) (float64, []float64) {
		v, mean := 0.9*s[0]+0.1*g*g, 0.9*min(s[1], math.Sqrt(s[0])/2)+0.1*g
		return w - 0.02*g/(math.Sqrt(max(v-mean*mean, 0))+1e-1), []float64{v, mean}
	}},
	{"RMSprop centred momentum", 3, func(w, g []float32, s [][]float32) bool {
		for i := range s[1] {
			s[1][i] = min(s[1][i], root(s[0][i])/2)
		}
		return (&RMSprop{Alpha: 0.9, Keep: 0.1, Rate: 0.02, Eps: 1e-1, Momentum: 0.8}).Step(w, g, s[0], s[1], s[2])
	}, func(w, g float64, s []float64) (float64, []float64) {
		v, mean := 0.9*s[0]+0.1*g*g, 0.9*min(s[1], math.Sqrt(s[0])/2)+0.1*g
		b := 0.8*s[2] + g/(math.Sqrt(max(v-mean*mean, 0))+1e-1)
		return w - 0.02*b, []float64{v, mean, b}
	}},
	{"AdaGrad", 1, func(w, g []float32, s [][]float32) bool {
		return (&AdaGrad{Rate: 0.02, Eps: 1e-10, Decay: 0.1}).Step(w, g, s[0])
	}, func(w, g float64, s []float64) (float64, []float64) {
		g += 0.1 * w
		sum := s[0] + g*g
		return w - 0.02*g/(math.Sqrt(sum)+1e-10), []float64{sum}
	}},
	{"AdaBound", 2, func(w, g []float32, s [][]float32) bool {
		return (&AdaBound{Beta1: 0.9, Beta2: 0.99, Rate: 0.02, Eps: 1e-8, Decay: 0.1, Low: 0.015, High: 0.03}).Step(w, g, s[0], s[1])
	}, func(w, g float64, s []float64) (float64, []float64) {
		g += 0.1 * w
		m, v := 0.9*s[0]+0.1*g, 0.99*s[1]+0.01*g*g
		return w - min(max(0.02/(math.Sqrt(v)+1e-8), 0.015), 0.03)*m, []float64{m, v}
	}},
}

func TestAdaptiveSteps(t *testing.T) { everyLevel(t, testAdaptiveSteps) }

func testAdaptiveSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 23))
	for _, s := range steppers {
		for _, n := range lengths {
			w, g := gauss(r, n), gauss(r, n)
			state := make([][]float32, s.state)
			for i := range state {
				state[i] = gauss(r, n)
				for j, v := range state[i] {
					state[i][j] = v * v
				}
			}
			want, wantState := make([]float64, n), make([][]float64, n)
			for i := range w {
				var at []float64
				for _, x := range state {
					at = append(at, float64(x[i]))
				}
				want[i], wantState[i] = s.want(float64(w[i]), float64(g[i]), at)
			}
			if !s.run(w, g, state) {
				t.Fatalf("%s: finite weights are not", s.name)
			}
			compare(t, s.name+": w", w, func(i int) float64 { return want[i] }, 1e-5)
			for k := range state {
				compare(t, s.name+": state", state[k], func(i int) float64 { return wantState[i][k] }, 1e-5)
			}
			for i := range g {
				g[i] = float32(math.NaN())
				bad := make([][]float32, len(state))
				for k := range state {
					bad[k] = append([]float32(nil), state[k]...)
				}
				if s.run(append([]float32(nil), w...), g, bad) {
					t.Fatalf("%s: NaN at %d of %d is finite", s.name, i, n)
				}
				g[i] = 1
			}
		}
	}
}

func TestLerpAndClamp(t *testing.T) { everyLevel(t, testLerpAndClamp) }

func testLerpAndClamp(t *testing.T) {
	r := rand.New(rand.NewPCG(24, 24))
	for _, n := range lengths {
		x, a := gauss(r, n), gauss(r, n)
		old := append([]float32(nil), x...)
		Lerp(x, a, 0.25)
		compare(t, "Lerp", x, func(i int) float64 { return 0.75*float64(old[i]) + 0.25*float64(a[i]) }, 1e-6)
		x = append([]float32(nil), old...)
		if n > 0 {
			x[n/2] = float32(math.NaN())
		}
		Clamp(x, 0.5)
		for i, v := range x {
			if want := max(min(old[i], 0.5), -0.5); i == n/2 && v == v || i != n/2 && v != want {
				t.Fatalf("Clamp: element %d of %d is %v, was %v", i, n, v, old[i])
			}
		}
	}
}
