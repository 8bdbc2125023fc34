package nas

import (
	"math"
	"slices"
)

// encode lists the features of a genome, each a hash, sorted: every decision at
// its place in the derivation, every operation wherever it stands, and the
// operations along each path through a cell (White et al. 2021, section 3). What
// stands there twice is two features. Two genomes are the more alike the more
// features they share.
func encode(g Genome) []uint32 {
	e := encoder{}
	e.node(&g.root, mix(0, 'r'))
	slices.Sort(e.out)
	var last uint32
	times := 0
	for i, f := range e.out {
		if i > 0 && f == last {
			times++
			e.out[i] = uint32(mix(uint64(f), uint64(times)) >> 32)
		} else {
			last, times = f, 0
		}
	}
	slices.Sort(e.out)
	return slices.Compact(e.out)
}

type encoder struct{ out []uint32 }

func (e *encoder) add(a, b uint64) { e.out = append(e.out, uint32(mix(a, b)>>32)) }

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
		e.add(0, h)
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
		e.add('p', p)
	}
}

// signature is a hash of a subtree's operations in a row; dead tells that it
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

// sharedFeatures is, for any two genomes, the share of features that they have in common,
// by the geometric mean of their numbers, times kernelScale: the lower triangle.
func sharedFeatures(x [][]uint32) [][]float64 {
	k := make([][]float64, len(x))
	with := map[uint32][]int{} // the genomes so far that have a feature
	for i := range x {
		k[i] = make([]float64, i+1)
		for _, f := range x[i] {
			with[f] = append(with[f], i)
			for _, j := range with[f] {
				k[i][j]++
			}
		}
		for j := range k[i] {
			k[i][j] *= kernelScale / math.Sqrt(float64(max(len(x[i])*len(x[j]), 1)))
		}
	}
	return k
}

// kernelScale is the prior variance of what a genome is worth, in units of the
// noise that ridge stands for.
const kernelScale = 10
