package engine

import (
	"slices"
	"strings"
	"sync"

	"budwood/data"
	"budwood/engine/kernel"
)

// tensor is a value of the network while it is built: rows × shape, and its
// gradient.
type tensor struct {
	shape data.Shape
	data  *block
	grad  *block // nil: nothing before it is trained
	need  need   // what the op that made it reads of data in backward
	conv  *conv  // the op that made it, if only a BatchNorm reads it
}

// need says what of an op's output must survive until its backward pass.
type need int

const (
	needNothing need = iota
	needSign         // whether each value is above 0
	needValues
)

// pass is one run through the plan.
type pass struct {
	rows  int
	train bool
	key   uint64  // of this step's random choices
	share float32 // of this batch in running statistics; 0: as in training
}

// op is one step of the plan. Forward reads the inputs' data and writes the
// outputs'. Backward reads the outputs' gradient, which it may overwrite, and
// writes (does not add to) the gradients of inputs and parameters.
type op interface {
	bind() // takes slices of the arena, once it exists
	forward(pass)
	backward(pass)
}

// param is a trained tensor, a running statistic or a table.
type param struct {
	name  string
	owner int // row of its layer
	shape []int
	first filler
	size  int64
	w, g  []float32 // once the arena exists; only what is trained has a gradient
}

// row is a layer of the plan, as the summary prints it.
type row struct {
	path, layer  string
	out          data.Shape
	params, macs int64
	data         *block
	note         string // "in place", "in the layer above"
}

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
	spare  spare // of a bare builder
	sizes  []int // of its shapes
}

// spare are ops of before, to be used again: those of which networks have many.
type spare struct {
	convs       []*conv
	norms       []*batchNorm
	products    []*dense
	activations []*activation
	pools       []*pool
	sums        []*sum
	forks       []*fork
}

// fresh is a new op, or if none will run one of before, which is cleared.
func fresh[T any](b *builder, spare *[]*T) *T {
	if !b.bare {
		return new(T)
	}
	o := next(spare)
	var zero T
	*o = zero
	return o
}

// again empties the lists, whose ops will be used again.
func (s *spare) again() spare {
	return spare{s.convs[:0], s.norms[:0], s.products[:0], s.activations[:0], s.pools[:0], s.sums[:0], s.forks[:0]}
}

// build returns the plan of l, which must accept the shape.
func build(l Layer, in data.Shape, batch int, half kernel.Format) (b *builder, x, out tensor) {
	b = &builder{batch: batch, half: half}
	x, out = b.plan(l, in)
	return b, x, out
}

// plan plans l, which must accept the shape.
func (b *builder) plan(l Layer, in data.Shape) (x, out tensor) {
	x = tensor{shape: in, data: b.block(in.Size())}
	b.input = x.data
	touch(0, x.data)
	out = l.build(b, x)
	touch(lossMoment, out.data, out.grad)
	return x, out
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

// next makes the list longer by a value, which may be one of before the list was
// emptied.
func next[T any](list *[]*T) *T {
	n := len(*list)
	if n < cap(*list) {
		*list = (*list)[:n+1]
	} else {
		*list = append(*list, nil)
	}
	if (*list)[n] == nil {
		(*list)[n] = new(T)
	}
	return (*list)[n]
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

// bare are builders that are used again and again.
var bare = sync.Pool{New: func() any { return &builder{bare: true} }}

// outline plans l for its costs alone, and hands the plan to see.
func outline(l Layer, in data.Shape, batch int, half kernel.Format, see func(b *builder, out tensor)) {
	b := bare.Get().(*builder)
	b.batch, b.half = batch, half
	_, out := b.plan(l, in)
	see(b, out)
	clear(b.ops)
	*b = builder{bare: true, ops: b.ops[:0], owner: b.owner[:0], blocks: b.blocks[:0], rows: b.rows[:0],
		params: b.params[:0], stats: b.stats[:0], tables: b.tables[:0], path: b.path[:0], sizes: b.sizes[:0], spare: b.spare.again()}
	bare.Put(b)
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

// layer starts a row of the summary, to which the ops that follow belong, and
// returns its number.
func (b *builder) layer(l Layer, out data.Shape, macs int64) int {
	b.at = len(b.rows)
	b.rows = append(b.rows, row{out: out, macs: macs})
	if b.bare {
		return b.at
	}
	r := &b.rows[b.at]
	r.path = strings.Join(b.path, ".")
	if c, ok := l.(interface{ name() string }); ok { // of what has rows of its own below it
		r.layer = c.name()
	} else {
		r.layer = l.String()
	}
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

// cost sums up the rows, and the floats of one sample that are alive when the
// forward pass ends.
func (b *builder) cost() Cost {
	var c Cost
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
