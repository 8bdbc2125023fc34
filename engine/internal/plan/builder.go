package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine/kernel"
)

// Builder collects the plan of a network. It allocates nothing large.
type Builder struct {
	Batch int           // samples of a training step, at most
	Half  kernel.Format // of the operands of products
	Input *Block        // Batch × the input's shape
	Vocab int           // the input consists of tokens below it; 0: of any numbers
	Cuts  *Cuts         // how the layers are cut into parts; nil: not at all
	First int           // ops of the whole network before those of a plan for a stage of it
	Whole *Cost         // of the whole network, for a plan of a stage; nil: it is the whole
	Infer bool          // only the forward pass runs, without training: nothing else gets memory

	Ops    []Op
	Owner  []int         // row of each op
	Used   [][2][]*Block // what each op touches, forward and backward
	Runs   []int         // how many ops, up to each, run forward again before it runs backward
	Blocks []*Block      // all memory beside parameters
	Params []*Param      // what is trained
	Stats  []*Param      // running statistics
	Tables []*Param      // numbers that never change and are not saved
	Rows   []Row         // the layers, in the order of the summary
	At     int           // the row that ops and parameters belong to
	Joints []Joint       // where the network may be cut in two

	bare  bool     // for the costs alone: nothing has a name, and no op will run
	keep  bool     // Used, of a bare builder, too
	again int      // moments of ops that run forward again
	path  []string // of names, down to the layer that is being built
	spare []shelf  // of a bare builder: ops to use again, a shelf for each type
	sizes []int    // of a bare builder: the memory of its shapes
}

// New plans a network for batches of inputs of a shape: build adds its layers,
// which must accept the shape, and returns what they compute. The operands of
// dense products are rounded to half.
func New(in data.Shape, batch int, half kernel.Format, build func(*Builder, Tensor) Tensor) (b *Builder, x, out Tensor) {
	b = &Builder{Batch: batch, Half: half}
	x, out = b.plan(in, build)
	return b, x, out
}

func (b *Builder) plan(in data.Shape, build func(*Builder, Tensor) Tensor) (x, out Tensor) {
	x = Tensor{Shape: in, Data: b.Block(in.Size())}
	b.Input = x.Data
	touch(0, x.Data)
	out = build(b, x)
	if touch(lossMoment, out.Data); !b.Infer {
		touch(lossMoment, out.Grad)
	}
	return x, out
}

// WithGradient gives the input of the network a gradient, which lives until the
// step ends.
func (b *Builder) WithGradient(x Tensor) Tensor {
	x.Grad = b.Block(x.Shape.Size())
	touch(backward, x.Grad)
	return x
}

// Block makes a block of n floats a row.
func (b *Builder) Block(n int) *Block {
	k := b.Scratch(Product(n, b.Batch))
	k.Sample = int64(n)
	return k
}

// Scratch makes a block of n floats.
func (b *Builder) Scratch(n int64) *Block {
	k := next(&b.Blocks)
	*k = Block{Size: n, Last: Never}
	return k
}

// Shape makes a shape that lives as long as the plan.
func (b *Builder) Shape(sizes ...int) data.Shape {
	if !b.bare {
		return slices.Clone(sizes)
	}
	n := len(b.sizes)
	b.sizes = append(b.sizes, sizes...) // if this grows, earlier shapes keep the old memory
	return b.sizes[n:len(b.sizes):len(b.sizes)]
}

// Output makes the tensor that an op computes from x. It has a gradient if
// there is anything to train at or before the op.
func (b *Builder) Output(x Tensor, shape data.Shape, trained bool, n Need) Tensor {
	y := Tensor{Shape: shape, Data: b.Block(shape.Size()), Need: n}
	if trained || x.Grad != nil {
		y.Grad = b.Block(shape.Size())
	}
	b.Rows[b.At].Data = y.Data
	return y
}

// InPlace makes the output of an op that works value by value. It shares the
// gradient with x, and the data too if the producer of x does not mind; signs
// reports whether the op keeps the sign of every value whose gradient is not 0.
func (b *Builder) InPlace(x Tensor, signs bool, n Need) Tensor {
	y := Tensor{Shape: x.Shape, Data: x.Data, Grad: x.Grad, Need: n}
	r := &b.Rows[b.At]
	switch {
	case x.Need == NeedNothing:
		r.Note = "in place"
	case x.Need == NeedSign && signs:
		r.Note = "in place"
		y.Need = max(n, NeedSign)
	default:
		y.Data = b.Block(x.Shape.Size())
		r.Data = y.Data
	}
	return y
}

// Add appends an op with the blocks it touches in each direction.
func (b *Builder) Add(o Op, forward, backwards []*Block) {
	i := len(b.Ops) + 1
	b.Ops = append(b.Ops, o)
	b.Owner = append(b.Owner, b.At)
	b.Runs = append(b.Runs, 0)
	if !b.bare || b.keep {
		b.Used = append(b.Used, [2][]*Block{slices.Clone(forward), slices.Clone(backwards)})
	}
	touch(i, forward...)
	if !b.Infer {
		touch(b.backward(i), backwards...)
	}
}

// backward is the backward moment of op i, which no op behind has run again yet.
func (b *Builder) backward(i int) int { return backward - i - b.again }

// TouchBefore extends the life of blocks to the backward moment of the op added
// last, for what an op that is about to be added leaves to it.
func (b *Builder) TouchBefore(blocks ...*Block) {
	if !b.Infer {
		touch(b.backward(len(b.Ops)), blocks...)
	}
}

// Layer starts a row of the summary, to which the ops that follow belong, and
// returns its number.
func (b *Builder) Layer(l fmt.Stringer, out data.Shape, macs int64) int {
	b.At = len(b.Rows)
	b.Rows = append(b.Rows, Row{Out: out, MACs: macs})
	if b.bare {
		return b.At
	}
	r := &b.Rows[b.At]
	r.Path = strings.Join(b.path, ".")
	r.Layer = l.String()
	return b.At
}

// Param makes a trained tensor of the current layer.
func (b *Builder) Param(name string, first Filler, shape ...int) *Param {
	p := b.named(&b.Params, name, first, shape)
	b.Rows[b.At].Params = Plus(b.Rows[b.At].Params, p.Size)
	return p
}

// Stat makes a running statistic of the current layer.
func (b *Builder) Stat(name string, first Filler, shape ...int) *Param {
	return b.named(&b.Stats, name, first, shape)
}

// Table makes numbers that the current layer needs and that never change.
func (b *Builder) Table(first Filler, shape ...int) *Param {
	return b.named(&b.Tables, "table", first, shape)
}

func (b *Builder) named(list *[]*Param, name string, first Filler, shape []int) *Param {
	p := next(list)
	*p = Param{Owner: b.At, Size: Product(shape...)}
	if !b.bare {
		p.Name = strings.Join(append(b.path[:len(b.path):len(b.path)], name), ".")
		p.First, p.Shape = first, slices.Clone(shape)
	}
	return p
}

// Joint is a place between two layers of the outermost sequence that leave nothing to each
// other but values and their gradients: so many ops and parameters come before it.
type Joint struct{ Ops, Params int }

// Join says that the network may be cut behind x, where only the outermost layers are
// being built.
func (b *Builder) Join(x Tensor) {
	if len(b.path) == 0 && x.Maker == nil {
		b.Joints = append(b.Joints, Joint{len(b.Ops), len(b.Params)})
	}
}

// Within runs f with one more element in the path of names.
func (b *Builder) Within(name string, f func()) {
	b.path = append(b.path, name)
	f()
	b.path = b.path[:len(b.path)-1]
}

// Behind runs f in the path of the layer that is so many places behind the current one
// in their sequence.
func (b *Builder) Behind(places int, f func()) {
	at := len(b.path) - 1
	own := b.path[at]
	i, _ := strconv.Atoi(own) // in a sequence names are numbers
	b.path[at] = strconv.Itoa(i + places)
	f()
	b.path[at] = own
}

// Cost is what a network takes for one sample; numbers too large stop at the
// largest int64.
type Cost struct {
	Params      int64 // trained numbers
	MACs        int64 // multiply-accumulates forward
	Activations int64 // floats that forward keeps for backward, without the input
}

// Cost sums up the rows, and the floats of one sample that are alive when the
// forward pass ends. It is that of the whole network, where the plan is for a part.
func (b *Builder) Cost() Cost {
	switch {
	case b.Whole != nil:
		return *b.Whole
	case b.Cuts != nil && b.Cuts.Part != InTurn:
		return b.Cuts.Whole
	}
	var c Cost
	for _, r := range b.Rows {
		c.Params = Plus(c.Params, r.Params)
		c.MACs = Plus(c.MACs, r.MACs)
	}
	for _, k := range b.Blocks {
		if 0 < k.First && k.First < lossMoment && k.Last >= lossMoment && k.again == 0 {
			c.Activations = Plus(c.Activations, k.Sample)
		}
	}
	return c
}

// Kept is the floats of one sample that the ops of each row leave alive when the
// forward pass ends, without the input.
func (b *Builder) Kept() []int64 {
	out := make([]int64, len(b.Rows))
	for _, k := range b.Blocks {
		if 0 < k.First && k.First < lossMoment && k.Last >= lossMoment {
			at := &out[b.Owner[k.First-1]]
			*at = Plus(*at, k.Sample)
		}
	}
	return out
}

// Bind gives the blocks their places in an arena of [layOut] floats, and lets the
// ops take theirs.
func (b *Builder) Bind(arena []float32) {
	for _, k := range b.Blocks {
		if k.Last != Never {
			k.Floats = arena[k.Off : int64(k.Off)+k.Size : int64(k.Off)+k.Size]
		}
	}
	for _, o := range b.Ops {
		o.Bind()
	}
}

// Bad reports whether one of the blocks holds a value that is not finite. Scratch
// memory may.
func (b *Builder) Bad(blocks []*Block, rows int) bool {
	for _, k := range blocks {
		if k != nil && k.Sample > 0 && !kernel.Finite(k.Floats[:rows*int(k.Sample)]) {
			return true
		}
	}
	return false
}

// LayerName is the path and the name of a row's layer.
func (b *Builder) LayerName(i int) string {
	r := b.Rows[i]
	if r.Path == "" { // the network is one layer
		return r.Layer
	}
	return r.Path + " " + r.Layer
}
