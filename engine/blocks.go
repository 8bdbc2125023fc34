package engine

import (
	"slices"

	"budwood/engine/internal/plan"
)

// block is the length of the pieces of the gradient whose squares are summed by
// themselves. They begin anew with each tensor, so that they are the same ones wherever
// the parameters are cut. Lanes and ranks cut them between two blocks.
const block = 4096

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

// blocksIn is the number of blocks of a tensor.
func blocksIn(p *plan.Param) int { return (int(p.Size) + block - 1) / block }

// blocksOf is the numbers of the blocks of a stretch of them, from … to−1.
func (t *Trainer) blocksOf(s stretch) (from, to int) {
	from, _ = slices.BinarySearch(t.blocks, s.lo)
	to, _ = slices.BinarySearch(t.blocks, s.hi)
	return from, max(from, to)
}

// blockAt is where a block begins or ends that is nearest to a place among all parameters.
// Blocks begin anew with each tensor.
func blockAt(params []*plan.Param, place int) int {
	at := 0
	for _, p := range params {
		if size := int(p.Size); place <= at+size {
			before := (place - at) / block * block
			if after := min(before+block, size); place-at-before >= after-(place-at) {
				return at + after
			}
			return at + before
		}
		at += int(p.Size)
	}
	return at
}
