package engine

import (
	"slices"

	"budwood/engine/kernel"
)

// split makes a second reader of x, with a gradient of its own that is added to
// the gradient of x once all that is built from now on, up to the next use of x
// itself, has run backward. A layer that reads x itself must be built later: its
// backward pass runs first, and writes the gradient.
func (b *builder) split(x tensor) tensor {
	y := tensor{shape: x.shape, data: x.data, need: needValues}
	if x.grad != nil {
		y.grad = b.block(x.shape.Size())
		o := fresh[fork](b)
		o.grad, o.other = x.grad, y.grad
		b.add(o, nil, []*block{x.grad, y.grad})
	}
	return y
}

// fork is where a second reader of x parts: the gradient of x is the sum of
// theirs.
type fork struct{ grad, other *block }

func (o *fork) Bind()        {}
func (o *fork) Forward(pass) {}
func (o *fork) Backward(p pass) {
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
	o := fresh[sum](b)
	o.parts, o.y = parts, y
	b.add(o, forward, append(back, y.grad))
	return y
}

// sum is where branches meet in a sum. One of them shares its gradient with y.
type sum struct {
	parts []tensor
	y     tensor
}

func (o *sum) Bind() {}

func (o *sum) Forward(p pass) {
	n := p.rows * o.y.shape.Size()
	y := o.y.data.data[:n]
	if o.y.data != o.parts[0].data {
		copy(y, o.parts[0].data.data)
	}
	for _, t := range o.parts[1:] {
		kernel.Add(y, t.data.data[:n])
	}
}

func (o *sum) Backward(p pass) {
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

func (o *concat) Bind() {}

func (o *concat) Forward(p pass) {
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

func (o *concat) Backward(p pass) {
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
