package engine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/loss"
	"budwood/engine/mesh"
)

// Tensor parallelism (Shoeybi et al. 2019) cuts wide layers into parts. Two layers make a
// pair: the first is cut by its columns, with what stands between them, the second by its
// rows. Then one sum behind the second is all that the forward pass needs, and one
// before the first the backward pass. Attention is such a pair by itself, head by head.
// An embedding is cut by the rows of its table, and the outputs of a classifier by
// columns, with a cross-entropy that knows it ([vocabulary]).
//
// A column of a product has the same bits whoever computes it; it is the sums over the
// parts that decide numbers.

// leastColumns are the columns of a part below which a layer is not cut: products as
// narrow as that lose more than the other parts save.
const leastColumns = 64

// grain is what the columns of a part are a multiple of, so that the kernels treat each
// column as they do in the whole.
const grain = 16

// cutsOf says how a network is cut into parts, for the part that is given.
func cutsOf(l Layer, in data.Shape, of loss.Loss, parts, part int) (*plan.Cuts, error) {
	cuts, err := findCuts(l, in, of, parts)
	if cuts == nil && err == nil {
		err = errNoPair
		for fewer := 2; fewer < parts; fewer++ {
			if c, e := findCuts(l, in, of, fewer); e == nil && c != nil {
				err = fmt.Errorf("mesh.tensor: %d parts of every layer would have fewer than %d columns: use at most %d", parts, leastColumns, fewer)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if cuts.Part = part; part != plan.InTurn {
		_, whole, err := Measure(l, in)
		cuts.Whole = plan.Cost(whole)
		return cuts, err
	}
	return cuts, nil
}

// findCuts is [cutsOf], nil if no layer can be cut.
func findCuts(l Layer, in data.Shape, of loss.Loss, parts int) (*plan.Cuts, error) {
	c := &cutter{parts: parts, cuts: map[string]*plan.Cut{}}
	whole := c.flat(nil, site{layer: l, in: in})
	c.pairs(whole)
	head := c.head(whole, of)
	if c.err != nil || len(c.cuts) == 0 {
		return nil, c.err
	}
	return &plan.Cuts{Parts: parts, Of: c.cuts, Head: head}, nil
}

var errNoPair = errors.New("mesh.tensor: the network has no layers that can be cut: two of Dense or Conv with at most activations, Dropout, BatchNorm and pooling between them, " +
	"an Attention or an Embedding, with at least " + strconv.Itoa(leastColumns) + " columns (or rows of the Embedding) a part: leave mesh.tensor out")

// cutter finds the layers of a network to cut.
type cutter struct {
	parts int
	cuts  map[string]*plan.Cut
	err   error
}

// site is a layer where it stands in the network.
type site struct {
	path  []string
	layer Layer
	in    data.Shape
	name  string // of the layer of the user's that it belongs to; "": its own
}

func (p *site) out() data.Shape {
	out, _ := p.layer.Infer(p.in)
	return out
}

// within is a layer below the site.
func (p *site) within(l Layer, in data.Shape, path ...string) site {
	return site{append(slices.Clone(p.path), path...), l, in, p.name}
}

// title names the layer of the user's.
func (p *site) title() string {
	if p.name != "" {
		return p.name
	}
	return strings.TrimPrefix(fmt.Sprintf("%s %v", strings.Join(p.path, "."), p.layer), " ")
}

// flat appends the layers of a sequence, however nested, to list. What is in the
// branches of other layers is looked at by itself.
func (c *cutter) flat(list []site, p site) []site {
	switch l := p.layer.(type) {
	case Seq:
		in := p.in
		for i, next := range l {
			q := p.within(next, in, strconv.Itoa(i))
			list = c.flat(list, q)
			in = q.out()
		}
		return list
	case Transformer:
		p.name = p.title()
		p.layer = l.Layers(p.in[1])
		return c.flat(list, p)
	case Residual:
		c.pairs(c.flat(nil, p.within(l.Body, p.in, "body")))
	case Par:
		for i, s := range l.Branches {
			c.pairs(c.flat(nil, p.within(s, p.in, strconv.Itoa(i))))
		}
	case Attention:
		c.attention(p, l)
	case Embedding:
		if spans := c.even(l.Vocab, true); spans != nil {
			c.cut(p, plan.Rows, l.Vocab, spans)
		}
	}
	return append(list, p)
}

// cut enters the cut of a layer.
func (c *cutter) cut(p site, kind plan.CutKind, size int, spans [][]plan.Span) *plan.Cut {
	cut := &plan.Cut{Kind: kind, Size: size, Spans: spans}
	c.cuts[strings.Join(p.path, ".")] = cut
	return cut
}

// even cuts an axis into parts of whole grains; nil if they are too short. The last part
// may have a ragged end where that does not matter to the kernels.
func (c *cutter) even(size int, ragged bool) (spans [][]plan.Span) {
	const long = 128 // kernels fold no matrices that are wider, which would change the order of sums
	for i := range c.parts {
		from, to := mesh.Cut(size, c.parts, i)
		if n := to - from; n < leastColumns || n%grain != 0 && (!ragged || n <= long) {
			return nil
		}
		spans = append(spans, []plan.Span{{From: from, To: to}})
	}
	return spans
}

// attention cuts an Attention by its heads: queries, keys and values by columns, what
// follows by rows.
func (c *cutter) attention(p site, a Attention) {
	d, heads := a.Width(p.in[1]), max(a.Heads, 1)
	if d/c.parts < leastColumns {
		return
	}
	if heads%c.parts != 0 {
		if c.err == nil {
			c.err = fmt.Errorf("mesh.tensor: %d does not divide the %d heads of layer %s: use %s", c.parts, heads, p.title(), divisors(heads))
		}
		return
	}
	each := d / c.parts
	if each%grain != 0 {
		return
	}
	var qkv, out [][]plan.Span
	for t := range c.parts {
		own := plan.Span{From: t * each, To: (t + 1) * each}
		out = append(out, []plan.Span{own})
		var three []plan.Span
		for at := 0; at < 3*d; at += d {
			three = append(three, plan.Span{From: at + own.From, To: at + own.To})
		}
		qkv = append(qkv, three)
	}
	c.cut(p, plan.Columns, 3*d, qkv)
	c.cut(p.within(nil, nil, "qkv"), plan.Columns, 3*d, qkv)
	c.cut(p.within(nil, nil, "out"), plan.Rows, d, out)
}

// divisors lists the divisors of n: "1, 2 or 4".
func divisors(n int) string {
	var list []string
	for i := 1; i <= n; i++ {
		if n%i == 0 {
			list = append(list, strconv.Itoa(i))
		}
	}
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " or " + list[last]
	}
	return list[0]
}

// pairs finds pairs in a sequence, from its beginning on.
func (c *cutter) pairs(list []site) {
	for i := 0; i < len(list); i++ {
		size := columnsOf(&list[i])
		if size == 0 {
			continue
		}
		spans := c.even(size, false)
		last := i + 1
		for last < len(list) && passes(&list[last], size) {
			last++
		}
		if spans == nil || last == len(list) || !takesRows(&list[last], size) {
			continue
		}
		c.cut(list[i], plan.Columns, size, spans)
		for _, p := range list[i+1 : last] {
			c.cut(p, plan.Between, size, spans)
		}
		c.cut(list[last], plan.Rows, size, spans)
		i = last
	}
}

// columnsOf is the number of columns of a layer that can be cut by them, else 0.
func columnsOf(p *site) int {
	switch l := p.layer.(type) {
	case Dense:
		return l.Out
	case Conv:
		if l.defaults().Groups == 1 {
			return l.Out
		}
	}
	return 0
}

// passes reports whether a layer works on each of the last axis's size features or
// channels by itself, so that it may stand between the two of a pair.
func passes(p *site, size int) bool {
	if p.in[len(p.in)-1] != size {
		return false
	}
	switch l := p.layer.(type) {
	case ReLU, LeakyReLU, GELU, SiLU, Tanh, Sigmoid, Clip, HardSigmoid, HardSwish, Dropout, BatchNorm, MaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool:
		return true
	case Conv:
		return l.Groups == size && l.Out == size
	}
	return false
}

// takesRows reports whether a layer can be cut by its size rows.
func takesRows(p *site, size int) bool {
	switch l := p.layer.(type) {
	case Conv:
		return l.defaults().Groups == 1 && p.in[len(p.in)-1] == size
	case Dense:
		return l.PerStep && p.in[len(p.in)-1] == size || p.in.Size() == size
	}
	return false
}

// head cuts the outputs of a classifier by columns, if its last layer is left over and its
// loss is a cross-entropy.
func (c *cutter) head(list []site, of loss.Loss) *plan.Cut {
	if _, ok := of.(loss.CrossEntropy); !ok || len(list) == 0 {
		return nil
	}
	p := list[len(list)-1]
	d, ok := p.layer.(Dense)
	if !ok || c.cuts[strings.Join(p.path, ".")] != nil {
		return nil
	}
	spans := c.even(d.Out, true)
	if spans == nil {
		return nil
	}
	return c.cut(p, plan.Columns, d.Out, spans)
}
