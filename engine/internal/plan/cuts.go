package plan

import "strings"

// Cuts cut a network into parts that ranks can compute beside each other (tensor
// parallelism, Shoeybi et al. 2019). A plan is for one of the parts, or for all of them
// in turn, which gives the same bits.
type Cuts struct {
	Parts int             // at least 2
	Part  int             // that the plan is for, or InTurn
	Of    map[string]*Cut // the layers that are cut, by their paths
	Head  *Cut            // columns of the outputs, if these are cut; it is among Of

	// Sum adds x of all parts up, in the tree over them, and gives every part the sum;
	// nil if they are computed in turn.
	Sum   func(x []float32)
	Sum64 func(x []float64)
}

// Count is the number of parts; nil is one.
func (c *Cuts) Count() int {
	if c == nil {
		return 1
	}
	return c.Parts
}

// InTurn is the Part of a plan that computes all parts one after the other.
const InTurn = -1

// Cut is how one layer is cut.
type Cut struct {
	Kind  CutKind
	Size  int      // of the axis that is cut, in the whole network
	Spans [][]Span // what each part has of it: stretch after stretch
}

// Span is From … To−1 of an axis.
type Span struct{ From, To int }

// CutKind is what of a layer is cut.
type CutKind int

const (
	// Columns are outputs: every part has some of them, and of the weights that lead
	// there. What the parts give for the gradient of the input is added up.
	Columns CutKind = iota
	// Rows are inputs: every part has some of them, and of the weights that begin there.
	// What the parts give for the output is added up.
	Rows
	// Between is a layer that stands between such two, and works on each feature or
	// channel by itself.
	Between
)

// Cut is how the layer that is being built is cut; nil if it is not.
func (b *Builder) Cut() *Cut {
	if b.Cuts == nil {
		return nil
	}
	return b.Cuts.Of[strings.Join(b.path, ".")]
}

// Own is what the part that the plan is for has of a cut; nil if there is no cut, or if
// the plan is for all parts.
func (b *Builder) Own(c *Cut) []Span {
	if c == nil || b.Cuts.Part == InTurn {
		return nil
	}
	return c.Spans[b.Cuts.Part]
}

// Length is the length of stretches together.
func Length(spans []Span) (n int) {
	for _, s := range spans {
		n += s.To - s.From
	}
	return n
}

// Piece is what a tensor of one part is of the whole one: some stretches of one axis, one
// after the other.
type Piece struct {
	Shape []int // of the whole tensor
	Axis  int
	Spans []Span
}

// Of says that a tensor is a piece of a larger one, of that shape; nothing is said
// without spans.
func (p *Param) Of(spans []Span, axis int, whole ...int) {
	p.Piece = nil
	if spans != nil {
		p.Piece = &Piece{Shape: whole, Axis: axis, Spans: spans}
	}
}

// Whole is the number of values of the whole tensor.
func (p *Param) Whole() int64 {
	if p.Piece == nil {
		return p.Size
	}
	return Product(p.Piece.Shape...)
}

// Take copies the part of a whole tensor to w, which is as long as the part.
func (p *Param) Take(w, whole []float32) {
	p.pieces(func(at, from, n int) { copy(w[at:at+n], whole[from:from+n]) })
}

// Put copies the part w to its place in a whole tensor.
func (p *Param) Put(whole, w []float32) {
	p.pieces(func(at, to, n int) { copy(whole[to:to+n], w[at:at+n]) })
}

// pieces calls f for each stretch of n values: where it is in the part and in the whole.
func (p *Param) pieces(f func(at, whole, n int)) {
	q := p.Piece
	if q == nil {
		f(0, 0, int(p.Size))
		return
	}
	outer, inner := int(Product(q.Shape[:q.Axis]...)), int(Product(q.Shape[q.Axis+1:]...))
	at := 0
	for o := range outer {
		for _, s := range q.Spans {
			n := (s.To - s.From) * inner
			f(at, (o*q.Shape[q.Axis]+s.From)*inner, n)
			at += n
		}
	}
}
