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

	Whole Cost // of the whole network, for a plan of one part
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
	Spans [][]Span // of all parts
	Part  int      // the own one
}

// Of says that a tensor of the whole network has a shape and is cut so along an axis. It
// does nothing where the plan has all parts.
func (p *Param) Of(b *Builder, c *Cut, axis int, whole ...int) {
	if b.Own(c) != nil {
		p.Piece = &Piece{Shape: whole, Axis: axis, Spans: c.Spans, Part: b.Cuts.Part}
	}
}

// WholeShape is the shape of the whole tensor.
func (p *Param) WholeShape() []int {
	if p.Piece == nil {
		return p.Shape
	}
	return p.Piece.Shape
}

// Take copies the own part of a whole tensor to w, which is as long as the part.
func (p *Param) Take(w, whole []float32) {
	if p.Piece == nil {
		copy(w, whole)
		return
	}
	p.Piece.Take(p.Piece.Part, w, 0, whole, 0)
}

// Put copies the own part w to its place in a whole tensor.
func (p *Param) Put(whole, w []float32) {
	if p.Piece == nil {
		copy(whole, w)
		return
	}
	p.Piece.Put(p.Piece.Part, whole, 0, w, 0)
}

// Take copies what a part has of some values of the whole tensor, which begin at number
// at, to its own, which begin at number from of the part: see [Piece.Within].
func (q *Piece) Take(part int, own []float32, from int, whole []float32, at int) {
	q.runs(part, at, at+len(whole), func(in, of, n int) { copy(own[in-from:in-from+n], whole[of-at:]) })
}

// Put is the opposite of Take.
func (q *Piece) Put(part int, whole []float32, at int, own []float32, from int) {
	q.runs(part, at, at+len(whole), func(in, of, n int) { copy(whole[of-at:of-at+n], own[in-from:]) })
}

// Within gives the values from … to−1 of a part that are the values lo … hi−1 of the whole
// tensor, as far as the part has them.
func (q *Piece) Within(part, lo, hi int) (from, to int) {
	return q.before(part, lo), q.before(part, hi)
}

// inner is the number of values at one place of the axis.
func (q *Piece) inner() int { return int(Product(q.Shape[q.Axis+1:]...)) }

// before is how many of the first values of the whole tensor a part has.
func (q *Piece) before(part, values int) int {
	inner := q.inner()
	row := q.Shape[q.Axis] * inner
	n := values / row * Length(q.Spans[part]) * inner
	for _, s := range q.Spans[part] {
		n += min(max(values%row-s.From*inner, 0), (s.To-s.From)*inner)
	}
	return n
}

// runs calls f for each stretch of n values of a part that lies in lo … hi−1 of the whole:
// where it begins in the part and in the whole.
func (q *Piece) runs(part, lo, hi int, f func(in, of, n int)) {
	inner := q.inner()
	row := q.Shape[q.Axis] * inner
	at := q.before(part, lo)
	for o := lo / row; o*row < hi; o++ {
		for _, s := range q.Spans[part] {
			from, to := max(o*row+s.From*inner, lo), min(o*row+s.To*inner, hi)
			if from < to {
				f(at, from, to-from)
				at += to - from
			}
		}
	}
}
