package optim

import (
	"math"
	"strings"
	"testing"
)

// One scalar w, loss w², from w = 1, at rate 0.1 unless said otherwise: the
// golden rows of the specification.
func TestOptimizersGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Optimizer
		lr   float64
		want []float64
	}{
		{"SGD", SGD{}, .1, []float64{.8, .64, .512}},
		{"SGD, momentum", SGD{Momentum: .9}, .1, []float64{.8, .46, .062}},
		{"SGD, Nesterov", SGD{Momentum: .9, Nesterov: true}, .1, []float64{.62, .2224, -.108352}},
		{"SGD, decay", SGD{WeightDecay: .5}, .1, []float64{.75, .5625, .421875}},
		{"Adam", Adam{}, .1, []float64{.9000000005, .8004122287, .7015862729}},
		{"AMSGrad", Adam{AMSGrad: true, Beta2: .5}, .1, amsgrad(.1, .5)},
		{"AdamW", AdamW{WeightDecay: .1}, .1, []float64{.8900000005, .7815718559, .6751012216}},
		{"AdamW without decay", AdamW{NoDecay: true}, .1, []float64{.9000000005, .8004122287, .7015862729}},
		{"RMSprop", RMSprop{}, .01, []float64{.900000005, .832917968, .7799822732}},
		{"RMSprop, momentum, centred", RMSprop{Momentum: .9, Centered: true}, .01, []float64{.8994962235, .7413059809, .5496501653}},
		{"AdaGrad", AdaGrad{}, .01, []float64{.99, .982964554, .9772379395}},
		{"AdaBound", AdaBound{}, .001, []float64{.9990000002, .9980000265, .9970000964}},
		{"Lookahead", Lookahead{Fast: SGD{}}, .1, []float64{.8, .64, .512, .4096, .66384, .531072}},
	} {
		w, g := []float32{1}, []float32{0}
		var state [][]float32
		for range c.o.Slots() {
			state = append(state, []float32{0})
		}
		for i, want := range c.want {
			g[0] = 2 * w[0]
			finite := c.o.Step(&Span{W: w, G: g, State: state, LR: c.lr, T: i + 1, Decay: 1})
			if !finite || math.Abs(float64(w[0])-want) > 2e-7 {
				t.Errorf("%s: step %d gives %.10f, want %.10f", c.name, i+1, w[0], want)
			}
		}
	}
}

// amsgrad is three steps of AMSGrad on w² by its formula; with a small β₂ v falls
// below its maximum.
func amsgrad(lr, beta2 float64) (list []float64) {
	w, m, v, top := 1., 0., 0., 0.
	for t := 1.; t <= 3; t++ {
		g := 2 * w
		m, v = .9*m+.1*g, beta2*v+(1-beta2)*g*g
		top = max(top, v)
		w -= lr * m / (1 - math.Pow(.9, t)) / (math.Sqrt(top/(1-math.Pow(beta2, t))) + 1e-8)
		list = append(list, w)
	}
	return list
}

func TestOptimizerErrors(t *testing.T) {
	for _, c := range []struct {
		o    Optimizer
		want string
	}{
		{SGD{Momentum: 1}, "momentum 1"},
		{SGD{Nesterov: true}, "Nesterov needs momentum"},
		{SGD{WeightDecay: -1}, "weight decay -1"},
		{Adam{Beta1: 1}, "beta 1"},
		{Adam{Eps: math.NaN()}, "eps NaN"},
		{AdamW{WeightDecay: math.Inf(1)}, "weight decay +Inf"},
		{RMSprop{Alpha: 1}, "alpha 1"},
		{AdaGrad{Decay: -1}, "decay -1"},
		{AdaBound{Gamma: math.NaN()}, "gamma NaN"},
		{Lookahead{Alpha: 2}, "alpha 2"},
		{Lookahead{Fast: SGD{Momentum: 1}}, "Lookahead: SGD: momentum 1"},
		{Lookahead{Fast: Lookahead{}}, "around another"},
	} {
		if err := c.o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.o, err, c.want)
		}
	}
}
