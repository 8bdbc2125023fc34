package reader

import (
	"errors"
	"fmt"
	"slices"
)

// moved is what an operator that only moves values gives: the axes of its outputs, and
// where each of their values comes from in the input. It is the same for constants and for
// what the network computes.
type moved struct {
	dims []int
	from func(i int) int // nil: value i
}

// moves are the operators that only move values of their first input.
var moves = map[string]bool{
	"Identity": true, "Dropout": true, "Reshape": true, "Flatten": true, "Squeeze": true, "Unsqueeze": true, "Transpose": true,
	"Gather": true, "Slice": true, "Expand": true, "Split": true,
}

// axisOf is an axis that may be counted from the end.
func axisOf(axis, rank int) (int, error) {
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return 0, fmt.Errorf("axis %d of %d", axis, rank)
	}
	return axis, nil
}

// axes are those of an attribute or, in newer versions, of an input.
func (r *reading) axes(n *node, input int) ([]int, bool, error) {
	if a := n.ints("axes"); a != nil {
		return a, true, nil
	}
	t, err := r.optional(n, input)
	if t == nil || err != nil {
		return nil, false, err
	}
	list, err := t.list()
	return list, true, err
}

// move works out what an operator does to a value with these axes.
func (r *reading) move(n *node, dims []int) ([]moved, error) {
	rank := len(dims)
	switch n.op {
	case "Identity", "Dropout":
		return []moved{{dims: dims}}, nil
	case "Reshape":
		to := n.ints("shape")
		if to == nil {
			t, err := r.constant(n, 1)
			if err != nil {
				return nil, err
			}
			if to, err = t.list(); err != nil {
				return nil, err
			}
		}
		return reshaped(dims, to, n.int("allowzero", 0) == 0)
	case "Flatten":
		axis := n.int("axis", 1)
		if axis < 0 {
			axis += rank
		}
		if axis < 0 || axis > rank {
			return nil, errors.New("its axis is none")
		}
		return []moved{{dims: []int{product(dims[:axis]), product(dims[axis:])}}}, nil
	case "Squeeze":
		axes, given, err := r.axes(n, 1)
		if err != nil {
			return nil, err
		}
		drop := make([]bool, rank)
		for _, a := range axes {
			if a, err = axisOf(a, rank); err != nil {
				return nil, err
			}
			drop[a] = true
		}
		var to []int
		for i, d := range dims {
			if drop[i] && d != 1 {
				return nil, fmt.Errorf("axis %d has %d places", i, d)
			}
			if !drop[i] && (given || d != 1) {
				to = append(to, d)
			}
		}
		return []moved{{dims: to}}, nil
	case "Unsqueeze":
		axes, _, err := r.axes(n, 1)
		if err != nil {
			return nil, err
		}
		to := make([]int, rank+len(axes))
		for _, a := range axes {
			if a, err = axisOf(a, len(to)); err != nil {
				return nil, err
			}
			to[a] = 1
		}
		rest := dims
		for i := range to {
			if to[i] == 0 {
				if len(rest) == 0 {
					return nil, errors.New("its axes are none")
				}
				to[i], rest = rest[0], rest[1:]
			}
		}
		return []moved{{dims: to}}, nil
	case "Transpose":
		perm := n.ints("perm")
		if perm == nil {
			for i := range rank {
				perm = append(perm, rank-1-i)
			}
		}
		if sorted := slices.Sorted(slices.Values(perm)); len(perm) != rank || rank > 0 && (sorted[0] != 0 || sorted[rank-1] != rank-1 || len(slices.Compact(sorted)) != rank) {
			return nil, errors.New("its order of axes is none")
		}
		to, step, own := make([]int, rank), make([]int, rank), strides(dims)
		for i, p := range perm {
			to[i], step[i] = dims[p], own[p]
		}
		return []moved{{to, strided(to, step, 0)}}, nil
	case "Gather":
		axis, err := axisOf(n.int("axis", 0), rank)
		if err != nil {
			return nil, err
		}
		t, err := r.constant(n, 1)
		if err != nil {
			return nil, err
		}
		at, err := t.list()
		if err != nil {
			return nil, err
		}
		return picked(dims, axis, at, t.dims)
	case "Slice":
		return r.slice(n, dims)
	case "Split":
		return r.split(n, dims)
	case "Expand":
		t, err := r.constant(n, 1)
		if err != nil {
			return nil, err
		}
		to, err := t.list()
		if err != nil {
			return nil, err
		}
		to, from, err := broadcast(dims, to)
		return []moved{{to, from}}, err
	}
	return nil, fmt.Errorf("operator %s moves nothing", n.op)
}

// reshaped resolves the axes 0 (as it is) and −1 (what is left).
func reshaped(dims, to []int, zero bool) ([]moved, error) {
	to = slices.Clone(to)
	free, n := -1, 1
	for i, d := range to {
		switch {
		case d == 0 && zero && i < len(dims):
			to[i] = dims[i]
		case d == -1 && free < 0:
			free = i
			continue
		case d < 0 || d > maxValues:
			return nil, fmt.Errorf("the shape %v is none", to)
		}
		if n *= to[i]; n > maxValues {
			return nil, errLarge
		}
	}
	if free >= 0 && n > 0 {
		to[free] = product(dims) / n
		n *= to[free]
	}
	if n != product(dims) {
		return nil, fmt.Errorf("%v has no %d values", dims, n)
	}
	return []moved{{dims: to}}, nil
}

// picked takes places of an axis, in the shape that their list has.
func picked(dims []int, axis int, at, shape []int) ([]moved, error) {
	for i, a := range at {
		if a < 0 {
			at[i] += dims[axis]
		}
		if at[i] < 0 || at[i] >= dims[axis] {
			return nil, fmt.Errorf("place %d of an axis of %d", a, dims[axis])
		}
	}
	to := slices.Concat(dims[:axis], shape, dims[axis+1:])
	if !small(to) {
		return nil, errLarge
	}
	inner, outer, count := product(dims[axis+1:]), dims[axis], len(at)
	return []moved{{to, func(i int) int {
		rest, k := i%inner, i/inner
		return (k/count*outer+at[k%count])*inner + rest
	}}}, nil
}

func (r *reading) slice(n *node, dims []int) ([]moved, error) {
	var lists [4][]int // starts, ends, axes, steps
	if lists[0], lists[1], lists[2] = n.ints("starts"), n.ints("ends"), n.ints("axes"); lists[0] == nil {
		for i := range lists {
			t, err := r.optional(n, i+1)
			if err != nil {
				return nil, err
			}
			if t == nil {
				continue
			}
			if lists[i], err = t.list(); err != nil {
				return nil, err
			}
		}
	}
	to, own := slices.Clone(dims), strides(dims)
	step, first := slices.Clone(own), 0
	for i, lo := range lists[0] {
		axis, by := i, 1
		if lists[2] != nil && i < len(lists[2]) {
			axis = lists[2][i]
		}
		if i < len(lists[3]) {
			by = lists[3][i]
		}
		axis, err := axisOf(axis, len(dims))
		if err != nil || i >= len(lists[1]) || by == 0 {
			return nil, errors.New("its bounds are none")
		}
		hi, d := lists[1][i], dims[axis]
		if lo < 0 {
			lo += d
		}
		if hi < 0 {
			hi += d
		}
		if by > 0 {
			lo, hi = min(max(lo, 0), d), min(max(hi, 0), d)
			to[axis] = max((hi-lo+by-1)/by, 0)
		} else {
			lo, hi = min(max(lo, 0), d-1), min(max(hi, -1), d-1)
			to[axis] = max((hi-lo+by+1)/by, 0)
		}
		step[axis] = by * own[axis]
		first += lo * own[axis]
	}
	return []moved{{to, strided(to, step, first)}}, nil
}

func (r *reading) split(n *node, dims []int) ([]moved, error) {
	axis, err := axisOf(n.int("axis", 0), len(dims))
	if err != nil {
		return nil, err
	}
	sizes := n.ints("split")
	if sizes == nil {
		t, err := r.optional(n, 1)
		if err != nil {
			return nil, err
		}
		if t != nil {
			if sizes, err = t.list(); err != nil {
				return nil, err
			}
		}
	}
	if sizes == nil {
		k := len(n.outputs)
		each := (dims[axis] + k - 1) / k
		for i := range k {
			sizes = append(sizes, min(each, max(dims[axis]-i*each, 0)))
		}
	}
	own, first := strides(dims), 0
	var out []moved
	for _, s := range sizes {
		to := slices.Clone(dims)
		if to[axis] = s; s < 0 || first/max(own[axis], 1)+s > dims[axis] {
			return nil, errors.New("its sizes do not fit")
		}
		out = append(out, moved{to, strided(to, own, first)})
		first += s * own[axis]
	}
	return out, nil
}

// strides are the distances of neighbours along each axis.
func strides(dims []int) []int {
	out, n := make([]int, len(dims)), 1
	for i := len(dims) - 1; i >= 0; i-- {
		out[i] = n
		n *= dims[i]
	}
	return out
}

// strided is where value i of the axes lies if these have such distances.
func strided(dims, step []int, first int) func(i int) int {
	return func(i int) int {
		at := first
		for a := len(dims) - 1; a >= 0; a-- {
			at += i % dims[a] * step[a]
			i /= dims[a]
		}
		return at
	}
}

// broadcast is the axes of two values together, and where value i of them is in the first.
func broadcast(dims, other []int) (to []int, from func(i int) int, err error) {
	rank := max(len(dims), len(other))
	to, step, own := make([]int, rank), make([]int, rank), strides(dims)
	for i := range rank {
		a, b := 1, 1
		if k := i - rank + len(dims); k >= 0 {
			a = dims[k]
			if a != 1 {
				step[i] = own[k]
			}
		}
		if k := i - rank + len(other); k >= 0 {
			b = other[k]
		}
		if a != b && a != 1 && b != 1 || b < 0 {
			return nil, nil, fmt.Errorf("the shapes %v and %v do not fit", dims, other)
		}
		if to[i] = a; a == 1 {
			to[i] = b
		}
	}
	if !small(to) {
		return nil, nil, errLarge
	}
	return to, strided(to, step, 0), nil
}

// maxValues bounds what is computed from small numbers in a file.
const maxValues = 1 << 23

var errLarge = fmt.Errorf("a value would have more than %d numbers", maxValues)

// small reports whether a value of these axes may be made.
func small(dims []int) bool {
	n := 1
	for _, d := range dims {
		if d < 0 || d > maxValues {
			return false
		}
		if n *= d; n > maxValues {
			return false
		}
	}
	return true
}
