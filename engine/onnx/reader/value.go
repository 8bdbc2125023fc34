package reader

import (
	"budwood/data"
	"budwood/engine"
)

// op is a piece of the network that is being put together: a layer behind its input, or
// where branches meet.
type op struct {
	kind    kind
	layer   engine.Layer         // of a layer
	tensors map[string][]float32 // by their names in the layer
	in      []*op                // what it reads
	shape   data.Shape           // that it gives, in the engine's order
	node    *node

	// Of an expression: what it computes, of which operands and numbers. An expression is
	// a part of a pattern. One that is left over cannot be read.
	what   string
	args   []*value
	number float64
	share  float64 // of the values that a mean is of
}

type kind int

const (
	input kind = iota
	layer
	sum
	concat
	expression
)

// value is a value of the graph: a constant, or numbers that an op gives, in some order.
// Its first axis is, as far as the network goes, the batch.
type value struct {
	dims   []int
	c      *tensor
	op     *op
	index  []int32 // where number i is in what the op gives; nil: at i, or by planes
	planes bool    // channels are the second axis, and the last one of what the op gives
	only   bool    // nothing else reads it, or what it is another order of
}

func (v *value) size() int { return product(v.dims) }

// at is where number i is in what the op gives.
func (v *value) at(i int) int {
	switch {
	case v.index != nil:
		return int(v.index[i])
	case v.planes:
		c, p := v.dims[1], product(v.dims[2:])
		return i/(c*p)*c*p + i%p*c + i/p%c
	}
	return i
}

// plain reports whether the numbers are in the op's order.
func (v *value) plain() bool { return v.index == nil && !v.planes }

// moved is the value after its numbers were moved.
func (v *value) moved(m moved) *value {
	out := &value{dims: m.dims, op: v.op, only: v.only}
	switch {
	case m.from == nil && v.plain():
		return out
	case m.from == nil && v.planes && len(m.dims) >= 3 && m.dims[0] == v.dims[0] && m.dims[1] == v.dims[1]:
		out.planes = true
		return out
	}
	out.index = make([]int32, product(m.dims))
	for i := range out.index {
		at := i
		if m.from != nil {
			at = m.from(i)
		}
		out.index[i] = int32(v.at(at))
	}
	return out.settled()
}

// behind is a value of another op that gives numbers in the same order.
func (v *value) behind(o *op) *value {
	return &value{dims: v.dims, op: o, index: v.index, planes: v.planes}
}

// settled finds out whether an order is one of those that need no list.
func (v *value) settled() *value {
	size, plain := v.size(), true
	for i := 0; i < size && plain; i++ {
		plain = v.at(i) == i
	}
	if plain {
		v.index, v.planes = nil, false
		return v
	}
	if len(v.dims) >= 3 && v.index != nil {
		p := &value{dims: v.dims, planes: true}
		for i, at := range v.index {
			if int(at) != p.at(i) {
				return v
			}
		}
		v.index, v.planes = nil, true
	}
	return v
}

// planesOf is a value with channels as its second axis.
func planesOf(dims []int, o *op) *value {
	return (&value{dims: dims, op: o, planes: true}).settledPlanes()
}

// settledPlanes drops the order if there is one channel or one place.
func (v *value) settledPlanes() *value {
	if v.dims[1] == 1 || product(v.dims[2:]) == 1 {
		v.planes = false
	}
	return v
}

// rows sees a value as rows of its last axis: row i is at place[i] rows of what the op
// gives, and its number f is there at perm[f]. A row is the last axis of that, or with flat
// all of a sample.
func (v *value) rows() (place, perm []int, flat, ok bool) {
	if len(v.dims) == 0 || v.op.shape == nil || v.size() == 0 {
		return nil, nil, false, false
	}
	f := v.dims[len(v.dims)-1]
	for _, flat := range []bool{false, true} {
		per := v.op.shape[len(v.op.shape)-1]
		if flat {
			per = v.op.shape.Size()
		}
		if f != per {
			continue
		}
		perm, place := make([]int, f), make([]int, v.size()/f)
		seen, ok := make([]bool, f), true
		for i := range perm {
			perm[i] = v.at(i) % f
			ok = ok && !seen[perm[i]]
			seen[perm[i]] = true
		}
		for r := range place {
			place[r] = v.at(r*f) / f
			for i := 0; i < f && ok; i++ {
				ok = v.at(r*f+i) == place[r]*f+perm[i]
			}
		}
		if ok {
			return place, perm, flat, true
		}
	}
	return nil, nil, false, false
}

// ofRows is a value whose row i is at place[i], of an op that gives rows of a width.
func ofRows(dims, place []int, width int, o *op) *value {
	v := &value{dims: dims, op: o, index: make([]int32, product(dims))}
	for i := range v.index {
		v.index[i] = int32(place[i/width]*width + i%width)
	}
	return v.settled()
}
