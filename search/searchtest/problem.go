package searchtest

import (
	"fmt"
	"math"
	"slices"

	"budwood/search"
)

// Problem is a function to minimise whose minimum is known.
type Problem struct {
	Name    string
	Space   search.Space
	Min     float64 // the least value there is
	Typical float64 // the value of a median random point
	F       func(search.Params) float64
}

// Regret scales a value so that 0 is the minimum and 1 a typical random point.
func (p Problem) Regret(value float64) float64 { return (value - p.Min) / (p.Typical - p.Min) }

// Problems are the functions below in five dimensions, and those with a
// dimension of their own.
func Problems() []Problem {
	return []Problem{Sphere(5), Ellipsoid(5), Rosenbrock(5), Rastrigin(5), Ackley(5), Griewank(5),
		Branin(), Hartmann6(), MixCond()}
}

// Sphere is Σ(xᵢ − x*ᵢ)².
func Sphere(dim int) Problem {
	return rotated("sphere", 1, dim, func(in *instance, x []float64) float64 {
		sum := 0.0
		for i := range x {
			sum += (x[i] - in.xopt[i]) * (x[i] - in.xopt[i])
		}
		return sum
	})
}

// Ellipsoid is Σ 10^(6i/(D−1)) zᵢ² with z = R(x − x*): narrow valleys at an angle.
func Ellipsoid(dim int) Problem {
	return rotated("ellipsoid", 2, dim, func(in *instance, x []float64) float64 {
		sum := 0.0
		for i, z := range in.z(x) {
			sum += math.Pow(10, 6*float64(i)/float64(max(dim-1, 1))) * z * z
		}
		return sum
	})
}

// Rosenbrock is a curved valley: Σ 100(wᵢ² − wᵢ₊₁)² + (wᵢ − 1)² with
// w = max(1, √D/8)·z + 1.
func Rosenbrock(dim int) Problem {
	return rotated("rosenbrock", 3, dim, func(in *instance, x []float64) float64 {
		w := in.z(x)
		for i := range w {
			w[i] = max(1, math.Sqrt(float64(dim))/8)*w[i] + 1
		}
		sum := 0.0
		for i := range dim - 1 {
			a, b := w[i]*w[i]-w[i+1], w[i]-1
			sum += 100*a*a + b*b
		}
		return sum
	})
}

// Rastrigin is 10(D − Σ cos 2πzᵢ) + Σ zᵢ²: many local minima in a bowl.
func Rastrigin(dim int) Problem {
	return rotated("rastrigin", 5, dim, func(in *instance, x []float64) float64 {
		sum := 0.0
		for _, z := range in.z(x) {
			sum += z*z - 10*math.Cos(2*math.Pi*z)
		}
		return 10*float64(dim) + sum
	})
}

// Ackley is flat far out, with a funnel at the optimum.
func Ackley(dim int) Problem {
	return rotated("ackley", 6, dim, func(in *instance, x []float64) float64 {
		squares, cosines := 0.0, 0.0
		for _, z := range in.z(x) {
			squares += z * z
			cosines += math.Cos(2 * math.Pi * z)
		}
		d := float64(dim)
		return 20 + math.E - 20*math.Exp(-.2*math.Sqrt(squares/d)) - math.Exp(cosines/d)
	})
}

// Griewank is a wide bowl with ripples; z is stretched by 20.
func Griewank(dim int) Problem {
	return rotated("griewank", 7, dim, func(in *instance, x []float64) float64 {
		sum, product := 0.0, 1.0
		for i, z := range in.z(x) {
			z *= 20
			sum += z * z / 4000
			product *= math.Cos(z / math.Sqrt(float64(i+1)))
		}
		return 1 + sum - product
	})
}

// Branin has three minima in two dimensions (Dixon & Szegő 1978).
func Branin() Problem {
	x1, x2 := search.Float("x1", -5, 10), search.Float("x2", 0, 15)
	return Problem{
		Name: "branin", Space: search.Space{x1, x2}, Min: 5 / (4 * math.Pi), Typical: 35.4,
		F: func(p search.Params) float64 {
			x, y := x1.In(p), x2.In(p)
			a := y - 5.1/(4*math.Pi*math.Pi)*x*x + 5/math.Pi*x - 6
			return a*a + 10*(1-1/(8*math.Pi))*math.Cos(x) + 10
		},
	}
}

// Hartmann6 has six minima in six dimensions (Dixon & Szegő 1978).
func Hartmann6() Problem {
	space, keys := box("x", 6, 0, 1)
	alpha := [4]float64{1, 1.2, 3, 3.2}
	a := [4][6]float64{{10, 3, 17, 3.5, 1.7, 8}, {.05, 10, 17, .1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, .05, 10, .1, 14}}
	q := [4][6]float64{{.1312, .1696, .5569, .0124, .8283, .5886}, {.2329, .4135, .8307, .3736, .1004, .9991},
		{.2348, .1451, .3522, .2883, .3047, .6650}, {.4047, .8828, .8732, .5743, .1091, .0381}}
	return Problem{
		Name: "hartmann6", Space: space, Min: -3.322368011391339, Typical: -.135,
		F: func(p search.Params) float64 {
			sum := 0.0
			for i := range alpha {
				e := 0.0
				for j, k := range keys {
					d := k.In(p) - q[i][j]
					e += a[i][j] * d * d
				}
				sum -= alpha[i] * math.Exp(-e)
			}
			return sum
		},
	}
}

// instance is one shifted and rotated version of a function on [−5, 5]^D.
type instance struct {
	xopt []float64
	r    [][]float64 // rotation, by rows
}

// newInstance draws x* and R of function number f in dim dimensions.
func newInstance(f, dim int) *instance {
	rng := splitMix(1000*f + dim)
	in := &instance{xopt: make([]float64, dim), r: make([][]float64, dim)}
	for i := range in.xopt {
		in.xopt[i] = -4 + 8*rng.uni()
	}
	for i := range in.r {
		in.r[i] = make([]float64, dim)
		for j := range in.r[i] {
			in.r[i][j] = rng.normal()
		}
	}
	for i, row := range in.r { // modified Gram–Schmidt
		for _, done := range in.r[:i] {
			d := dot(row, done)
			for k := range row {
				row[k] -= d * done[k]
			}
		}
		n := math.Sqrt(dot(row, row))
		for k := range row {
			row[k] /= n
		}
	}
	return in
}

// z is R(x − x*).
func (in *instance) z(x []float64) []float64 {
	shifted := make([]float64, len(x))
	for i := range x {
		shifted[i] = x[i] - in.xopt[i]
	}
	out := make([]float64, len(x))
	for i, row := range in.r {
		out[i] = dot(row, shifted)
	}
	return out
}

// rotated makes a problem of function number f.
func rotated(name string, f, dim int, value func(*instance, []float64) float64) Problem {
	in := newInstance(f, dim)
	space, keys := box("x", dim, -5, 5)
	p := Problem{Name: fmt.Sprintf("%s_%dd", name, dim), Space: space}
	p.F = func(at search.Params) float64 {
		x := make([]float64, dim)
		for i, k := range keys {
			x[i] = k.In(at)
		}
		return value(in, x)
	}
	rng := splitMix(1_000_000 + 1000*f + dim)
	values := make([]float64, 1000)
	x := make([]float64, dim)
	for i := range values {
		for j := range x {
			x[j] = -5 + 10*rng.uni()
		}
		values[i] = value(in, x)
	}
	slices.Sort(values)
	p.Typical = (values[499] + values[500]) / 2
	return p
}

// box is a space of dim equal float parameters, and its keys.
func box(name string, dim int, lo, hi float64) (search.Space, []search.FloatParam) {
	var space search.Space
	var keys []search.FloatParam
	for i := range dim {
		k := search.Float(fmt.Sprintf("%s%d", name, i), lo, hi)
		space, keys = append(space, k), append(keys, k)
	}
	return space, keys
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
