package nas

import (
	"math"
	"slices"

	"budwood/search"
)

// encode lists the features of a genome and its hyperparameters, each a hash of
// its own: every decision at its place in the derivation, every operation wherever
// it stands, the operations along each path through a cell (White et al. 2021,
// section 3), and every hyperparameter's value, of numbers the place in their range
// in coarse and in fine steps. An operation or path that is there twice is two
// features. Two candidates are the more alike the more features they share.
func encode(g Genome, hyper search.Space, point search.Params) []uint32 {
	return slices.Clone(new(encoder).encode(g, hyper, point))
}

// encoder makes lists of features, one after the other in the same memory.
type encoder struct {
	out   []uint32
	often []uint32 // what may be there several times
}

// encode is encode; the list is good until the next one.
func (e *encoder) encode(g Genome, hyper search.Space, point search.Params) []uint32 {
	e.out, e.often = e.out[:0], e.often[:0]
	e.node(&g.root, mix(0, 'r'))
	for _, d := range hyper.Active(point) {
		e.value(d, point)
	}
	return e.out
}

func (e *encoder) add(a, b uint64) { e.out = append(e.out, uint32(mix(a, b)>>32)) }

// addOnceMore adds a feature that may be there already.
func (e *encoder) addOnceMore(a, b uint64) {
	f, times := uint32(mix(a, b)>>32), uint64(0)
	for _, o := range e.often {
		if o == f {
			times++
		}
	}
	e.often = append(e.often, f)
	e.add(uint64(f), times)
}

// value adds the value of a hyperparameter. Neighbours share one of two coarse
// steps at least.
func (e *encoder) value(d *search.Dim, point search.Params) {
	v := point.Value(d.Name)
	name := hashText(d.Name)
	if d.Kind == search.KindChoice {
		e.add(name, uint64(d.Index(v)+1))
		return
	}
	u, err := d.Encode(v)
	if err != nil {
		return
	}
	for i, step := range []float64{4*u + .5, 4 * u, 12 * u} {
		e.add(mix(name, uint64(i)), uint64(step)+1)
	}
}

func (e *encoder) node(n *node, place uint64) {
	switch n.kind {
	case opKind:
		h := n.op.hash()
		for i, v := range n.vals {
			step := math.Float64bits(math.Round(4 * math.Log2(1+math.Abs(v)))) // sizes by quarters of a doubling
			e.add(mix(place, h), mix(uint64(i), step))
			h = mix(h, step)
		}
		e.add(place, h)
		e.addOnceMore(0, h)
		return
	case oneOfKind:
		e.add(place, uint64(n.pick)+1)
	case repeatKind:
		e.add(place, uint64(len(n.kids))+1)
	case cellKind:
		e.paths(n)
	}
	for i := range n.kids {
		e.node(&n.kids[i], mix(place, uint64(i)))
	}
}

// maxPaths bounds the paths of one cell: 2ⁿ⁻² of n nodes.
const maxPaths = 1 << 6

// paths adds the edges' operations along each way from the first to the last
// node; one that carries nothing is no way.
func (e *encoder) paths(n *node) {
	nodes := cellNodes(len(n.kids))
	at := make([][]uint64, nodes)
	at[0] = []uint64{'p'}
	k := 0
	for to := 1; to < nodes; to++ {
		for from := range to {
			edge := &n.kids[k]
			k++
			h, dead := edge.signature()
			if dead {
				continue
			}
			for _, p := range at[from] {
				if len(at[to]) < maxPaths {
					at[to] = append(at[to], mix(p, h))
				}
			}
		}
	}
	for _, p := range at[nodes-1] {
		e.addOnceMore('p', p)
	}
}

// signature is a hash of a subtree's operations in a row; dead reports whether it
// carries nothing.
func (n *node) signature() (h uint64, dead bool) {
	if n.kind == opKind {
		h = n.op.hash()
		for _, v := range n.vals {
			h = mix(h, math.Float64bits(v))
		}
		return h, n.op.layers == nil
	}
	for i := range n.kids {
		k, d := n.kids[i].signature()
		h, dead = mix(h, k), dead || d
	}
	return h, dead
}
