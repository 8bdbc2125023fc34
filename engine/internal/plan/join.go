package plan

import (
	"slices"

	"budwood/engine/kernel"
)

// Split makes a second reader of x, with a gradient of its own that is added to
// the gradient of x once all that is built from now on, up to the next use of x
// itself, has run backward. A layer that reads x itself must be built later: its
// backward pass runs first, and writes the gradient.
func (b *Builder) Split(x Tensor) Tensor {
	y := Tensor{Shape: x.Shape, Data: x.Data, Need: NeedValues}
	if x.Grad != nil {
		y.Grad = b.Block(x.Shape.Size())
		o := Fresh[fork](b)
		o.grad, o.other = x.Grad, y.Grad
		b.Add(o, nil, []*Block{x.Grad, y.Grad})
	}
	return y
}

// fork is where a second reader of x parts: the gradient of x is the sum of
// theirs.
type fork struct{ grad, other *Block }

func (o *fork) Bind()        {}
func (o *fork) Forward(Pass) {}
func (o *fork) Backward(p Pass) {
	n := p.Rows * int(o.grad.Sample)
	kernel.Add(o.grad.Floats[:n], o.other.Floats[:n])
}

// Sum adds tensors of one shape. It works in the memory of the first, if that
// is free.
func (b *Builder) Sum(parts []Tensor) Tensor {
	y := b.InPlace(parts[0], false, NeedNothing)
	var room [2][8]*Block
	forward, back := append(room[0][:0], y.Data), room[1][:0]
	for _, t := range parts {
		if y.Grad == nil {
			y.Grad = t.Grad
		}
		forward, back = append(forward, t.Data), append(back, t.Grad)
	}
	o := Fresh[sum](b)
	o.parts, o.y = parts, y
	b.Add(o, forward, append(back, y.Grad))
	return y
}

// sum is where branches meet in a sum. One of them shares its gradient with y.
type sum struct {
	parts []Tensor
	y     Tensor
}

func (o *sum) Bind() {}

func (o *sum) Forward(p Pass) {
	n := p.Rows * o.y.Shape.Size()
	y := o.y.Data.Floats[:n]
	if o.y.Data != o.parts[0].Data {
		copy(y, o.parts[0].Data.Floats)
	}
	for _, t := range o.parts[1:] {
		kernel.Add(y, t.Data.Floats[:n])
	}
}

func (o *sum) Backward(p Pass) {
	for _, t := range o.parts {
		if t.Grad != nil && t.Grad != o.y.Grad {
			n := p.Rows * o.y.Shape.Size()
			copy(t.Grad.Floats[:n], o.y.Grad.Floats)
		}
	}
}

// Concat lays tensors side by side along the last axis.
func (b *Builder) Concat(parts []Tensor) Tensor {
	shape := slices.Clone(parts[0].Shape)
	last := len(shape) - 1
	shape[last] = 0
	trained := false
	forward, back := []*Block{}, []*Block{}
	for _, t := range parts {
		shape[last] += t.Shape[last]
		trained = trained || t.Grad != nil
		forward, back = append(forward, t.Data), append(back, t.Grad)
	}
	o := &concat{parts: parts, places: Places(shape), y: b.Output(parts[0], shape, trained, NeedNothing)}
	b.Add(o, append(forward, o.y.Data), append(back, o.y.Grad))
	return o.y
}

// concat is where branches meet side by side.
type concat struct {
	parts  []Tensor
	places int
	y      Tensor
}

func (o *concat) Bind() {}

func (o *concat) Forward(p Pass) {
	at := 0
	wide := o.y.Shape[len(o.y.Shape)-1]
	for _, t := range o.parts {
		c := t.Shape[len(t.Shape)-1]
		for i := range p.Rows * o.places {
			copy(o.y.Data.Floats[i*wide+at:], t.Data.Floats[i*c:(i+1)*c])
		}
		at += c
	}
}

func (o *concat) Backward(p Pass) {
	at := 0
	wide := o.y.Shape[len(o.y.Shape)-1]
	for _, t := range o.parts {
		c := t.Shape[len(t.Shape)-1]
		if t.Grad != nil {
			for i := range p.Rows * o.places {
				copy(t.Grad.Floats[i*c:(i+1)*c], o.y.Grad.Floats[i*wide+at:])
			}
		}
		at += c
	}
}
