package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine/kernel"
)

// Par is parallel branches that read the same input and meet again: their
// outputs are added, or with Concat laid side by side along the last axis. An
// empty branch is the input itself.
//
// Branches whose outputs differ go through a projection without bias, as in a
// [Residual]. The output with the fewest steps or pixels sets the shape (that of
// an empty branch only if no other has as few; else the first): larger ones are
// brought to it by a 1×1 convolution with the stride that fits, or by a [Dense]
// if it is flat. A sum projects to its number of features too, Concat keeps
// those of each branch.
type Par struct {
	Branches []Seq // at least one
	Concat   bool
}

// Infer gives the shape of the sum, or of the outputs side by side.
func (p Par) Infer(in data.Shape) (data.Shape, error) {
	shapes, err := p.shapes(in)
	if err != nil {
		return nil, err
	}
	target := p.target(shapes)
	out := slices.Clone(target)
	last := len(out) - 1
	out[last] = 0
	for i, s := range shapes {
		if _, err := Projection(s, p.wanted(s, target)); err != nil {
			return nil, fmt.Errorf("%v: branch %d gives %v: %w", p, i, s, err)
		}
		out[last] += p.wanted(s, target)[last]
	}
	if !p.Concat {
		return target, nil
	}
	return out, size(p, "features", out[last], 1)
}

// shapes are the outputs of the branches.
func (p Par) shapes(in data.Shape) ([]data.Shape, error) {
	if len(p.Branches) == 0 {
		return nil, fmt.Errorf("Par: no branches")
	}
	shapes := make([]data.Shape, len(p.Branches))
	for i, s := range p.Branches {
		var err error
		if shapes[i], err = s.Infer(in); err != nil {
			return nil, fmt.Errorf("Par: branch %d: %w", i, err)
		}
	}
	return shapes, nil
}

// Meet gives the shape that each branch is brought to by a [Projection], for an
// input shape.
func (p Par) Meet(in data.Shape) ([]data.Shape, error) {
	shapes, err := p.shapes(in)
	if err != nil {
		return nil, err
	}
	target := p.target(shapes)
	for i, s := range shapes {
		shapes[i] = p.wanted(s, target)
	}
	return shapes, nil
}

// target is the output that sets the shape.
func (p Par) target(shapes []data.Shape) data.Shape { return meeting(shapes, p.Branches) }

// meeting is the shape in which branches meet.
func meeting(shapes []data.Shape, branches []Seq) data.Shape {
	best := -1
	for i, s := range shapes {
		if best < 0 || places(s) < places(shapes[best]) ||
			places(s) == places(shapes[best]) && len(branches[best]) == 0 && len(branches[i]) > 0 {
			best = i
		}
	}
	return shapes[best]
}

// places is the number of steps or pixels of a shape.
func places(s data.Shape) int { return max(s[:len(s)-1].Size(), 1) }

// wanted is the shape that a branch of shape s is brought to.
func (p Par) wanted(s, target data.Shape) data.Shape {
	if !p.Concat {
		return target
	}
	out := slices.Clone(target)
	out[len(out)-1] = s[len(s)-1]
	return out
}

// String is Par(add) or Par(concat) with the branches.
func (p Par) String() string {
	branches := make([]string, len(p.Branches))
	for i, s := range p.Branches {
		branches[i] = s.String()
	}
	return p.name() + "[" + strings.Join(branches, " | ") + "]"
}

func (p Par) name() string {
	if p.Concat {
		return "Par(concat)"
	}
	return "Par(add)"
}

func (p Par) build(b *builder, x tensor) tensor {
	own := b.layer(p, x.shape, 0)
	shapes, err := p.shapes(x.shape)
	if err != nil {
		return x
	}
	target := p.target(shapes)
	parts := make([]tensor, len(p.Branches))
	for i, s := range p.Branches {
		into := x
		into.need = needValues
		if i < len(p.Branches)-1 {
			into = b.split(x)
		}
		b.within(strconv.Itoa(i), func() {
			parts[i] = s.build(b, into)
			if l, err := Projection(parts[i].shape, p.wanted(parts[i].shape, target)); err == nil && l != nil {
				b.within("projection", func() { parts[i] = l.build(b, parts[i]) })
			}
		})
	}
	b.at = own
	var y tensor
	if p.Concat {
		y = b.concat(parts)
	} else {
		y = b.sum(parts)
	}
	b.rows[own].out = y.shape
	return y
}

// split makes a second reader of x, with a gradient of its own that is added to
// the gradient of x once all that is built from now on, up to the next use of x
// itself, has run backward. A layer that reads x itself must be built later: its
// backward pass runs first, and writes the gradient.
func (b *builder) split(x tensor) tensor {
	y := tensor{shape: x.shape, data: x.data, need: needValues}
	if x.grad != nil {
		y.grad = b.block(x.shape.Size())
		o := fresh(b, &b.spare.forks)
		o.grad, o.other = x.grad, y.grad
		b.add(o, nil, []*block{x.grad, y.grad})
	}
	return y
}

// fork is where a second reader of x parts: the gradient of x is the sum of
// theirs.
type fork struct{ grad, other *block }

func (o *fork) bind()        {}
func (o *fork) forward(pass) {}
func (o *fork) backward(p pass) {
	n := p.rows * int(o.grad.sample)
	kernel.Add(o.grad.data[:n], o.other.data[:n])
}

// sum adds tensors of one shape. It works in the memory of the first, if that
// is free.
func (b *builder) sum(parts []tensor) tensor {
	y := b.inPlace(parts[0], false, needNothing)
	var room [2][8]*block
	forward, back := append(room[0][:0], y.data), room[1][:0]
	for _, t := range parts {
		if y.grad == nil {
			y.grad = t.grad
		}
		forward, back = append(forward, t.data), append(back, t.grad)
	}
	o := fresh(b, &b.spare.sums)
	o.parts, o.y = parts, y
	b.add(o, forward, append(back, y.grad))
	return y
}

// sum is where branches meet in a sum. One of them shares its gradient with y.
type sum struct {
	parts []tensor
	y     tensor
}

func (o *sum) bind() {}

func (o *sum) forward(p pass) {
	n := p.rows * o.y.shape.Size()
	y := o.y.data.data[:n]
	if o.y.data != o.parts[0].data {
		copy(y, o.parts[0].data.data)
	}
	for _, t := range o.parts[1:] {
		kernel.Add(y, t.data.data[:n])
	}
}

func (o *sum) backward(p pass) {
	for _, t := range o.parts {
		if t.grad != nil && t.grad != o.y.grad {
			n := p.rows * o.y.shape.Size()
			copy(t.grad.data[:n], o.y.grad.data)
		}
	}
}

// concat lays tensors side by side along the last axis.
func (b *builder) concat(parts []tensor) tensor {
	shape := slices.Clone(parts[0].shape)
	last := len(shape) - 1
	shape[last] = 0
	trained := false
	forward, back := []*block{}, []*block{}
	for _, t := range parts {
		shape[last] += t.shape[last]
		trained = trained || t.grad != nil
		forward, back = append(forward, t.data), append(back, t.grad)
	}
	o := &concat{parts: parts, places: places(shape), y: b.output(parts[0], shape, trained, needNothing)}
	b.add(o, append(forward, o.y.data), append(back, o.y.grad))
	return o.y
}

// concat is where branches meet side by side.
type concat struct {
	parts  []tensor
	places int
	y      tensor
}

func (o *concat) bind() {}

func (o *concat) forward(p pass) {
	at := 0
	wide := o.y.shape[len(o.y.shape)-1]
	for _, t := range o.parts {
		c := t.shape[len(t.shape)-1]
		for i := range p.rows * o.places {
			copy(o.y.data.data[i*wide+at:], t.data.data[i*c:(i+1)*c])
		}
		at += c
	}
}

func (o *concat) backward(p pass) {
	at := 0
	wide := o.y.shape[len(o.y.shape)-1]
	for _, t := range o.parts {
		c := t.shape[len(t.shape)-1]
		if t.grad != nil {
			for i := range p.rows * o.places {
				copy(t.grad.data[i*c:(i+1)*c], o.y.grad.data[i*wide+at:])
			}
		}
		at += c
	}
}
