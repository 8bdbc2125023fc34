package engine

import (
	"slices"

	"budwood/engine/internal/plan"
)

// block is the length of the pieces of the gradient whose squares are summed by
// themselves. They begin anew with each tensor, so that they are the same ones wherever
// the parameters are cut. Lanes and ranks cut them between two blocks.
const block = 4096

// stretch is the parameters lo … hi−1.
type stretch struct{ lo, hi int }

// own is the stretch whose optimizer state this rank keeps: all if it is alone.
func (t *Trainer) own() stretch {
	if t.ranks == nil {
		return stretch{0, len(t.net.params)}
	}
	return t.ranks.own
}

// of is the part of a vector as long as the parameters.
func (s stretch) of(x []float32) []float32 { return x[s.lo:s.hi:s.hi] }

// laneStretch is a lane's piece of a stretch.
func (t *Trainer) laneStretch(s stretch, lane int) stretch {
	cut := func(i int) int {
		return min(max(blockAt(t.net.plan.Params, s.lo+(s.hi-s.lo)*i/len(t.lanes)), s.lo), s.hi)
	}
	return stretch{cut(lane), cut(lane + 1)}
}

// cutBlocks lists the blocks, if the norm of the gradient is clipped.
func (t *Trainer) cutBlocks() {
	if t.cfg.ClipNorm == 0 {
		return
	}
	at := 0
	for _, p := range t.net.plan.Params {
		for off := 0; off < int(p.Size); off += block {
			t.blocks = append(t.blocks, at+off)
		}
		at += int(p.Size)
	}
	t.squares = make([]float64, len(t.blocks))
	t.blocks = append(t.blocks, at)
}

// blocksOf is the numbers of the blocks of a stretch, from … to−1.
func (t *Trainer) blocksOf(s stretch) (from, to int) {
	from, _ = slices.BinarySearch(t.blocks, s.lo)
	to, _ = slices.BinarySearch(t.blocks, s.hi)
	return from, max(from, to)
}

// cutParams cuts the parameters into n stretches, from out[i] to out[i+1], at the
// blocks whose squares are summed by themselves.
func cutParams(params []*plan.Param, n int) (out []int) {
	all := int(plan.Total(params))
	for i := range n + 1 {
		out = append(out, blockAt(params, all*i/n))
	}
	return out
}

// blockAt is where the first block begins, or the last one ends, from a place in all
// parameters on. Blocks begin anew with each tensor.
func blockAt(params []*plan.Param, place int) int {
	at := 0
	for _, p := range params {
		if size := int(p.Size); place <= at+size {
			return at + min((place-at+block-1)/block*block, size)
		}
		at += int(p.Size)
	}
	return at
}
