package optim

import (
	"math"
	"strings"
	"testing"
)

// Every field is checked: the ends of its range are in it, and what is beyond is
// named.
func TestLimitsOfOptimizers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, o := range []Optimizer{
		SGD{}, SGD{Momentum: .999, Nesterov: true, WeightDecay: 5}, Adam{}, Adam{Beta1: .999, Beta2: .999, Eps: 3, WeightDecay: 5}, AdamW{NoDecay: true}, AdamW{WeightDecay: 5},
		RMSprop{Alpha: .999, Momentum: .999, Eps: 3, WeightDecay: 5}, AdaGrad{Decay: 5, Eps: 3, WeightDecay: 5}, AdaBound{Final: 3, Base: 3, Gamma: 3, WeightDecay: 3, Beta1: .1, Beta2: .1},
		Lookahead{K: 1, Alpha: 1}, Lookahead{Alpha: .1, Fast: SGD{}},
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, c := range []struct {
		o    Optimizer
		want string
	}{
		{SGD{Momentum: 1}, "SGD: momentum 1"}, {SGD{Momentum: -.1}, "SGD: momentum -0.1"}, {SGD{WeightDecay: nan}, "SGD: weight decay NaN"}, {SGD{Nesterov: true}, "SGD: Nesterov needs momentum"},
		{Adam{Beta1: 1}, "Adam: beta 1"}, {Adam{Beta2: 1}, "Adam: beta 1"}, {Adam{Beta2: -.1}, "Adam: beta -0.1"}, {Adam{Eps: -1}, "Adam: eps -1"}, {Adam{WeightDecay: -1}, "Adam: weight decay -1"},
		{AdamW{Beta1: 1}, "AdamW: beta 1"}, {AdamW{Beta2: 1}, "AdamW: beta 1"}, {AdamW{Eps: inf}, "AdamW: eps +Inf"}, {AdamW{WeightDecay: nan}, "AdamW: weight decay NaN"},
		{AdamW{WeightDecay: 1, NoDecay: true}, "AdamW: a weight decay of 1 and none"}, {AdamW{WeightDecay: -1}, "AdamW: weight decay -1"}, {AdamW{WeightDecay: inf}, "AdamW: weight decay +Inf"}, {AdamW{WeightDecay: -inf}, "AdamW: weight decay -Inf"},
		{RMSprop{Alpha: 1}, "RMSprop: alpha 1"}, {RMSprop{Momentum: 1}, "RMSprop: momentum 1"}, {RMSprop{Eps: -1}, "RMSprop: eps -1"}, {RMSprop{WeightDecay: -1}, "RMSprop: weight decay -1"},
		{AdaGrad{Decay: -1}, "AdaGrad: decay -1"}, {AdaGrad{Eps: -1}, "AdaGrad: eps -1"}, {AdaGrad{WeightDecay: -1}, "AdaGrad: weight decay -1"},
		{AdaBound{Final: -1}, "AdaBound: final learning rate -1"}, {AdaBound{Base: -1}, "AdaBound: base learning rate -1"}, {AdaBound{Gamma: -1}, "AdaBound: gamma -1"},
		{AdaBound{WeightDecay: -1}, "AdaBound: weight decay -1"}, {AdaBound{Beta1: 1}, "AdaBound: beta 1"}, {AdaBound{Eps: -1}, "AdaBound: eps -1"},
		{Lookahead{K: -1}, "Lookahead: K -1 is below 0"}, {Lookahead{Alpha: 1.1}, "Lookahead: alpha 1.1"}, {Lookahead{Alpha: -.1}, "Lookahead: alpha -0.1"}, {Lookahead{Alpha: nan}, "Lookahead: alpha NaN"},
		{Lookahead{Fast: Adam{Beta1: 2}}, "Lookahead: Adam: beta 2"}, {Lookahead{Fast: Lookahead{}}, "Lookahead: around another Lookahead"},
	} {
		if err := c.o.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.o, err, c.want)
		}
	}
}

func TestLimitsOfSchedules(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		s      Schedule
		epochs int
		want   string // "": it is right
	}{
		{Constant{}, 0, ""}, {Constant{LR: 3}, 0, ""}, {Constant{LR: -1}, 0, "learning rate -1"}, {Constant{LR: inf}, 0, "learning rate +Inf"},
		{CosineDecay{}, 1, ""}, {CosineDecay{}, 0, "a cosine schedule needs the number of epochs, not 0"}, {CosineDecay{LR: nan}, 1, "learning rate NaN"}, {CosineDecay{Min: -1}, 1, "lowest learning rate -1"},
		{WarmRestarts{}, 0, ""}, {WarmRestarts{First: 1, Factor: 1}, 0, ""}, {WarmRestarts{First: -1}, 0, "warm restarts: -1 epochs"}, {WarmRestarts{Factor: -1}, 0, "warm restarts: 0 epochs, times -1"},
		{WarmRestarts{LR: -1}, 0, "learning rate -1"}, {WarmRestarts{Min: -1}, 0, "lowest learning rate -1"},
		{StepDecay{}, 1, ""}, {StepDecay{Every: 1}, 0, ""}, {StepDecay{}, 0, "step decay: every 0 of 0 epochs"}, {StepDecay{Every: -1}, 9, "step decay: every -1 of 9 epochs"},
		{StepDecay{Factor: 1}, 1, ""}, {StepDecay{Factor: 1.1}, 1, "step decay: factor 1.1"}, {StepDecay{Factor: -.1}, 1, "step decay: factor -0.1"}, {StepDecay{LR: -1}, 1, "learning rate -1"},
		{Exponential{}, 0, ""}, {Exponential{Factor: 1}, 0, ""}, {Exponential{Factor: nan}, 0, "exponential decay: factor NaN"}, {Exponential{LR: -1}, 0, "learning rate -1"},
		{OneCycle{}, 1, ""}, {OneCycle{}, 0, "a one-cycle schedule needs the number of epochs, not 0"}, {OneCycle{Rise: 1}, 1, "one-cycle: rise 1"}, {OneCycle{Divide: 1, FinalDivide: 1}, 1, ""},
		{OneCycle{Divide: .9}, 1, "one-cycle: divisor 0.9"}, {OneCycle{FinalDivide: .9}, 1, "one-cycle: divisor 0.9"}, {OneCycle{LR: -1}, 1, "learning rate -1"},
		{Warmup{}, 0, ""}, {Warmup{Share: .1}, 1, ""}, {Warmup{Share: .1}, 0, "a share of 0.1 as warm-up needs the number of epochs, not 0"}, {Warmup{Steps: 1}, 0, ""},
		{Warmup{Steps: -1}, 0, "warm-up of -1 steps"}, {Warmup{Steps: 1, Share: .1}, 1, "warm-up: give either 1 steps or a share of 0.1"}, {Warmup{Share: 1}, 1, "warm-up 1"},
		{Warmup{Then: OneCycle{}}, 0, "a one-cycle schedule"}, {Warmup{Then: OneCycle{}}, 1, ""},
		{Plateau{}, 0, ""}, {Plateau{Factor: .999, Cooldown: 1, Threshold: .999, Min: 1, Patience: -1}, 0, ""}, {Plateau{Factor: 1}, 0, "plateau: factor 1"}, {Plateau{Factor: -.1}, 0, "plateau: factor -0.1"},
		{Plateau{Cooldown: -1}, 0, "plateau: cooldown -1"}, {Plateau{Threshold: 1}, 0, "plateau: threshold 1"}, {Plateau{Min: -1}, 0, "lowest learning rate -1"}, {Plateau{Then: CosineDecay{}}, 0, "a cosine schedule"},
	} {
		err := CheckSchedule(c.s, c.epochs)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v in %d epochs: %v, want %q", c.s, c.epochs, err, c.want)
		}
	}
}

// Rates by their formulas, with the defaults that the comments name, at ends and in
// between, and where the steps of an epoch or of all epochs are not known.
func TestRatesByFormula(t *testing.T) {
	at := func(step, total, epoch int) Progress { return Progress{Step: step, Total: total, Epoch: epoch} }
	cos := func(from, to, t float64) float64 { return to + (from-to)/2*(1+math.Cos(math.Pi*t)) }
	for name, c := range map[string]struct {
		s    Schedule
		p    Progress
		want float64
	}{
		"constant":                  {Constant{LR: 2}, at(5, 9, 3), 2},
		"cosine, default":           {CosineDecay{}, at(5, 10, 1), .0005},
		"cosine, total unknown":     {CosineDecay{LR: 2, Min: 1}, at(5, 0, 1), 1},
		"cosine, one step":          {CosineDecay{LR: 2, Min: 1}, at(0, 1, 1), 2},
		"restarts, default":         {WarmRestarts{}, at(5, 0, 1), .0005},
		"restarts, epoch unknown":   {WarmRestarts{LR: 2}, at(5, 0, 0), 1},
		"restarts, factor 1":        {WarmRestarts{LR: 2, First: 4, Factor: 1}, at(9, 0, 1), cos(2, 0, .25)},
		"restarts, factor 3, third": {WarmRestarts{LR: 2, First: 2, Factor: 3}, at(8+9, 0, 1), cos(2, 0, .5)},
		"restarts, at the restart":  {WarmRestarts{LR: 2, First: 2, Factor: 3}, at(8, 0, 1), 2},
		"step, default":             {StepDecay{}, at(0, 9, 1), .001},
		"step, default, a third":    {StepDecay{}, at(3, 9, 1), .0001},
		"step, before a third":      {StepDecay{LR: 1}, at(2, 9, 1), 1},
		"step, epochs of two":       {StepDecay{LR: 1}, at(6, 18, 2), .1},
		"step, before two thirds":   {StepDecay{LR: 1}, at(5, 9, 1), .1},
		"step, in few epochs":       {StepDecay{LR: 1}, at(3, 4, 2), .1},
		"step, few epochs":          {StepDecay{LR: 1}, at(1, 2, 1), .1},
		"step, epoch unknown":       {StepDecay{LR: 1}, at(3, 9, 0), .1},
		"exponential, default":      {Exponential{}, at(2, 0, 1), .001 * .95 * .95},
		"exponential, in an epoch":  {Exponential{LR: 1}, at(5, 0, 3), .95},
		"one cycle, default":        {OneCycle{}, at(0, 100, 1), .001 / 25},
		"one cycle, rising":         {OneCycle{LR: 1, Rise: .5, Divide: 10, FinalDivide: 100}, at(10, 100, 1), cos(.1, 1, 10./49)},
		"one cycle, at the peak":    {OneCycle{LR: 1, Rise: .5, Divide: 10, FinalDivide: 100}, at(49, 100, 1), 1},
		"one cycle, falling":        {OneCycle{LR: 1, Rise: .5, Divide: 10, FinalDivide: 100}, at(60, 100, 1), cos(1, .001, 11./50)},
		"one cycle, beyond":         {OneCycle{LR: 1, Rise: .5, Divide: 10, FinalDivide: 100}, at(200, 100, 1), .001},
		"one cycle, one step":       {OneCycle{LR: 1}, at(0, 1, 1), 1. / 25 / 1e4},
		"one cycle, two steps":      {OneCycle{LR: 1, Rise: .5}, at(0, 2, 1), 1. / 25},
		"one cycle, its last":       {OneCycle{LR: 1, Rise: .5}, at(1, 2, 1), 1. / 25 / 1e4},
		"warm-up, none":             {Warmup{Then: Constant{LR: 2}}, at(0, 9, 1), 2},
		"warm-up, first":            {Warmup{Then: Constant{LR: 2}, Steps: 4}, at(0, 9, 1), .5},
		"warm-up, last":             {Warmup{Then: Constant{LR: 2}, Steps: 4}, at(3, 9, 1), 2},
		"warm-up, over":             {Warmup{Then: Exponential{LR: 2, Factor: .5}, Steps: 4}, at(5, 9, 1), 1},
		"warm-up, share":            {Warmup{Then: Constant{LR: 2}, Share: .5}, at(1, 9, 1), 2 * 2. / 5}, // 4.5 rounded
		"warm-up, the rest":         {Warmup{Then: CosineDecay{LR: 2}, Steps: 4}, at(8, 12, 1), 1},
		"warm-up, longer than all":  {Warmup{Then: CosineDecay{LR: 2}, Steps: 40}, at(0, 12, 1), 2. / 40},
		"warm-up, default":          {Warmup{}, at(0, 9, 1), .001},
		"plateau":                   {Plateau{Then: Exponential{LR: 2, Factor: .5}}, at(1, 9, 1), 1},
		"plateau, default":          {Plateau{}, at(1, 9, 1), .001},
	} {
		if got := c.s.Rate(c.p); !(math.Abs(got-c.want) <= 1e-12*math.Abs(c.want)) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A value counts as lower if it is so by a share of the best; after more than
// Patience others in a row the rate falls, but not during a cooldown, and what is not
// finite is the worst.
func TestPlateauReduces(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	same := func(v float64, n int) (out []float64) {
		for range n {
			out = append(out, v)
		}
		return out
	}
	for name, c := range map[string]struct {
		s      Plateau
		values []float64
		cuts   int
	}{
		"default patience":       {Plateau{}, same(1, 11), 0},
		"more than it":           {Plateau{}, same(1, 12), 1},
		"again":                  {Plateau{}, same(1, 1+2*11), 2},
		"patience 1":             {Plateau{Patience: 1}, same(1, 3), 1},
		"patience 2":             {Plateau{Patience: 2}, same(1, 3), 0},
		"none":                   {Plateau{Patience: -1}, same(1, 2), 1},
		"none, five":             {Plateau{Patience: -5}, same(1, 4), 3},
		"falling":                {Plateau{Patience: -1}, []float64{5, 4, 3, 2}, 0},
		"by the threshold":       {Plateau{Patience: -1, Threshold: .25}, []float64{4, 3}, 1},
		"by more":                {Plateau{Patience: -1, Threshold: .25}, []float64{4, 2.99}, 0},
		"below 0":                {Plateau{Patience: -1, Threshold: .25}, []float64{-4, -5}, 1},
		"further below 0":        {Plateau{Patience: -1, Threshold: .25}, []float64{-4, -5.01}, 0},
		"default threshold":      {Plateau{Patience: -1}, []float64{1, 1 - .9e-4}, 1},
		"more than the default":  {Plateau{Patience: -1}, []float64{1, 1 - 1.1e-4}, 0},
		"in a row":               {Plateau{Patience: 1}, []float64{5, 5, 4, 4, 3, 3, 2}, 0},
		"counted from 0":         {Plateau{Patience: 2}, same(1, 6), 1},
		"and to the end":         {Plateau{Patience: 2}, same(1, 7), 2},
		"cooldown":               {Plateau{Patience: -1, Cooldown: 2}, same(1, 4), 1},
		"after the cooldown":     {Plateau{Patience: -1, Cooldown: 2}, same(1, 5), 2},
		"counted anew after it":  {Plateau{Patience: 1, Cooldown: 1}, same(1, 5), 1},
		"and then":               {Plateau{Patience: 1, Cooldown: 1}, same(1, 6), 2},
		"not finite at first":    {Plateau{Patience: -1}, []float64{nan, inf, 1}, 1},
		"not finite later":       {Plateau{Patience: -1}, []float64{1, nan, inf, -inf}, 3},
		"the best since then":    {Plateau{Patience: -1}, []float64{3, 1, 2, .5}, 1},
		"no value at all":        {Plateau{}, nil, 0},
		"zero is not lower than": {Plateau{Patience: -1}, []float64{0, 0}, 1},
	} {
		var state PlateauState
		for _, v := range c.values {
			c.s.Observe(&state, v)
		}
		if state.Cuts != c.cuts || state.Seen != (len(c.values) > 0) {
			t.Errorf("%s: %+v, want %d cuts", name, state, c.cuts)
		}
	}
	for _, c := range []struct {
		s    Plateau
		cuts int
		want float64
	}{{Plateau{}, 0, 2}, {Plateau{}, 1, .2}, {Plateau{}, 2, .02}, {Plateau{Factor: .5}, 2, .5}, {Plateau{Min: .1}, 2, .1}, {Plateau{Min: 5}, 1, 2}, {Plateau{Min: 5}, 0, 2}} {
		if got := c.s.Reduce(&PlateauState{Cuts: c.cuts}, 2); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v after %d cuts: %v, want %v", c.s, c.cuts, got, c.want)
		}
	}
	p := Plateau{Patience: 3}
	for _, s := range []Schedule{p, Warmup{Then: p}, Warmup{Then: Warmup{Then: p}}} {
		if got := PlateauOf(s); got == nil || *got != p {
			t.Errorf("%+v: %+v", s, got)
		}
	}
	if PlateauOf(Constant{}) != nil || PlateauOf(Warmup{}) != nil {
		t.Error("a plateau where there is none")
	}
}
