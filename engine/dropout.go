package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// Dropout sets each value to 0 with probability P in training and multiplies
// the others by 1/(1−P); in inference it does nothing (Srivastava et al. 2014).
type Dropout struct {
	P float64 // 0 ≤ P < 1
}

// Infer gives the input shape.
func (d Dropout) Infer(in data.Shape) (data.Shape, error) {
	if !(d.P >= 0 && d.P < 1) {
		return nil, fmt.Errorf("%v: the probability is outside [0, 1)", d)
	}
	return in, values(d, in)
}

// String is Dropout(P).
func (d Dropout) String() string { return fmt.Sprintf("Dropout(%g)", d.P) }

func (d Dropout) build(b *builder, x tensor) tensor {
	b.layer(d, x.shape, 0)
	y := b.inPlace(x, true, needNothing)
	b.add(&dropout{x: x, y: y, p: d.P, id: uint64(len(b.ops))}, []*block{x.data, y.data}, []*block{y.grad})
	return y
}

// dropout is the op of Dropout. What is dropped depends on the step's key and
// the op's number alone, so that backward draws the same numbers again instead
// of keeping a mask.
type dropout struct {
	x, y tensor
	p    float64
	id   uint64
}

func (o *dropout) Bind() {}

func (o *dropout) Forward(p pass) {
	n := p.rows * o.x.shape.Size()
	x, y := o.x.data.data[:n], o.y.data.data[:n]
	if p.train && o.p > 0 {
		kernel.Dropout(y, x, hash(p.key, o.id), o.p)
	} else if o.x.data != o.y.data {
		copy(y, x)
	}
}

func (o *dropout) Backward(p pass) {
	if o.y.grad != nil && o.p > 0 {
		dy := o.y.grad.data[:p.rows*o.x.shape.Size()]
		kernel.Dropout(dy, dy, hash(p.key, o.id), o.p)
	}
}
