package reader

import (
	"math"
	"slices"

	"budwood/engine"
)

// express is a value that is a part of a pattern.
func (r *reading) express(n *node, what string, args ...*value) *value {
	return &value{dims: args[0].dims, op: &op{kind: expression, what: what, args: args, node: n}}
}

// expression is the op of a value if it is such an expression, in its order; else nil.
func (v *value) expression(what string) *op {
	if v == nil || v.c != nil || v.op.kind != expression || v.op.what != what || !v.plain() {
		return nil
	}
	return v.op
}

func near(x, y float64) bool { return math.Abs(x-y) <= 1e-4*math.Abs(y) }

// erf is that of x/√2.
func (r *reading) erf(n *node) (*value, error) {
	if e := r.arg(n, 0).expression("scale"); e != nil && near(e.number, 1/math.Sqrt2) {
		return r.express(n, "erf", e.args[0]), nil
	}
	return nil, nil
}

func (r *reading) softmax(n *node) (*value, error) {
	v := r.arg(n, 0)
	if v.c != nil {
		return nil, nil
	}
	first := 1
	if r.f.opset >= 13 {
		first = -1
	}
	axis, err := axisOf(n.int("axis", first), len(v.dims))
	if err != nil || axis != len(v.dims)-1 {
		return nil, r.fail(n, "read is that of the last axis")
	}
	return r.express(n, "softmax", v), nil
}

func (r *reading) power(n *node) (*value, error) {
	v, t, second, err := r.withConstant(n)
	if err != nil || t == nil || !second {
		return nil, err
	}
	if x, ok := t.scalar(); ok && x == 2 {
		return r.square(n, v), nil
	}
	return nil, nil
}

// square is that of what a norm has centred, or of its mean.
func (r *reading) square(n *node, v *value) *value {
	for from, to := range map[string]string{"centred": "square", "mean": "mean square"} {
		if e := v.expression(from); e != nil {
			out := r.express(n, to, e.args...)
			out.op.share, out.dims = e.share, v.dims
			return out
		}
	}
	return nil
}

func (r *reading) root(n *node) (*value, error) {
	v := r.arg(n, 0)
	e := v.expression("variance")
	if e == nil || e.number == 0 {
		return nil, nil
	}
	out := r.express(n, "deviation", e.args...)
	out.op.number, out.op.share, out.dims = e.number, e.share, v.dims
	return out, nil
}

func (r *reading) addition(n *node) (*value, error) {
	if len(n.inputs) == 1 {
		return r.arg(n, 0), nil
	}
	if len(n.inputs) == 2 {
		v, t, _, err := r.withConstant(n)
		if err != nil {
			return nil, err
		}
		if t != nil {
			return r.plus(n, v, t)
		}
		if out := r.wholeVariance(n, v, r.arg(n, 1)); out != nil {
			return out, nil
		}
	}
	o := &op{kind: sum, node: n}
	var to *value
	for i := range n.inputs {
		v := r.arg(n, i)
		if v == nil || v.c != nil {
			return nil, nil
		}
		v, err := r.layers(v)
		if err != nil {
			return nil, err
		}
		if to == nil {
			to, o.shape = v, v.op.shape
		}
		if !sameOrder(v, to) || v.op.shape.Size() != o.shape.Size() {
			return nil, r.fail(n, "its inputs have other shapes, or their numbers are in another order")
		}
		x, err := r.reshape(n, v.op, o.shape)
		if err != nil {
			return nil, err
		}
		o.in = append(o.in, x)
	}
	return to.behind(o), nil
}

// wholeVariance is σ² of a norm that counts features that are not there as 0.
func (r *reading) wholeVariance(n *node, a, b *value) *value {
	if a.expression("mean square") != nil {
		a, b = b, a
	}
	v, m := a.expression("variance"), b.expression("mean square")
	if v == nil || m == nil || v.share >= 1 || !near(v.share+m.number, 1) || !near(v.share, m.share) || !same(v.args[0], m.args[0]) {
		return nil
	}
	out := r.express(n, "variance", v.args...)
	out.op.share, out.op.what, out.dims = v.share, "variance", a.dims
	return out
}

// plus adds a constant.
func (r *reading) plus(n *node, v *value, t *tensor) (*value, error) {
	if t.whole {
		return nil, nil
	}
	x, scalar := t.scalar()
	if e := v.expression("variance"); e != nil && scalar && e.number == 0 {
		out := r.express(n, "variance", e.args...)
		out.op.number, out.op.share, out.dims = x, e.share, v.dims
		return out, nil
	}
	if e := v.expression("erf"); e != nil && scalar && x == 1 {
		return r.express(n, "1 + erf", e.args[0]), nil
	}
	if v.op.kind == expression && (v.op.what == "scores" || v.op.what == "scale" && v.op.args[0].expression("scores") != nil) && v.plain() {
		out := r.express(n, "masked", v, &value{dims: t.dims, c: t})
		return out, nil
	}
	bias := false
	if o := v.op; v.only && o.kind == layer {
		bias = o.tensors["weight"] != nil && o.tensors["bias"] == nil || o.tensors["out.weight"] != nil
	}
	dims, _, err := broadcast(t.dims, v.dims)
	if scalar && !bias && err == nil && slices.Equal(dims, v.dims) {
		out := r.express(n, "shift", v)
		out.op.number = x
		return out, nil
	}
	if v, err = r.layers(v); err != nil {
		return nil, err
	}
	list, features, ok := r.spreadOver(v, t)
	switch {
	case !ok:
		return nil, r.fail(n, "its constant of shape %v does not fit %v", t.dims, v.dims)
	case features:
		return r.shifted(n, v, list)
	case len(v.op.shape) == 2:
		o, err := r.add(n, engine.Positional{Learned: true}, v.op, map[string][]float32{"weight": list})
		if err != nil {
			return nil, err
		}
		return v.behind(o), nil
	}
	if v, err = r.flat(n, v); err != nil {
		return nil, err
	}
	return r.shifted(n, v, list)
}

func (r *reading) subtraction(n *node) (*value, error) {
	v, t, second, err := r.withConstant(n)
	if err != nil {
		return nil, err
	}
	if t != nil {
		if !second || t.whole {
			return nil, nil
		}
		return r.plus(n, v, t.each(func(x float64) float64 { return -x }))
	}
	m := r.arg(n, 1).expression("mean")
	if m == nil {
		return nil, nil
	}
	x, err := r.layers(v)
	if err != nil || !same(x, m.args[0]) {
		return nil, err
	}
	out := r.express(n, "centred", x)
	out.op.share = m.share
	return out, nil
}

func (r *reading) division(n *node) (*value, error) {
	v, t, second, err := r.withConstant(n)
	if err != nil {
		return nil, err
	}
	if t != nil {
		if !second || t.whole {
			return nil, nil
		}
		return r.times(n, v, t.each(func(x float64) float64 { return 1 / x }))
	}
	c, d := v.expression("centred"), r.arg(n, 1).expression("deviation")
	if c == nil || d == nil || !same(c.args[0], d.args[0]) || !near(c.share, d.share) {
		return nil, nil
	}
	return r.norm(n, c.args[0], float32(d.number), c.share)
}

func (r *reading) multiplication(n *node) (*value, error) {
	v, t, _, err := r.withConstant(n)
	if err != nil {
		return nil, err
	}
	if t != nil {
		if t.whole {
			return nil, nil
		}
		return r.times(n, v, t)
	}
	a, b := v, r.arg(n, 1)
	if same(a, b) {
		return r.square(n, a), nil
	}
	for range 2 {
		if e := b.expression("clip6"); e != nil && same(e.args[0], a) {
			return r.express(n, "x · clip6", a), nil
		}
		if e := b.expression("1 + erf"); e != nil {
			if same(e.args[0], a) {
				return r.express(n, "2 gelu", a), nil
			}
			if s := a.expression("scale"); s != nil && s.number == .5 && same(e.args[0], s.args[0]) {
				return r.valueByValue(n, s.args[0], engine.GELU{})
			}
		}
		if b.c == nil && b.op.kind == layer {
			x := b.op.in[0]
			if a.op == x && sameOrder(a, b) {
				switch b.op.layer {
				case engine.Sigmoid{}:
					return r.valueByValue(n, a, engine.SiLU{})
				case engine.HardSigmoid{}:
					return r.valueByValue(n, a, engine.HardSwish{})
				}
			}
			if out, err := r.squeezeExcite(n, a, b); out != nil || err != nil {
				return out, err
			}
		}
		a, b = b, a
	}
	return nil, nil
}

// times multiplies by a constant.
func (r *reading) times(n *node, v *value, t *tensor) (*value, error) {
	x, scalar := t.scalar()
	dims, _, err := broadcast(t.dims, v.dims)
	if err != nil || !slices.Equal(dims, v.dims) {
		return nil, r.fail(n, "its constant of shape %v does not fit %v", t.dims, v.dims)
	}
	if scalar {
		switch {
		case v.expression("clip6") != nil && near(x, 1./6):
			return r.valueByValue(n, v.op.args[0], engine.HardSigmoid{})
		case v.expression("x · clip6") != nil && near(x, 1./6):
			return r.valueByValue(n, v.op.args[0], engine.HardSwish{})
		case v.expression("2 gelu") != nil && x == .5:
			return r.valueByValue(n, v.op.args[0], engine.GELU{})
		case v.expression("mean") != nil || v.expression("variance") != nil || v.expression("mean square") != nil:
			e := v.op
			out := r.express(n, e.what, e.args...)
			out.op.share, out.op.number, out.dims = e.share, e.number, v.dims
			if e.what == "mean square" {
				out.op.number = x
			} else {
				out.op.share = x
			}
			return out, nil
		case x == 0:
			zeros := (&tensor{}).empty(v.dims)
			return &value{dims: v.dims, c: zeros}, nil
		}
		out := r.express(n, "scale", v)
		out.op.number = x
		return out, nil
	}
	if v, err = r.layers(v); err != nil {
		return nil, err
	}
	list, features, ok := r.spreadOver(v, t)
	if !ok {
		return nil, r.fail(n, "its constant of shape %v does not fit %v", t.dims, v.dims)
	}
	if !features {
		if v, err = r.flat(n, v); err != nil {
			return nil, err
		}
	}
	return r.scaled(n, v, list)
}

// squeezeExcite is channels weighed by numbers that two dense layers compute of their
// means.
func (r *reading) squeezeExcite(n *node, a, b *value) (*value, error) {
	if len(a.dims) < 3 || len(b.dims) != len(a.dims) || b.dims[1] != a.dims[1] || product(b.dims[2:]) != 1 || !b.plain() {
		return nil, nil
	}
	var chain [5]*op // from the last to the first
	at := b.op
	for i := range chain {
		if at.kind != layer {
			return nil, nil
		}
		chain[i], at = at, at.in[0]
	}
	wide, ok1 := chain[1].layer.(engine.Dense)
	narrow, ok3 := chain[3].layer.(engine.Dense)
	_, ok2 := chain[2].layer.(engine.ReLU)
	_, ok4 := chain[4].layer.(engine.GlobalAvgPool)
	if !ok1 || !ok2 || !ok3 || !ok4 || at != a.op || wide.Out != a.dims[1] {
		return nil, nil
	}
	x, err := r.image(n, a)
	if err != nil {
		return nil, err
	}
	l := engine.SqueezeExcite{Hidden: narrow.Out, Gate: chain[0].layer}
	if l.Gate == (engine.Sigmoid{}) {
		l.Gate = nil
	}
	tensors := map[string][]float32{}
	for name, d := range map[string]*op{"1.": chain[3], "3.": chain[1]} {
		out := d.layer.(engine.Dense).Out
		tensors[name+"weight"] = d.tensors["weight"]
		if tensors[name+"bias"] = d.tensors["bias"]; d.tensors["bias"] == nil {
			tensors[name+"bias"] = make([]float32, out)
		}
	}
	o, err := r.add(n, l, x, tensors)
	if err != nil {
		return nil, err
	}
	return a.behind(o), nil
}

// norm is (x − μ)/√(σ² + ε) over the last axis: of the features of a step, or of the
// channels of a group. share is the part of the numbers that are there; the others are 0.
func (r *reading) norm(n *node, x *value, eps float32, share float64) (*value, error) {
	if !(eps > 0 && eps < 1) || !(share > 0 && share <= 1) {
		return nil, r.fail(n, "ε is %v", eps)
	}
	more := func(c int) int { // how many numbers c are a part of
		if share == 1 {
			return 0
		}
		return int(math.Round(float64(c) / share))
	}
	width := x.op.shape[len(x.op.shape)-1]
	ones := func(c int) map[string][]float32 {
		return map[string][]float32{"weight": slices.Repeat([]float32{1}, c), "bias": make([]float32, c)}
	}
	if _, _, flat, ok := x.rows(); ok {
		if flat {
			v, err := r.flat(n, x)
			if err != nil {
				return nil, err
			}
			x, width = v, v.op.shape[0]
		}
		o, err := r.add(n, engine.LayerNorm{Of: more(width), Eps: epsOf(eps)}, x.op, ones(width))
		if err != nil {
			return nil, err
		}
		return x.behind(o), nil
	}
	if len(x.dims) == 3 && width%x.dims[1] == 0 && x.size() == r.batch*x.op.shape.Size() {
		groups, each := x.dims[1], x.dims[2]
		per := width / groups
		for i := range x.size() {
			at := x.at(i)
			if at/(groups*each) != i/(groups*each) || at%width/per != i/each%groups {
				return nil, r.fail(n, "it normalises neither features nor groups of channels")
			}
		}
		o, err := r.add(n, engine.GroupNorm{Groups: groups, Of: more(per), Eps: epsOf(eps)}, x.op, ones(width))
		if err != nil {
			return nil, err
		}
		return x.behind(o), nil
	}
	return nil, r.fail(n, "it normalises neither features nor groups of channels")
}

func (r *reading) layerNorm(n *node) (*value, error) {
	v, err := r.layers(r.arg(n, 0))
	if err != nil {
		return nil, err
	}
	axis, err := axisOf(n.int("axis", -1), len(v.dims))
	if err != nil || axis != len(v.dims)-1 {
		return nil, r.fail(n, "read is that of the last axis")
	}
	y, err := r.norm(n, v, n.float("epsilon", 1e-5), 1)
	if err != nil {
		return nil, err
	}
	y.only = true
	for i, f := range []func(*node, *value, []float32) (*value, error){r.scaled, r.shifted} {
		t, err := r.optional(n, i+1)
		if err != nil {
			return nil, r.fail(n, "%v", err)
		}
		if t == nil {
			continue
		}
		list, features, ok := r.spreadOver(y, t)
		if !ok || !features {
			return nil, r.fail(n, "its numbers do not fit")
		}
		if y, err = f(n, y, list); err != nil {
			return nil, err
		}
	}
	return y, nil
}
