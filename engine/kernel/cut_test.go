package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A step of an optimizer gives the same bits wherever its vectors are cut, and takes
// no memory.
func TestStepsAreCutAnywhere(t *testing.T) { everyLevel(t, testStepsAreCutAnywhere) }

func testStepsAreCutAnywhere(t *testing.T) {
	all := append(slices.Clone(steppers),
		stepper{name: "Adam", state: 2, run: func(w, g []float32, s [][]float32) bool {
			a := Adam{Beta1: 0.9, Beta2: 0.99, Keep1: 0.1, Keep2: 0.01, Rate: 0.02, Correct: 3, Eps: 1e-8, Decay: 0.1, Shrink: 0.95}
			return a.Step(w, g, s[0], s[1])
		}},
		stepper{name: "SGD", run: func(w, g []float32, _ [][]float32) bool { return (&SGD{Rate: 0.1, Decay: 0.1}).Step(w, g, nil) }},
		stepper{name: "SGD momentum", state: 1, run: func(w, g []float32, s [][]float32) bool {
			return (&SGD{Rate: 0.1, Momentum: 0.9, Decay: 0.1}).Step(w, g, s[0])
		}},
		stepper{name: "SGD Nesterov", state: 1, run: func(w, g []float32, s [][]float32) bool {
			return (&SGD{Rate: 0.1, Momentum: 0.9, Nesterov: true}).Step(w, g, s[0])
		}},
		stepper{name: "Lerp", run: func(w, g []float32, _ [][]float32) bool { Lerp(w, g, 0.3); return true }},
		stepper{name: "Clamp", run: func(w, g []float32, _ [][]float32) bool { Clamp(w, 0.3); return true }},
		stepper{name: "Scale", run: func(w, g []float32, _ [][]float32) bool { Scale(w, 0.3); return true }},
		stepper{name: "Add", run: func(w, g []float32, _ [][]float32) bool { Add(w, g); return true }},
	)
	r := rand.New(rand.NewPCG(25, 25))
	const n = 1003
	for _, s := range all {
		first := make([][]float32, 2+s.state)
		for i := range first {
			first[i] = gauss(r, n)
			for j, v := range first[i] {
				if i >= 2 {
					first[i][j] = v * v
				}
			}
		}
		train := func(cut func() int) [][]float32 {
			x := make([][]float32, len(first))
			for i := range x {
				x[i] = slices.Clone(first[i])
			}
			for range 3 {
				for at := 0; at < n; {
					to := min(at+cut(), n)
					part := make([][]float32, len(x))
					for i := range x {
						part[i] = x[i][at:to]
					}
					if !s.run(part[0], part[1], part[2:]) {
						t.Fatalf("%s: finite weights are not", s.name)
					}
					at = to
				}
			}
			return x
		}
		want, got := train(func() int { return n }), train(func() int { return 1 + r.IntN(40) })
		for i := range want {
			for j, v := range want[i] {
				if math.Float32bits(v) != math.Float32bits(got[i][j]) {
					t.Fatalf("%s: value %d of vector %d is %v in pieces, %v as a whole", s.name, j, i, got[i][j], v)
				}
			}
		}
		if s.name == "SGD" || s.state == 0 {
			continue
		}
		x := train(func() int { return n })
		if a := testing.AllocsPerRun(3, func() { s.run(x[0], x[1], x[2:]) }); a != 0 {
			t.Error(fmt.Sprint(s.name, ": ", a, " allocations"))
		}
	}
}
