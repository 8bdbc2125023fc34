package searchtest

import (
	"fmt"
	"math"

	"budwood/search"
)

// MixCond is a made-up model selection with branches: the minimum 0 lies in the
// branch that looks worst at a first glance (mlp, 2 layers of 256 and 128, sgd
// with momentum .9 and lr 10^−1.5); the easy branch (gbt) ends at .05.
func MixCond() Problem {
	c := search.LogFloat("C", 1e-3, 1e3)
	gamma := search.LogFloat("gamma", 1e-4, 10)
	degree := search.Int("degree", 2, 5)
	kernel := search.Choice("kernel", "rbf", "poly").When("poly", degree)

	var units []search.Param
	layers := search.Choice("layers", 1, 2, 3)
	for n := range 3 {
		units = append(units, search.Int(fmt.Sprintf("units_%d", n), 16, 512, search.Log))
		layers = layers.When(n+1, units...)
	}
	lr := search.LogFloat("lr", 1e-5, .1)
	mom := search.Float("mom", 0, .99)
	opt := search.Choice("opt", "adam", "sgd").When("sgd", mom)

	depth := search.Int("depth", 2, 12)
	trees := search.Int("trees", 50, 1000, search.Step(50))
	eta := search.LogFloat("eta", 1e-3, .5)
	sub := search.Float("sub", .5, 1, search.Step(.05))

	algo := search.Choice("algo", "svm", "mlp", "gbt").
		When("svm", c, gamma, kernel).When("mlp", layers, lr, opt).When("gbt", depth, trees, eta, sub)

	sq := func(x float64) float64 { return x * x }
	l := func(v, m, s float64) float64 { return sq((math.Log10(v) - m) / s) }
	f := func(p search.Params) float64 {
		switch algo.In(p) {
		case "svm":
			y := .15 + .1*l(c.In(p), 1, 2) + .1*l(gamma.In(p), -2, 1.5)
			if kernel.In(p) == "poly" {
				y += .05 + .02*math.Abs(float64(degree.In(p))-3)
			}
			return y
		case "mlp":
			y := [...]float64{.10, 0, .04}[layers.In(p)-1]
			for n := range layers.In(p) {
				u, _ := p.Value(fmt.Sprintf("units_%d", n)).(int)
				y += .03 * sq((math.Log2(float64(u))-(8-float64(n)))/2)
			}
			if opt.In(p) == "adam" {
				return y + .08*l(lr.In(p), -3, 1) + .03
			}
			return y + .08*l(lr.In(p), -1.5, 1) + .4*sq(mom.In(p)-.9)
		}
		return .05 + .004*sq(float64(depth.In(p))-6) +
			.1*sq(math.Log10(float64(trees.In(p))*eta.In(p))-1.5) + .2*sq(sub.In(p)-.8)
	}
	return Problem{Name: "mixcond", Space: search.Space{algo}, Min: 0, Typical: .25619873273375904, F: f}
}
