package reader

import (
	"math"
	"slices"

	"budwood/data"
	"budwood/engine"
)

func (r *reading) matMul(n *node) (*value, error) {
	a, b := r.arg(n, 0), r.arg(n, 1)
	if a == nil || b == nil || a.c != nil {
		return nil, nil
	}
	if b.c != nil {
		w, err := r.weights(n, 1, 2)
		if err != nil {
			return nil, err
		}
		if a.dims[len(a.dims)-1] != w.dims[0] {
			return nil, r.fail(n, "its weights of %v do not fit %v", w.dims, a.dims)
		}
		return r.product(n, a, w.floats, w.dims[1], nil)
	}
	rank := len(a.dims)
	if rank < 3 || len(b.dims) != rank || !slices.Equal(a.dims[:rank-2], b.dims[:rank-2]) || a.dims[rank-1] != b.dims[rank-2] {
		return nil, nil
	}
	dims := slices.Clone(a.dims)
	if dims[rank-1] = b.dims[rank-1]; !small(dims) {
		return nil, r.fail(n, "%v", errLarge)
	}
	if a.expression("softmax") != nil {
		return r.mix(n, a.op, b, dims)
	}
	out := r.express(n, "scores", a, b)
	out.dims = dims
	return out, nil
}

// unscaled is a value without the numbers that it was multiplied by, and their product.
func unscaled(v *value) (*value, float64) {
	factor := 1.
	for v.c == nil && v.op.kind == expression && v.op.what == "scale" {
		factor *= v.op.number
		v = v.op.args[0].moved(moved{v.dims, v.at})
	}
	return v, factor
}

// columns are the features of a linear layer that heads see.
type columns struct {
	of    *op
	dense engine.Dense
	list  []int // feature j of head h at h·size + j
}

// mix is what attention gives: softmax of scaled products of queries and keys, times
// values. All three must be features of linear layers of one input, the same for every
// step.
func (r *reading) mix(n *node, softmax *op, v *value, dims []int) (*value, error) {
	s := softmax.args[0]
	var mask *tensor
	if e := s.expression("masked"); e != nil {
		s, mask = e.args[0], e.args[1].c
	}
	s, factor := unscaled(s)
	e := s.expression("scores")
	if e == nil {
		return nil, r.fail(n, "it is no attention")
	}
	q, fq := unscaled(e.args[0])
	k, fk := unscaled(e.args[1])
	v, fv := unscaled(v)
	if fv != 1 {
		return nil, r.fail(n, "it scales the values of an attention")
	}
	rank := len(q.dims)
	steps, size := q.dims[rank-2], q.dims[rank-1]
	lead := product(q.dims[:rank-2])
	heads := lead / r.batch
	if k.dims[rank-1] != steps || v.dims[rank-2] != steps || v.dims[rank-1] != size || heads*r.batch != lead {
		return nil, r.fail(n, "queries, keys and values are not of the same steps and sizes")
	}
	key := k.moved(moved{v.dims, func(i int) int { return (i/(steps*size)*size+i%size)*steps + i/size%steps }})
	number := map[int]int{} // heads by their first query
	rows, order := make([][2]int, lead), make([]int, steps)
	all := make([]columns, 3)
	for part, x := range []*value{q, key, v} {
		c := &all[part]
		if x.c != nil || x.op.kind != layer {
			return nil, r.fail(n, "its queries, keys and values are not those of linear layers")
		}
		d, ok := x.op.layer.(engine.Dense)
		if c.of, c.dense = x.op, d; !ok || !d.PerStep || len(x.op.shape) != 2 || x.op.shape[0] != steps {
			return nil, r.fail(n, "its queries, keys and values are not those of linear layers")
		}
		f := d.Out
		c.list = slices.Repeat([]int{-1}, heads*size)
		for l := range lead {
			at := x.at(l * steps * size)
			if part == 0 {
				if _, known := number[at%f]; !known {
					number[at%f] = len(number)
				}
				if rows[l] = [2]int{at / (steps * f), number[at%f]}; rows[l][1] >= heads {
					return nil, r.fail(n, "it has other heads for other rows")
				}
			}
			for t := range steps {
				for j := range size {
					at := x.at((l*steps+t)*size + j)
					if part == 0 && l == 0 && j == 0 {
						order[t] = at / f % steps
					}
					to := &c.list[rows[l][1]*size+j]
					if at/(steps*f) != rows[l][0] || at/f%steps != order[t] || *to >= 0 && *to != at%f {
						return nil, r.fail(n, "its heads are not the same features of every step")
					}
					*to = at % f
				}
			}
		}
		if c.of.in[0] != all[0].of.in[0] || slices.Contains(c.list, -1) {
			return nil, r.fail(n, "queries, keys and values are of different values")
		}
	}
	causal, err := r.causal(n, mask, steps, order)
	if err != nil {
		return nil, err
	}
	width := heads * size
	o := &op{kind: expression, what: "heads", node: n, in: all[0].of.in, shape: data.Shape{steps, width}, number: float64(heads)}
	if causal {
		o.share = 1
	}
	o.tensors = fused(all, factor*fq*fk*math.Sqrt(float64(size)), width)
	out := &value{dims: dims, op: o, index: make([]int32, lead*steps*size)}
	for i := range out.index {
		l, t, j := i/(steps*size), i/size%steps, i%size
		out.index[i] = int32((rows[l][0]*steps+order[t])*width + rows[l][1]*size + j)
	}
	return out.settled(), nil
}

// fused are the weights of queries, keys and values side by side, the queries with a
// factor.
func fused(all []columns, factor float64, width int) map[string][]float32 {
	if math.Abs(factor-1) < 1e-6 {
		factor = 1
	}
	in := len(all[0].of.tensors["weight"]) / all[0].dense.Out
	weight, bias, has := make([]float32, in*3*width), make([]float32, 3*width), false
	for part, c := range all {
		by := float32(1)
		if part == 0 {
			by = float32(factor)
		}
		w, b := c.of.tensors["weight"], c.of.tensors["bias"]
		for to, from := range c.list {
			for i := range in {
				weight[i*3*width+part*width+to] = by * w[i*c.dense.Out+from]
			}
			if b != nil {
				bias[part*width+to], has = by*b[from], true
			}
		}
	}
	if !has {
		bias = nil
	}
	return map[string][]float32{"qkv.weight": weight, "qkv.bias": bias}
}

// causal reports whether a mask hides the steps behind each one.
func (r *reading) causal(n *node, mask *tensor, steps int, order []int) (bool, error) {
	if mask == nil {
		return false, nil
	}
	if mask.size() != steps*steps {
		return false, r.fail(n, "the mask of its attention has the shape %v", mask.dims)
	}
	for i := range steps * steps {
		hidden := i%steps > i/steps
		if x := mask.at(i); hidden && x > -1e4 || !hidden && x != 0 || order[i/steps] != i/steps {
			return false, r.fail(n, "the mask of its attention is not causal")
		}
	}
	return true, nil
}

// attention is heads, and the linear layer behind them with weights of width × out.
func (r *reading) attention(n *node, heads *op, w []float32, out int, bias []float32) (*op, error) {
	features, width, count := heads.in[0].shape[len(heads.in[0].shape)-1], heads.shape[1], int(heads.number)
	if out != features {
		return nil, r.fail(n, "an attention over %d features gives %d", features, out)
	}
	l := engine.Attention{Heads: other(count, 1), Causal: heads.share == 1}
	if width != features {
		l.HeadSize = width / count
	}
	tensors := map[string][]float32{"qkv.weight": heads.tensors["qkv.weight"], "out.weight": w}
	inner := heads.tensors["qkv.bias"]
	if l.NoBias = inner == nil && bias == nil; !l.NoBias {
		if inner == nil {
			inner = make([]float32, 3*width)
		}
		if bias == nil {
			bias = make([]float32, out)
		}
		tensors["qkv.bias"], tensors["out.bias"] = inner, slices.Clone(bias)
	}
	return r.add(n, l, heads.in[0], tensors)
}
