package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
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

func (d Dropout) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	b.Layer(d, x.Shape, 0)
	y := b.InPlace(x, true, plan.NeedNothing)
	o := &dropout{x: x, y: y, p: d.P, id: uint64(b.First + len(b.Ops))}
	if c := b.Cut(); b.Own(c) != nil {
		o.whole, o.own = c.Size, b.Own(c)[0]
	}
	b.Add(o, []*plan.Block{x.Data, y.Data}, []*plan.Block{y.Grad})
	return y
}

// dropout is the op of Dropout. What is dropped depends on the step's key and
// the op's number alone, so that backward draws the same numbers again instead
// of keeping a mask.
type dropout struct {
	x, y plan.Tensor
	p    float64
	id   uint64

	whole int       // features of the whole network, of which this part has own; 0: all
	own   plan.Span // of them
}

func (o *dropout) Bind() {}

func (o *dropout) Forward(p plan.Pass) {
	n := p.Rows * o.x.Shape.Size()
	x, y := o.x.Data.Floats[:n], o.y.Data.Floats[:n]
	if p.Train && o.p > 0 {
		o.drop(y, x, hash(p.Key, o.id))
	} else if o.x.Data != o.y.Data {
		copy(y, x)
	}
}

func (o *dropout) Backward(p plan.Pass) {
	if o.y.Grad != nil && o.p > 0 {
		dy := o.y.Grad.Floats[:p.Rows*o.x.Shape.Size()]
		o.drop(dy, dy, hash(p.Key, o.id))
	}
}

// drop drops the same values as in the whole network.
func (o *dropout) drop(y, x []float32, key uint64) {
	if o.whole == 0 {
		kernel.Dropout(y, x, 0, key, o.p)
		return
	}
	n := o.own.To - o.own.From
	for i := 0; i*n < len(x); i++ {
		kernel.Dropout(y[i*n:(i+1)*n], x[i*n:(i+1)*n], uint32(i*o.whole+o.own.From), key, o.p)
	}
}
