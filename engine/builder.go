package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine/kernel"
)

// builder collects the plan of a network. It allocates nothing large.
type builder struct {
	batch  int
	bare   bool          // for the costs alone: nothing has a name, and no op will run
	half   kernel.Format // of the operands of dense products
	input  *block        // of the network
	vocab  int           // the input consists of tokens below it; 0: of any numbers
	ops    []op
	owner  []int         // row of each op
	used   [][2][]*block // what each op touches, forward and backward
	blocks []*block
	params []*param
	stats  []*param
	tables []*param // numbers that never change and are not saved
	rows   []row
	at     int // the row that ops and parameters belong to
	path   []string
	spare  map[reflect.Type]shelf // of a bare builder: ops that are used again, by their type
	sizes  []int                  // of its shapes
}

// newPlan plans a network for batches of inputs of a shape: build adds its layers,
// which must accept the shape, and returns what they compute. The operands of
// dense products are rounded to half.
func newPlan(in data.Shape, batch int, half kernel.Format, build func(*builder, tensor) tensor) (b *builder, x, out tensor) {
	b = &builder{batch: batch, half: half}
	x, out = b.plan(in, build)
	return b, x, out
}

func (b *builder) plan(in data.Shape, build func(*builder, tensor) tensor) (x, out tensor) {
	x = tensor{shape: in, data: b.block(in.Size())}
	b.input = x.data
	touch(0, x.data)
	out = build(b, x)
	touch(lossMoment, out.data, out.grad)
	return x, out
}

// withGradient gives the input of the network a gradient, which lives until the
// step ends.
func (b *builder) withGradient(x tensor) tensor {
	x.grad = b.block(x.shape.Size())
	touch(backward, x.grad)
	return x
}

// block makes a block of n floats a row.
func (b *builder) block(n int) *block {
	k := b.scratch(product(n, b.batch))
	k.sample = int64(n)
	return k
}

// scratch makes a block of n floats.
func (b *builder) scratch(n int64) *block {
	k := next(&b.blocks)
	*k = block{size: n, last: never}
	return k
}

// shape makes a shape that lives as long as the plan.
func (b *builder) shape(sizes ...int) data.Shape {
	if !b.bare {
		return slices.Clone(sizes)
	}
	n := len(b.sizes)
	b.sizes = append(b.sizes, sizes...) // where it grows, shapes of before stay where they are
	return b.sizes[n:len(b.sizes):len(b.sizes)]
}

// output makes the tensor that an op computes from x. It has a gradient if
// there is anything to train at or before the op.
func (b *builder) output(x tensor, shape data.Shape, trained bool, n need) tensor {
	y := tensor{shape: shape, data: b.block(shape.Size()), need: n}
	if trained || x.grad != nil {
		y.grad = b.block(shape.Size())
	}
	b.rows[b.at].data = y.data
	return y
}

// inPlace makes the output of an op that works value by value. It shares the
// gradient with x, and the data too if the producer of x does not mind; signs
// tells that the op keeps the sign of every value whose gradient is not 0.
func (b *builder) inPlace(x tensor, signs bool, n need) tensor {
	y := tensor{shape: x.shape, data: x.data, grad: x.grad, need: n}
	r := &b.rows[b.at]
	switch {
	case x.need == needNothing:
		r.note = "in place"
	case x.need == needSign && signs:
		r.note = "in place"
		y.need = max(n, needSign)
	default:
		y.data = b.block(x.shape.Size())
		r.data = y.data
	}
	return y
}

// add appends an op with the blocks it touches in each direction.
func (b *builder) add(o op, forward, backwards []*block) {
	i := len(b.ops) + 1
	b.ops = append(b.ops, o)
	b.owner = append(b.owner, b.at)
	if !b.bare {
		b.used = append(b.used, [2][]*block{slices.Clone(forward), slices.Clone(backwards)})
	}
	touch(i, forward...)
	touch(backward-i, backwards...)
}

// touchBefore extends the life of blocks to the backward moment of the op added
// last, for what an op that is about to be added leaves to it.
func (b *builder) touchBefore(blocks ...*block) { touch(backward-len(b.ops), blocks...) }

// layer starts a row of the summary, to which the ops that follow belong, and
// returns its number.
func (b *builder) layer(l fmt.Stringer, out data.Shape, macs int64) int {
	b.at = len(b.rows)
	b.rows = append(b.rows, row{out: out, macs: macs})
	if b.bare {
		return b.at
	}
	r := &b.rows[b.at]
	r.path = strings.Join(b.path, ".")
	r.layer = l.String()
	return b.at
}

// param makes a trained tensor of the current layer.
func (b *builder) param(name string, first filler, shape ...int) *param {
	p := b.named(&b.params, name, first, shape)
	b.rows[b.at].params = plus(b.rows[b.at].params, p.size)
	return p
}

// stat makes a running statistic of the current layer.
func (b *builder) stat(name string, first filler, shape ...int) *param {
	return b.named(&b.stats, name, first, shape)
}

// table makes numbers that the current layer needs and that never change.
func (b *builder) table(first filler, shape ...int) *param {
	return b.named(&b.tables, "table", first, shape)
}

func (b *builder) named(list *[]*param, name string, first filler, shape []int) *param {
	p := next(list)
	*p = param{owner: b.at, size: product(shape...)}
	if !b.bare {
		p.name = strings.Join(append(b.path[:len(b.path):len(b.path)], name), ".")
		p.first, p.shape = first, slices.Clone(shape)
	}
	return p
}

// within runs f with one more element in the path of names.
func (b *builder) within(name string, f func()) {
	b.path = append(b.path, name)
	f()
	b.path = b.path[:len(b.path)-1]
}

// costs are what a network takes for one sample; numbers too large stop at the
// largest int64.
type costs struct {
	Params      int64 // trained numbers
	MACs        int64 // multiply-accumulates forward
	Activations int64 // floats that forward keeps for backward, without the input
}

// cost sums up the rows, and the floats of one sample that are alive when the
// forward pass ends.
func (b *builder) cost() costs {
	var c costs
	for _, r := range b.rows {
		c.Params = plus(c.Params, r.params)
		c.MACs = plus(c.MACs, r.macs)
	}
	for _, k := range b.blocks {
		if 0 < k.first && k.first < lossMoment && k.last >= lossMoment {
			c.Activations = plus(c.Activations, k.sample)
		}
	}
	return c
}

// bind gives the blocks their places in an arena of [layOut] floats, and lets the
// ops take theirs.
func (b *builder) bind(arena []float32) {
	for _, k := range b.blocks {
		if k.last != never {
			k.data = arena[k.off : int64(k.off)+k.size : int64(k.off)+k.size]
		}
	}
	for _, o := range b.ops {
		o.Bind()
	}
}

// bad reports whether one of the blocks holds a value that is not finite. Scratch
// memory may.
func (b *builder) bad(blocks []*block, rows int) bool {
	for _, k := range blocks {
		if k != nil && k.sample > 0 && !kernel.Finite(k.data[:rows*int(k.sample)]) {
			return true
		}
	}
	return false
}

// layerName is the path and the name of a row's layer.
func (b *builder) layerName(i int) string {
	r := b.rows[i]
	if r.path == "" { // the network is one layer
		return r.layer
	}
	return r.path + " " + r.layer
}
