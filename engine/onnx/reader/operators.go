package reader

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"budwood/data"
	"budwood/engine"
)

// reads reads a node of an operator; a nil value says that it is not read here.
type reads func(r *reading, n *node) (*value, error)

// readOps gives the operators on values that are not constant, beside those that only move
// values.
func readOps() map[string]reads {
	return map[string]reads{
		"Conv": (*reading).conv, "Gemm": (*reading).gemm, "MatMul": (*reading).matMul, "BatchNormalization": (*reading).batchNorm,
		"Relu": activation(engine.ReLU{}), "Tanh": activation(engine.Tanh{}), "Sigmoid": activation(engine.Sigmoid{}), "HardSwish": activation(engine.HardSwish{}),
		"LeakyRelu": (*reading).leaky, "HardSigmoid": (*reading).hardSigmoid, "Clip": (*reading).clip, "Max": (*reading).bound, "Min": (*reading).bound,
		"Gelu": (*reading).gelu, "Erf": (*reading).erf, "Softmax": (*reading).softmax,
		"MaxPool": (*reading).maxPool, "AveragePool": (*reading).averagePool, "GlobalAveragePool": (*reading).global, "GlobalMaxPool": (*reading).global,
		"ReduceMean": (*reading).reduce, "ReduceMax": (*reading).reduce,
		"Add": (*reading).addition, "Sum": (*reading).addition, "Sub": (*reading).subtraction, "Mul": (*reading).multiplication, "Div": (*reading).division,
		"Pow": (*reading).power, "Sqrt": (*reading).root, "LayerNormalization": (*reading).layerNorm,
		"Concat": (*reading).concat, "Cast": (*reading).cast, "Resize": (*reading).resize, "GRU": (*reading).gru, "Gather": (*reading).embedding,
	}
}

// activation reads an operator that is a layer without weights.
func activation(l engine.Layer) reads {
	return func(r *reading, n *node) (*value, error) { return r.valueByValue(n, r.arg(n, 0), l) }
}

// valueByValue puts a layer that works value by value behind a value.
func (r *reading) valueByValue(n *node, v *value, l engine.Layer) (*value, error) {
	v, err := r.layers(v)
	if err != nil {
		return nil, err
	}
	o, err := r.add(n, l, v.op, nil)
	if err != nil {
		return nil, err
	}
	return v.behind(o), nil
}

func (r *reading) leaky(n *node) (*value, error) {
	return r.valueByValue(n, r.arg(n, 0), engine.LeakyReLU{Slope: tidy(n.float("alpha", .01))})
}

func (r *reading) hardSigmoid(n *node) (*value, error) {
	return r.valueByValue(n, r.arg(n, 0), hardSigmoid(n.float("alpha", .2), n.float("beta", .5)))
}

// hardSigmoid is the layer of such a line; that of the default where it is one.
func hardSigmoid(alpha, beta float32) engine.HardSigmoid {
	l := engine.HardSigmoid{Alpha: tidy(alpha), Beta: tidy(beta)}
	if a, b := (engine.HardSigmoid{}).Line(); math.Abs(float64(a-alpha)) < 1e-6 && b == beta {
		return engine.HardSigmoid{}
	}
	return l
}

// tidy is a float32 as the decimal number that was meant: 0.2, not 0.20000000298.
func tidy(f float32) float64 {
	x, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		return float64(f)
	}
	return x
}

// epsOf is the ε of a norm; 0 if it is the default.
func epsOf(eps float32) float64 {
	if eps == 1e-5 {
		return 0
	}
	return tidy(eps)
}

func (r *reading) clip(n *node) (*value, error) {
	lo, hi := n.float("min", float32(math.Inf(-1))), n.float("max", float32(math.Inf(1)))
	for i, to := range []*float32{&lo, &hi} {
		t, err := r.optional(n, i+1)
		if err != nil {
			return nil, r.fail(n, "%v", err)
		}
		if t != nil {
			x, ok := t.scalar()
			if !ok {
				return nil, r.fail(n, "its bounds are no numbers")
			}
			*to = float32(x)
		}
	}
	v := r.arg(n, 0)
	if e := v.expression("shift"); e != nil && e.number == 3 && lo == 0 && hi == 6 {
		return r.express(n, "clip6", e.args[0]), nil // of x + 3
	}
	return r.clipped(n, v, lo, hi)
}

func (r *reading) clipped(n *node, v *value, lo, hi float32) (*value, error) {
	inf := float32(math.Inf(1))
	switch {
	case lo == 0 && hi == inf:
		return r.valueByValue(n, v, engine.ReLU{})
	case lo == 0 && hi == 6:
		return r.valueByValue(n, v, engine.Clip{})
	case lo == -inf && hi == inf:
		return v, nil
	}
	wide := func(x float32) float64 {
		if x == inf || x == -inf {
			return float64(x)
		}
		return tidy(x)
	}
	return r.valueByValue(n, v, engine.Clip{Low: wide(lo), High: wide(hi)})
}

// bound is the maximum or minimum of a value and a number.
func (r *reading) bound(n *node) (*value, error) {
	v, t, _, err := r.withConstant(n)
	if err != nil || t == nil {
		return nil, err
	}
	x, ok := t.scalar()
	switch {
	case !ok:
		return nil, nil
	case n.op == "Max":
		return r.clipped(n, v, float32(x), float32(math.Inf(1)))
	}
	return r.clipped(n, v, float32(math.Inf(-1)), float32(x))
}

func (r *reading) gelu(n *node) (*value, error) {
	if n.text("approximate", "none") != "none" {
		return nil, r.fail(n, "the approximation by tanh is not read")
	}
	return r.valueByValue(n, r.arg(n, 0), engine.GELU{})
}

func (r *reading) cast(n *node) (*value, error) {
	v := r.arg(n, 0)
	switch to := n.int("to", 1); {
	case to == 1 || to == 10 || to == 11 || to == 16:
		return v, nil
	case (to == 6 || to == 7) && v.op == r.start && v.plain(): // tokens
		return v, nil
	}
	return nil, nil
}

// weights is a constant of numbers with so many axes.
func (r *reading) weights(n *node, i, axes int) (*tensor, error) {
	t, err := r.constant(n, i)
	if err != nil {
		return nil, r.fail(n, "%v", err)
	}
	if t.whole || len(t.dims) != axes || t.size() == 0 {
		return nil, r.fail(n, "its input %d has the axes %v of whole numbers %v; it needs %d of numbers", i, t.dims, t.whole, axes)
	}
	return t, nil
}

func (r *reading) conv(n *node) (*value, error) {
	v := r.arg(n, 0)
	if v.c != nil {
		return nil, nil
	}
	axes := len(v.dims)
	if axes != 3 && axes != 4 {
		return nil, r.fail(n, "its input has %d axes; read are images and sequences", axes)
	}
	w, err := r.weights(n, 1, axes)
	if err != nil {
		return nil, err
	}
	var bias []float32
	if r.arg(n, 2) != nil {
		b, err := r.weights(n, 2, 1)
		if err != nil {
			return nil, err
		}
		bias = slices.Clone(b.floats)
	}
	out, per, taps := w.dims[0], w.dims[1], product(w.dims[2:])
	groups := n.int("group", 1)
	turned := make([]float32, len(w.floats)) // taps × per × out
	for o := range out {
		for i := range per {
			for t := range taps {
				turned[(t*per+i)*out+o] = w.floats[(o*per+i)*taps+t]
			}
		}
	}
	places := n.windows(v.dims[2:], w.dims[2:])
	if places == nil {
		return nil, r.fail(n, "its windows do not fit its input")
	}
	if bias != nil && len(bias) != out {
		return nil, r.fail(n, "it has %d biases for %d channels", len(bias), out)
	}
	if v.op.kind != expression && len(v.op.shape) == 1 && taps == 1 && groups == 1 && product(v.dims[2:]) == 1 && places[0].out == 1 && places[len(places)-1].out == 1 && v.plain() {
		flat := &value{dims: v.dims[:2], op: v.op, only: v.only}
		y, err := r.product(n, flat, turned, out, bias)
		if err != nil {
			return nil, err
		}
		y.dims = append(slices.Clone(y.dims), v.dims[2:]...)
		return y, nil
	}
	x, err := r.image(n, v)
	if err != nil {
		return nil, err
	}
	if groups < 1 || per*groups != v.dims[1] {
		return nil, r.fail(n, "%d groups of %d channels are not the %d of its input", groups, per, v.dims[1])
	}
	tensors := map[string][]float32{"weight": turned}
	if bias != nil {
		tensors["bias"] = bias
	}
	var l engine.Layer
	if axes == 4 {
		l = conv2D(x.shape, places, out, groups, bias == nil)
	} else {
		l = conv1D(x.shape, places[0], out, groups, bias == nil)
	}
	o, err := r.add(n, l, x, tensors)
	if err != nil {
		return nil, err
	}
	dims := []int{r.batch, out}
	for i, p := range places {
		if dims = append(dims, p.out); o.shape[i] != p.out {
			return nil, r.fail(n, "its windows would give %v", o.shape)
		}
	}
	return planesOf(dims, o), nil
}

// places is what windows see along an axis.
type places struct{ size, stride, dilation, before, after, out int }

// windows are those of a convolution or a pooling; nil if they do not fit.
func (n *node) windows(in, size []int) []places {
	strides, dilations, pads := n.ints("strides"), n.ints("dilations"), n.ints("pads")
	auto := n.text("auto_pad", "NOTSET")
	out := make([]places, len(in))
	for i := range in {
		p := places{size: size[i], stride: 1, dilation: 1}
		if i < len(strides) {
			p.stride = strides[i]
		}
		if i < len(dilations) {
			p.dilation = dilations[i]
		}
		if len(pads) == 2*len(in) {
			p.before, p.after = pads[i], pads[i+len(in)]
		}
		const most = 1 << 20
		if p.size < 1 || p.stride < 1 || p.dilation < 1 || p.before < 0 || p.after < 0 || max(p.size, p.stride, p.dilation, p.before, p.after) > most {
			return nil
		}
		span := (p.size-1)*p.dilation + 1
		if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
			all := max(((in[i]+p.stride-1)/p.stride-1)*p.stride+span-in[i], 0)
			if p.before = all / 2; auto == "SAME_LOWER" {
				p.before = (all + 1) / 2
			}
			p.after = all - p.before
		}
		free := in[i] + p.before + p.after - span
		if free < 0 {
			return nil
		}
		p.out = free/p.stride + 1
		out[i] = p
	}
	return out
}

// fits reports whether a window of the engine is that.
func (p places) fits(w engine.Window) bool { return p.before == w.Before && p.out == w.Out }

func conv2D(in data.Shape, p []places, out, groups int, noBias bool) engine.Conv {
	rows, columns := p[0], p[1]
	c := engine.Conv{Out: out, Kernel: rows.size, Stride: other(rows.stride, 1), Dilation: other(rows.dilation, 1), Groups: other(groups, 1), NoBias: noBias}
	c.Columns = engine.Along{Size: other(columns.size, rows.size), Stride: other(columns.stride, rows.stride), Dilation: other(columns.dilation, rows.dilation)}
	if a, b := c.Windows(in); rows.fits(a) && columns.fits(b) {
		return c
	}
	c.Pad = engine.Pad{Top: rows.before, Left: columns.before, Bottom: rows.after, Right: columns.after}
	c.Valid = c.Pad == engine.Pad{}
	return c
}

func conv1D(in data.Shape, p places, out, groups int, noBias bool) engine.Conv1D {
	c := engine.Conv1D{Out: out, Kernel: p.size, Stride: other(p.stride, 1), Dilation: other(p.dilation, 1), Groups: other(groups, 1), NoBias: noBias}
	causal := c
	causal.Causal = true
	switch {
	case p.fits(c.Window(in)):
		return c
	case p.fits(causal.Window(in)):
		return causal
	}
	c.Before, c.After = p.before, p.after
	c.Valid = p.before+p.after == 0
	return c
}

// other is 0 for what is the default.
func other(n, otherwise int) int {
	if n == otherwise {
		return 0
	}
	return n
}

func (r *reading) gemm(n *node) (*value, error) {
	v := r.arg(n, 0)
	if v.c != nil || n.int("transA", 0) != 0 || len(v.dims) != 2 {
		return nil, nil
	}
	w, err := r.weights(n, 1, 2)
	if err != nil {
		return nil, err
	}
	alpha, beta := n.float("alpha", 1), n.float("beta", 1)
	in, out := w.dims[0], w.dims[1]
	weight := slices.Clone(w.floats)
	if n.int("transB", 0) != 0 {
		if in, out = out, in; true {
			for i := range in {
				for o := range out {
					weight[i*out+o] = w.floats[o*in+i]
				}
			}
		}
	}
	for i := range weight {
		weight[i] *= alpha
	}
	var bias []float32
	if r.arg(n, 2) != nil {
		t, err := r.constant(n, 2)
		if err != nil {
			return nil, r.fail(n, "%v", err)
		}
		if t.whole || t.size() != out && t.size() != 1 {
			return nil, r.fail(n, "its bias has %d numbers for %d outputs", t.size(), out)
		}
		bias = make([]float32, out)
		for i := range bias {
			bias[i] = beta * t.floats[i%t.size()]
		}
	}
	return r.product(n, v, weight, out, bias)
}

func (r *reading) batchNorm(n *node) (*value, error) {
	v, err := r.layers(r.arg(n, 0))
	if err != nil {
		return nil, err
	}
	if n.int("training_mode", 0) != 0 || len(n.outputs) > 1 && n.outputs[1] != "" || len(v.dims) < 2 {
		return nil, r.fail(n, "only the form for inference is read")
	}
	tensors := map[string][]float32{}
	for i, name := range []string{"weight", "bias", "running_mean", "running_var"} {
		t, err := r.weights(n, i+1, 1)
		if err != nil {
			return nil, err
		}
		dims := slices.Repeat([]int{1}, len(v.dims)-1)
		if dims[0] = t.size(); t.size() != v.dims[1] {
			return nil, r.fail(n, "it has %d numbers for %d channels", t.size(), v.dims[1])
		}
		list, features, ok := r.spreadOver(v, t.with(dims))
		if !ok {
			return nil, r.fail(n, "its input is a part of what the layer before it gives")
		}
		if !features {
			if v, err = r.flat(n, v); err != nil {
				return nil, err
			}
			list, _, _ = r.spreadOver(v, t.with(dims))
		}
		tensors[name] = slices.Clone(list)
	}
	for _, list := range tensors {
		if len(list) != v.op.shape[len(v.op.shape)-1] {
			return nil, r.fail(n, "its channels are not those of the layer before it")
		}
	}
	o, err := r.add(n, engine.BatchNorm{Eps: epsOf(n.float("epsilon", 1e-5))}, v.op, tensors)
	if err != nil {
		return nil, err
	}
	return v.behind(o), nil
}

// flat is a value behind a Flatten, so that every number is a feature.
func (r *reading) flat(n *node, v *value) (*value, error) {
	o, err := r.reshape(n, v.op, data.Shape{v.op.shape.Size()})
	if err != nil {
		return nil, err
	}
	out := v.behind(o)
	out.only = v.only
	return out, nil
}

func (r *reading) maxPool(n *node) (*value, error) {
	size := n.ints("kernel_shape")
	v := r.arg(n, 0)
	if v.c != nil || len(size) != len(v.dims)-2 || len(n.outputs) > 1 {
		return nil, nil
	}
	x, err := r.image(n, v)
	if err != nil {
		return nil, err
	}
	p := n.windows(v.dims[2:], size)
	if p == nil || slices.ContainsFunc(p, func(p places) bool { return p.dilation != 1 }) {
		return nil, r.fail(n, "its windows do not fit its input, or have gaps")
	}
	if n.int("ceil_mode", 0) != 0 {
		for i, q := range p {
			if (v.dims[2+i]+q.before+q.after-q.size)%q.stride != 0 {
				return nil, r.fail(n, "ceil_mode is not read")
			}
		}
	}
	l := engine.MaxPool{Size: p[0].size, Stride: other(p[0].stride, p[0].size), Pad: engine.Pad{Top: p[0].before, Bottom: p[0].after}}
	if len(p) == 2 {
		l.Columns = engine.Along{Size: other(p[1].size, p[0].size), Stride: p[1].stride}
		l.Pad.Left, l.Pad.Right = p[1].before, p[1].after
		if l.Columns.Size == 0 && p[1].stride == p[0].stride {
			l.Columns.Stride = 0
		}
	}
	o, err := r.add(n, l, x, nil)
	if err != nil {
		return nil, err
	}
	dims := []int{r.batch, v.dims[1]}
	for i, q := range p {
		if dims = append(dims, q.out); o.shape[i] != q.out {
			return nil, r.fail(n, "its windows would give %v", o.shape)
		}
	}
	return planesOf(dims, o), nil
}

func (r *reading) averagePool(n *node) (*value, error) {
	size := n.ints("kernel_shape")
	v := r.arg(n, 0)
	if v.c != nil || len(size) != len(v.dims)-2 {
		return nil, nil
	}
	p := n.windows(v.dims[2:], size)
	if p == nil {
		return nil, r.fail(n, "its windows do not fit its input")
	}
	if slices.Equal(size, v.dims[2:]) && !slices.ContainsFunc(p, func(p places) bool { return p.before+p.after > 0 }) {
		return r.global(n)
	}
	dims := []int{r.batch, v.dims[1]}
	for i, q := range p {
		if q.size != p[0].size || q.stride != q.size || q.before+q.after > 0 || q.dilation != 1 || n.int("ceil_mode", 0) != 0 && v.dims[2+i]%q.size != 0 {
			return nil, r.fail(n, "read are windows that are square, follow each other and have no padding")
		}
		dims = append(dims, q.out)
	}
	x, err := r.image(n, v)
	if err != nil {
		return nil, err
	}
	o, err := r.add(n, engine.AvgPool{Size: p[0].size}, x, nil)
	if err != nil {
		return nil, err
	}
	return planesOf(dims, o), nil
}

// global takes all places of each channel together.
func (r *reading) global(n *node) (*value, error) {
	v := r.arg(n, 0)
	if v.c != nil {
		return nil, nil
	}
	x, err := r.image(n, v)
	if err != nil {
		return nil, err
	}
	var l engine.Layer = engine.GlobalAvgPool{}
	if n.op == "GlobalMaxPool" || n.op == "ReduceMax" {
		l = engine.GlobalMaxPool{}
	}
	o, err := r.add(n, l, x, nil)
	if err != nil {
		return nil, err
	}
	dims := slices.Repeat([]int{1}, len(v.dims))
	dims[0], dims[1] = v.dims[0], v.dims[1]
	return &value{dims: dims, op: o}, nil
}

// reduce is the mean or the maximum over places, or the mean of a norm.
func (r *reading) reduce(n *node) (*value, error) {
	v := r.arg(n, 0)
	axes, _, err := r.axes(n, 1)
	if err != nil {
		return nil, r.fail(n, "%v", err)
	}
	if v.c != nil || axes == nil {
		return nil, nil
	}
	rank, keep := len(v.dims), n.int("keepdims", 1) != 0
	for i, a := range axes {
		if axes[i], err = axisOf(a, rank); err != nil {
			return nil, r.fail(n, "%v", err)
		}
	}
	slices.Sort(axes)
	if n.op == "ReduceMean" && keep && len(axes) == 1 && axes[0] == rank-1 {
		if e := v.expression("square"); e != nil {
			out := r.express(n, "variance", e.args[0])
			out.op.share, out.op.args = e.share, e.args
			out.dims = reduced(v.dims)
			return out, nil
		}
		if slices.ContainsFunc(r.readers[n.outputs[0]], func(m *node) bool { return m.op == "Sub" || m.op == "Mul" }) {
			x, err := r.layers(v)
			if err != nil {
				return nil, err
			}
			out := r.express(n, "mean", x)
			out.op.share = 1
			out.dims = reduced(v.dims)
			return out, nil
		}
	}
	var y *value
	switch {
	case rank >= 3 && axes[0] == 2 && len(axes) == rank-2 && axes[len(axes)-1] == rank-1:
		if y, err = r.global(n); err != nil {
			return nil, err
		}
	case rank >= 3 && axes[0] == 1 && len(axes) == rank-2 && axes[len(axes)-1] == rank-2: // channels last
		last := append([]int{0, rank - 1}, axes...)
		step, to, own := make([]int, rank), make([]int, rank), strides(v.dims)
		for i, a := range last {
			step[i], to[i] = own[a], v.dims[a]
		}
		if v, err = r.layers(v); err != nil {
			return nil, err
		}
		m := *n
		turned := v.moved(moved{to, strided(to, step, 0)})
		m.inputs = []string{"\x00turned"}
		r.values[m.inputs[0]] = r.anyOrder(turned)
		if y, err = r.global(&m); err != nil {
			return nil, err
		}
		y.dims[1], y.dims[rank-1] = 1, y.dims[1]
	default:
		return nil, r.fail(n, "read are means over all places, or over the last axis within a norm")
	}
	if !keep {
		y.dims = slices.DeleteFunc(y.dims, func(d int) bool { return d == 1 })
		y.dims = []int{r.batch, product(y.dims) / r.batch}
		if r.batch == 1 {
			y.dims = []int{1, y.size()}
		}
	}
	return y, nil
}

// anyOrder is a value with channels first whose places may be in any order, as of what is
// done to all of them together.
func (r *reading) anyOrder(v *value) *value {
	if v.op.shape == nil || v.size() != r.batch*v.op.shape.Size() || len(v.dims) < 3 {
		return v
	}
	c := v.dims[1]
	p := product(v.dims[2:])
	for i := range v.size() {
		at := v.at(i)
		if at/(c*p) != i/(c*p) || at%c != i/p%c {
			return v
		}
	}
	return planesOf(v.dims, v.op)
}

func reduced(dims []int) []int {
	out := slices.Clone(dims)
	out[len(out)-1] = 1
	return out
}

func (r *reading) concat(n *node) (*value, error) {
	var list []*value
	for i := range n.inputs {
		v := r.arg(n, i)
		if v == nil {
			return nil, nil
		}
		list = append(list, v)
	}
	axis, err := axisOf(n.int("axis", 0), len(list[0].dims))
	if err != nil {
		return nil, r.fail(n, "%v", err)
	}
	if len(list) == 2 && axis == 1 && len(list[0].dims) == 3 && (list[0].c != nil || list[1].c != nil) {
		return r.classToken(n, list)
	}
	o := &op{kind: concat, node: n}
	dims := slices.Clone(list[0].dims)
	dims[axis] = 0
	planes := axis == 1 && len(dims) >= 3
	for _, v := range list {
		if v.c != nil || len(v.dims) != len(dims) || v.dims[0] != r.batch {
			return nil, nil
		}
		for i, d := range v.dims {
			if i != axis && d != dims[i] {
				return nil, r.fail(n, "its inputs have the axes %v and %v", list[0].dims, v.dims)
			}
		}
		dims[axis] += v.dims[axis]
		var x *op
		if planes {
			x, err = r.image(n, v)
		} else {
			x, err = r.inOrder(n, v)
		}
		if err != nil {
			return nil, err
		}
		o.in = append(o.in, x)
	}
	if axis != len(dims)-1 && !planes || !small(dims) {
		return nil, r.fail(n, "read is what lies side by side along the channels")
	}
	o.shape = slices.Clone(data.Shape(dims[1:]))
	if planes {
		o.shape = slices.Concat(data.Shape(dims[2:]), data.Shape{dims[1]})
		return planesOf(dims, o), nil
	}
	return &value{dims: dims, op: o}, nil
}

// inOrder is an op that gives the numbers of a value in their order.
func (r *reading) inOrder(n *node, v *value) (*op, error) {
	v, err := r.layers(v)
	if err != nil {
		return nil, err
	}
	if !v.plain() || v.size() != r.batch*v.op.shape.Size() || v.dims[0] != r.batch {
		return nil, r.fail(n, "its input is not in the order in which the layer before it gives it")
	}
	return r.reshape(n, v.op, slices.Clone(data.Shape(v.dims[1:])))
}

// classToken is one more step, before or behind the others.
func (r *reading) classToken(n *node, list []*value) (*value, error) {
	front := list[0].c != nil
	token, x := list[0], list[1]
	if !front {
		token, x = x, token
	}
	if x.c != nil || len(token.dims) != 3 || token.dims[1] != 1 || token.dims[2] != x.dims[2] || token.dims[0] != 1 && token.dims[0] != r.batch || token.c.whole {
		return nil, nil
	}
	o, err := r.inOrder(n, x)
	if err != nil {
		return nil, err
	}
	features := x.dims[2]
	w := token.c.floats[:features]
	for i, f := range token.c.floats {
		if f != w[i%features] {
			return nil, r.fail(n, "the step that it adds is not the same for all rows")
		}
	}
	y, err := r.add(n, engine.ClassToken{}, o, map[string][]float32{"weight": slices.Clone(w)})
	if err != nil {
		return nil, err
	}
	steps := y.shape[0]
	place := make([]int, r.batch*steps)
	for i := range place {
		place[i] = i
		if front { // here it is the last one
			place[i] = i/steps*steps + (i%steps+steps-1)%steps
		}
	}
	return ofRows([]int{r.batch, steps, features}, place, features, y), nil
}

func (r *reading) resize(n *node) (*value, error) {
	v := r.arg(n, 0)
	t, err := r.optional(n, 2)
	if v.c != nil || err != nil || t == nil || t.size() != 4 || len(v.dims) != 4 || n.text("mode", "nearest") != "nearest" ||
		n.text("coordinate_transformation_mode", "half_pixel") != "asymmetric" || n.text("nearest_mode", "round_prefer_floor") != "floor" {
		return nil, nil
	}
	k := int(t.at(2))
	if t.at(0) != 1 || t.at(1) != 1 || t.at(3) != t.at(2) || float64(k) != t.at(2) || k < 1 || k > 1<<10 {
		return nil, nil
	}
	x, err := r.image(n, v)
	if err != nil {
		return nil, err
	}
	o, err := r.add(n, engine.Upsample{Size: k}, x, nil)
	if err != nil {
		return nil, err
	}
	return planesOf([]int{v.dims[0], v.dims[1], k * v.dims[2], k * v.dims[3]}, o), nil
}

// embedding is rows of a table, chosen by the tokens of the input.
func (r *reading) embedding(n *node) (*value, error) {
	table, tokens := r.arg(n, 0), r.arg(n, 1)
	if table.c == nil || tokens == nil || tokens.op != r.start || !tokens.plain() || len(tokens.dims) != 2 || len(table.dims) != 2 || table.c.whole || n.int("axis", 0) != 0 {
		return nil, nil
	}
	o, err := r.add(n, engine.Embedding{Vocab: table.dims[0], Out: table.dims[1]}, r.start, map[string][]float32{"weight": slices.Clone(table.c.floats)})
	if err != nil {
		return nil, err
	}
	return &value{dims: []int{tokens.dims[0], tokens.dims[1], table.dims[1]}, op: o}, nil
}

// gru is a GRU along the first axis of its input.
func (r *reading) gru(n *node) (*value, error) {
	v, err := r.layers(r.arg(n, 0))
	if err != nil {
		return nil, err
	}
	h := n.int("hidden_size", 0)
	if n.int("linear_before_reset", 0) != 1 || n.text("direction", "forward") != "forward" || n.int("layout", 0) != 0 || len(v.dims) != 3 || n.attrs["clip"] != nil ||
		n.attrs["activations"] != nil || r.arg(n, 4) != nil || r.arg(n, 5) != nil || h < 1 {
		return nil, r.fail(n, "read is one forward, with linear_before_reset, without lengths and a first state")
	}
	steps, in := v.dims[0], v.dims[2]
	w, err := r.weights(n, 1, 3)
	if err != nil {
		return nil, err
	}
	u, err := r.weights(n, 2, 3)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(w.dims, []int{1, 3 * h, in}) || !slices.Equal(u.dims, []int{1, 3 * h, h}) || v.dims[1] != r.batch {
		return nil, r.fail(n, "its weights do not fit")
	}
	bias := make([]float32, 6*h)
	if r.arg(n, 3) != nil {
		b, err := r.weights(n, 3, 2)
		if err != nil || len(b.floats) != 6*h {
			return nil, r.fail(n, "its bias does not fit")
		}
		copy(bias, b.floats)
	}
	turn := func(i int) int { return i%r.batch*steps*in + i/r.batch*in }
	for i := range v.size() {
		if v.at(i) != turn(i/in)+i%in {
			return nil, r.fail(n, "its input is not the steps of what the layer before it gives")
		}
	}
	x, err := r.reshape(n, v.op, data.Shape{steps, in})
	if err != nil {
		return nil, err
	}
	order := func(w []float32, rows int) []float32 { // of gates z, r, n × h × rows into rows × gates r, z, n × h
		out := make([]float32, len(w))
		for g, from := range []int{1, 0, 2} {
			for j := range h {
				for i := range rows {
					out[i*3*h+g*h+j] = w[(from*h+j)*rows+i]
				}
			}
		}
		return out
	}
	o, err := r.add(n, engine.GRU{Out: h}, x, map[string][]float32{
		"input.weight": order(w.floats, in), "hidden.weight": order(u.floats, h), "input.bias": order(bias[:3*h], 1), "hidden.bias": order(bias[3*h:], 1),
	})
	if err != nil {
		return nil, err
	}
	place := make([]int, steps*r.batch)
	for i := range place {
		place[i] = i%r.batch*steps + i/r.batch
	}
	return ofRows([]int{steps, 1, r.batch, h}, place, h, o), nil
}

// withConstant are the two inputs of a node, one of which may be a constant; second says
// that the constant is the second one.
func (r *reading) withConstant(n *node) (v *value, t *tensor, second bool, err error) {
	a, b := r.arg(n, 0), r.arg(n, 1)
	if a == nil || b == nil || len(n.inputs) != 2 {
		return nil, nil, false, r.fail(n, "it has %d inputs", len(n.inputs))
	}
	switch {
	case b.c != nil:
		return a, b.c, true, nil
	case a.c != nil:
		return b, a.c, false, nil
	}
	return a, nil, false, nil
}

// sameOrder reports whether two values show numbers in the same order.
func sameOrder(a, b *value) bool {
	if !slices.Equal(a.dims, b.dims) {
		return false
	}
	if a.index == nil && b.index == nil {
		return a.planes == b.planes
	}
	for i := range a.size() {
		if a.at(i) != b.at(i) {
			return false
		}
	}
	return true
}

// same reports whether two values are the same numbers.
func same(a, b *value) bool { return a != nil && b != nil && a.op == b.op && sameOrder(a, b) }

func (n *node) String() string { return fmt.Sprintf("%s %s", n.title(), n.op) }
