package optim

import (
	"fmt"
	"math"
	"testing"
)

// formula is one step of an optimizer on one weight, in float64: it returns the new
// weight and keeps its state.
type formula func(w, g, lr, decay, t float64) float64

// The formulas that the comments of the optimizers state, with other settings than
// the defaults, and the defaults that the comments name.
func formulas() map[string]struct {
	o Optimizer
	f formula
} {
	adam := func(beta1, beta2, eps, wd float64, max, decoupled bool) formula {
		m, v, top := 0., 0., 0.
		return func(w, g, lr, decay, t float64) float64 {
			if decoupled {
				w -= lr * wd * decay * w
			} else {
				g += wd * decay * w
			}
			m, v = beta1*m+(1-beta1)*g, beta2*v+(1-beta2)*g*g
			s := v
			if top = math.Max(top, v); max {
				s = top
			}
			return w - lr*m/(1-math.Pow(beta1, t))/(math.Sqrt(s/(1-math.Pow(beta2, t)))+eps)
		}
	}
	adabound := func(beta1, beta2, eps, final, base, gamma, wd float64) formula {
		m, v := 0., 0.
		return func(w, g, lr, decay, t float64) float64 {
			g += wd * decay * w
			m, v = beta1*m+(1-beta1)*g, beta2*v+(1-beta2)*g*g
			f := final * lr / base
			rate := lr * math.Sqrt(1-math.Pow(beta2, t)) / (1 - math.Pow(beta1, t)) / (math.Sqrt(v) + eps)
			return w - math.Min(math.Max(rate, f*(1-1/(gamma*t+1))), f*(1+1/(gamma*t)))*m
		}
	}
	sgd := func(mu, wd float64, nesterov bool) formula {
		b := 0.
		return func(w, g, lr, decay, t float64) float64 {
			g += wd * decay * w
			if b = mu*b + g; nesterov {
				return w - lr*(g+mu*b)
			}
			return w - lr*b
		}
	}
	rmsprop := func(alpha, eps, mu, wd float64, centred bool) formula {
		v, mean, b := 0., 0., 0.
		return func(w, g, lr, decay, t float64) float64 {
			g += wd * decay * w
			v, mean = alpha*v+(1-alpha)*g*g, alpha*mean+(1-alpha)*g
			s := v
			if centred {
				s -= mean * mean
			}
			b = mu*b + g/(math.Sqrt(s)+eps)
			return w - lr*b
		}
	}
	adagrad := func(lrDecay, eps, wd float64) formula {
		s := 0.
		return func(w, g, lr, decay, t float64) float64 {
			g += wd * decay * w
			s += g * g
			return w - lr/(1+(t-1)*lrDecay)*g/(math.Sqrt(s)+eps)
		}
	}
	lookahead := func(fast formula, k int, alpha float64) formula {
		slow := math.NaN()
		return func(w, g, lr, decay, t float64) float64 {
			if t == 1 {
				slow = w
			}
			w = fast(w, g, lr, decay, t)
			if int(t)%k == 0 {
				slow += alpha * (w - slow)
				w = slow
			}
			return w
		}
	}
	return map[string]struct {
		o Optimizer
		f formula
	}{
		"SGD":                        {SGD{WeightDecay: .3}, sgd(0, .3, false)},
		"SGD, momentum":              {SGD{Momentum: .7, WeightDecay: .3}, sgd(.7, .3, false)},
		"SGD, Nesterov":              {SGD{Momentum: .7, WeightDecay: .3, Nesterov: true}, sgd(.7, .3, true)},
		"Adam, defaults":             {Adam{}, adam(.9, .999, 1e-8, 0, false, false)},
		"Adam":                       {Adam{Beta1: .6, Beta2: .8, Eps: .05, WeightDecay: .3}, adam(.6, .8, .05, .3, false, false)},
		"AMSGrad":                    {Adam{Beta1: .6, Beta2: .3, Eps: .05, WeightDecay: .3, AMSGrad: true}, adam(.6, .3, .05, .3, true, false)},
		"AdamW, defaults":            {AdamW{}, adam(.9, .999, 1e-8, .01, false, true)},
		"AdamW":                      {AdamW{Beta1: .6, Beta2: .8, Eps: .05, WeightDecay: .3}, adam(.6, .8, .05, .3, false, true)},
		"AdamW without decay":        {AdamW{NoDecay: true}, adam(.9, .999, 1e-8, 0, false, true)},
		"AMSGradW":                   {AdamW{Beta1: .6, Beta2: .3, Eps: .05, WeightDecay: .3, AMSGrad: true}, adam(.6, .3, .05, .3, true, true)},
		"RMSprop, defaults":          {RMSprop{}, rmsprop(.99, 1e-8, 0, 0, false)},
		"RMSprop":                    {RMSprop{Alpha: .7, Eps: .05, Momentum: .6, WeightDecay: .3}, rmsprop(.7, .05, .6, .3, false)},
		"RMSprop, centred":           {RMSprop{Alpha: .7, Eps: .05, WeightDecay: .3, Centered: true}, rmsprop(.7, .05, 0, .3, true)},
		"RMSprop, centred, momentum": {RMSprop{Alpha: .7, Eps: .05, Momentum: .6, Centered: true}, rmsprop(.7, .05, .6, 0, true)},
		"AdaGrad, defaults":          {AdaGrad{}, adagrad(0, 1e-10, 0)},
		"AdaGrad":                    {AdaGrad{Decay: .5, Eps: .05, WeightDecay: .3}, adagrad(.5, .05, .3)},
		"AdaBound, defaults":         {AdaBound{}, adabound(.9, .999, 1e-8, .1, .001, .001, 0)},
		"AdaBound, closing":          {AdaBound{Beta1: .6, Beta2: .8, Eps: .05, Final: .2, Base: .02, Gamma: .9, WeightDecay: .3}, adabound(.6, .8, .05, .2, .02, .9, .3)},
		"AdaBound, low":              {AdaBound{Final: 3, Gamma: 5}, adabound(.9, .999, 1e-8, 3, .001, 5, 0)},
		"AdaBound, high":             {AdaBound{Final: .0001, Gamma: 5}, adabound(.9, .999, 1e-8, .0001, .001, 5, 0)},
		"Lookahead, defaults":        {Lookahead{}, lookahead(adam(.9, .999, 1e-8, .01, false, true), 5, .5)},
		"Lookahead":                  {Lookahead{Fast: RMSprop{Momentum: .6}, K: 2, Alpha: .3}, lookahead(rmsprop(.99, 1e-8, .6, 0, false), 2, .3)},
	}
}

func TestOptimizersFollowTheirFormulas(t *testing.T) {
	const n = 3
	for name, c := range formulas() {
		for _, decay := range []float64{1, .5} { // the factor that a group of parameters has
			w, g, want := []float32{1, -2, .125}, make([]float32, n), []float64{1, -2, .125}
			steps := make([]formula, n)
			for i := range steps {
				steps[i] = formulas()[name].f
			}
			state := make([][]float32, len(c.o.Slots()))
			for k := range state {
				state[k] = make([]float32, n)
			}
			for step := 1; step <= 12; step++ {
				lr := .01 / float64(step) // it changes
				for i := range g {
					g[i] = float32(math.Sin(float64(3*step+i))) + w[i]
					want[i] = steps[i](float64(w[i]), float64(g[i]), lr, decay, float64(step))
				}
				if !c.o.Step(&Span{W: w, G: g, State: state, LR: lr, T: step, Decay: decay}) {
					t.Fatalf("%s: weights %v are not finite", name, w)
				}
				for i := range w {
					if math.Abs(float64(w[i])-want[i]) > 1e-5*math.Max(1, math.Abs(want[i])) {
						t.Fatalf("%s, decay %v: step %d gives weight %d %.8f, want %.8f", name, decay, step, i, w[i], want[i])
					}
				}
			}
		}
	}
}

// A step whose weights are no longer finite says so.
func TestOptimizersNoticeWhatIsNotFinite(t *testing.T) {
	for name, c := range formulas() {
		state := make([][]float32, len(c.o.Slots()))
		for k := range state {
			state[k] = make([]float32, 2)
		}
		if c.o.Step(&Span{W: []float32{1, 1}, G: []float32{1, float32(math.NaN())}, State: state, LR: .1, T: 1, Decay: 1}) {
			t.Errorf("%s: NaN is finite", name)
		}
		if err := c.o.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Names and slots are part of a checkpoint.
func TestNamesAndSlots(t *testing.T) {
	for _, c := range []struct {
		o           Optimizer
		name, slots string
	}{
		{SGD{}, "SGD", "[]"}, {SGD{Momentum: .1}, "SGD", "[momentum]"}, {Adam{}, "Adam", "[m v]"}, {Adam{AMSGrad: true}, "AMSGrad", "[m v vmax]"},
		{AdamW{}, "AdamW", "[m v]"}, {AdamW{AMSGrad: true}, "AMSGradW", "[m v vmax]"}, {RMSprop{}, "RMSprop", "[v]"}, {RMSprop{Centered: true}, "RMSprop", "[v mean]"},
		{RMSprop{Momentum: .1}, "RMSprop", "[v momentum]"}, {RMSprop{Momentum: .1, Centered: true}, "RMSprop", "[v mean momentum]"},
		{AdaGrad{}, "AdaGrad", "[sum]"}, {AdaBound{}, "AdaBound", "[m v]"}, {Lookahead{}, "Lookahead(AdamW)", "[m v slow]"}, {Lookahead{Fast: SGD{}}, "Lookahead(SGD)", "[slow]"},
	} {
		if c.o.String() != c.name || fmt.Sprint(c.o.Slots()) != c.slots {
			t.Errorf("%+v: %s with %v, want %s with %s", c.o, c.o, c.o.Slots(), c.name, c.slots)
		}
	}
}
