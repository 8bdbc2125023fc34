package reader

import (
	"errors"
	"fmt"
	"math"
)

// fold computes a node whose inputs are constants; false if the operator is none of those.
func (r *reading) fold(n *node) (out []*tensor, known bool, err error) {
	var in []*tensor
	for i, name := range n.inputs {
		if name == "" {
			in = append(in, nil)
			continue
		}
		v := r.values[name]
		if v == nil || v.c == nil {
			if n.op == "Shape" && i == 0 && v != nil {
				return []*tensor{wholeNumbers(v.dims...)}, true, nil
			}
			return nil, false, nil
		}
		in = append(in, v.c)
	}
	if n.op != "Constant" && (len(in) == 0 || in[0] == nil) {
		return nil, false, nil
	}
	if moves[n.op] {
		list, err := r.move(n, in[0].dims)
		for _, m := range list {
			if m.from == nil {
				out = append(out, in[0].with(m.dims))
			} else {
				out = append(out, in[0].gather(m.dims, m.from))
			}
		}
		return out, true, err
	}
	one := func(t *tensor, err error) ([]*tensor, bool, error) { return []*tensor{t}, true, err }
	switch n.op {
	case "Constant":
		return one(constantOf(n))
	case "Shape":
		return one(wholeNumbers(in[0].dims...), nil)
	case "ConstantOfShape":
		dims, err := in[0].list()
		if err != nil || !small(dims) {
			return nil, true, errors.Join(err, errLarge)
		}
		t := &tensor{dims: []int{1}, floats: []float32{0}}
		if a := n.attrs["value"]; a != nil && a.tensor != nil && a.tensor.size() == 1 {
			t = a.tensor
		}
		return one(t.gather(dims, func(int) int { return 0 }), nil)
	case "Cast":
		to := n.int("to", 1)
		t := in[0].empty(in[0].dims)
		if t.whole = to != 1 && to != 10 && to != 11 && to != 16; t.whole {
			t.floats, t.ints = nil, make([]int64, in[0].size())
			for i := range t.ints {
				t.ints[i] = int64(in[0].at(i))
			}
		} else {
			t.ints, t.floats = nil, append([]float32(nil), in[0].numbers()...)
		}
		return one(t, nil)
	case "Concat":
		return one(joined(in, n.int("axis", 0)))
	case "Range":
		if len(in) != 3 {
			return nil, false, nil
		}
		lo, _ := in[0].scalar()
		hi, _ := in[1].scalar()
		by, ok := in[2].scalar()
		count := math.Ceil((hi - lo) / by)
		if !ok || by == 0 || !(count >= 0 && count <= maxValues) {
			return nil, true, errLarge
		}
		t := in[0].empty([]int{int(count)})
		for i := range int(count) {
			if v := lo + float64(i)*by; t.whole {
				t.ints[i] = int64(v)
			} else {
				t.floats[i] = float32(v)
			}
		}
		return one(t, nil)
	case "Where":
		if len(in) != 3 || in[1] == nil || in[2] == nil {
			return nil, false, nil
		}
		return one(where(in[0], in[1], in[2]))
	case "Sqrt", "Neg", "Floor", "Erf", "Exp", "Reciprocal", "Not", "Abs":
		return one(in[0].each(map[string]func(float64) float64{
			"Sqrt": math.Sqrt, "Neg": func(x float64) float64 { return -x }, "Floor": math.Floor, "Erf": math.Erf, "Exp": math.Exp,
			"Reciprocal": func(x float64) float64 { return 1 / x }, "Not": func(x float64) float64 { return truth(x == 0) }, "Abs": math.Abs,
		}[n.op]), nil)
	case "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mod", "Equal", "Less", "Greater", "And", "Or":
		t := in[0]
		for _, u := range in[1:] {
			if u == nil {
				return nil, false, nil
			}
			if t, err = pairwise(n.op, t, u); err != nil {
				return nil, true, err
			}
		}
		return one(t, nil)
	}
	return nil, false, nil
}

func constantOf(n *node) (*tensor, error) {
	for name, a := range n.attrs {
		switch name {
		case "value":
			if a.tensor != nil {
				return a.tensor, nil
			}
		case "value_float":
			return &tensor{floats: []float32{a.f}}, nil
		case "value_floats":
			return &tensor{dims: []int{len(a.floats)}, floats: a.floats}, nil
		case "value_int":
			return &tensor{ints: []int64{a.i}, whole: true}, nil
		case "value_ints":
			return &tensor{dims: []int{len(a.ints)}, ints: a.ints, whole: true}, nil
		}
	}
	return nil, errors.New("it has no value that is read")
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// each applies a function to all values.
func (t *tensor) each(f func(float64) float64) *tensor {
	out := t.empty(t.dims)
	for i := range t.size() {
		if v := f(t.at(i)); t.whole {
			out.ints[i] = int64(v)
		} else {
			out.floats[i] = float32(v)
		}
	}
	return out
}

// pairwise computes an operator of two constants.
func pairwise(op string, a, b *tensor) (*tensor, error) {
	dims, ofA, err := broadcast(a.dims, b.dims)
	if err != nil {
		return nil, err
	}
	_, ofB, err := broadcast(b.dims, a.dims)
	if err != nil {
		return nil, err
	}
	out := a.empty(dims)
	if op == "Equal" || op == "Less" || op == "Greater" {
		out = (&tensor{whole: true}).empty(dims)
	}
	for i := range out.size() {
		if product(dims) == 0 {
			break
		}
		x, y := a.at(ofA(i)), b.at(ofB(i))
		var v float64
		switch op {
		case "Add":
			v = x + y
		case "Sub":
			v = x - y
		case "Mul":
			v = x * y
		case "Div":
			if out.whole && y == 0 {
				return nil, errors.New("it divides by 0")
			}
			if v = x / y; out.whole {
				v = math.Trunc(v)
			}
		case "Pow":
			v = math.Pow(x, y)
		case "Max":
			v = max(x, y)
		case "Min":
			v = min(x, y)
		case "Mod":
			v = math.Mod(x, y)
		case "Equal":
			v = truth(x == y)
		case "Less":
			v = truth(x < y)
		case "Greater":
			v = truth(x > y)
		case "And":
			v = truth(x != 0 && y != 0)
		case "Or":
			v = truth(x != 0 || y != 0)
		}
		if out.whole {
			out.ints[i] = int64(v)
		} else {
			out.floats[i] = float32(v)
		}
	}
	return out, nil
}

// where takes values of a where the condition holds, else of b.
func where(c, a, b *tensor) (*tensor, error) {
	ab, _, err := broadcast(a.dims, b.dims)
	if err != nil {
		return nil, err
	}
	dims, ofC, err := broadcast(c.dims, ab)
	if err != nil {
		return nil, err
	}
	_, ofA, errA := broadcast(a.dims, dims)
	_, ofB, errB := broadcast(b.dims, dims)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	if a.whole != b.whole {
		return nil, errors.New("its values are of two types")
	}
	out := a.empty(dims)
	for i := range out.size() {
		t, at := b, ofB
		if c.at(ofC(i)) != 0 {
			t, at = a, ofA
		}
		if out.whole {
			out.ints[i] = t.ints[at(i)]
		} else {
			out.floats[i] = t.floats[at(i)]
		}
	}
	return out, nil
}

// joined lays constants side by side along an axis.
func joined(in []*tensor, axis int) (*tensor, error) {
	rank := len(in[0].dims)
	axis, err := axisOf(axis, rank)
	if err != nil {
		return nil, err
	}
	dims := append([]int(nil), in[0].dims...)
	dims[axis] = 0
	for _, t := range in {
		if t == nil || len(t.dims) != rank || t.whole != in[0].whole {
			return nil, errors.New("its inputs do not fit")
		}
		for i, d := range t.dims {
			if i == axis {
				dims[i] += d
			} else if d != dims[i] {
				return nil, fmt.Errorf("axis %d has %d and %d places", i, dims[i], d)
			}
		}
	}
	if !small(dims) {
		return nil, errLarge
	}
	out := in[0].empty(dims)
	inner, at := product(dims[axis+1:]), 0
	for _, t := range in {
		width := t.dims[axis] * inner
		for o := range product(dims[:axis]) {
			to := o*dims[axis]*inner + at
			if out.whole {
				copy(out.ints[to:to+width], t.ints[o*width:])
			} else {
				copy(out.floats[to:to+width], t.floats[o*width:])
			}
		}
		at += width
	}
	return out, nil
}
