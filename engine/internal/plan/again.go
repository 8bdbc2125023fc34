package plan

import "slices"

// worthwhile is the share of a segment's input that its ops must keep in all before
// they run again instead: what a norm keeps of each sample is not worth a pass.
const worthwhile = 8

// Again makes a segment of the ops behind the first so many, which compute out from x:
// of what they compute, only x and out are kept from the forward to the backward pass.
// Before its ops run backward, they run forward again (Chen et al. 2016). x must be as
// it was, so that it needs all its values. It does nothing if the ops keep next to
// nothing for themselves.
func (b *Builder) Again(from int, x, out *Block) {
	to := len(b.Ops)
	inner, kept := b.inner(from, x, out)
	if kept <= x.Size/worthwhile {
		return
	}
	for i := from; i < to; i++ { // in this order, behind the backward moment of the op that follows
		moment := b.backward(to) - (to - i)
		for _, k := range b.Used[i][0] {
			if slices.Contains(inner, k) && (k.again == 0 || k.again > moment) {
				k.again = moment
			}
			touch(moment, k)
		}
	}
	b.Runs[to-1] = to - from
	b.again += to - from
}

// inner are the blocks that belong to the ops behind the first so many alone, and the
// floats of those that are kept for the backward pass.
func (b *Builder) inner(from int, x, out *Block) (inner []*Block, kept int64) {
	for i := from; i < len(b.Ops); i++ {
		for _, k := range b.Used[i][0] {
			if k == nil || k == x || k == out || k.First <= from || slices.Contains(inner, k) {
				continue
			}
			inner = append(inner, k)
			if k.Last > lossMoment {
				kept = Plus(kept, k.Size)
			}
		}
	}
	return inner, kept
}

// Back runs op i backward, and before that forward again what is to.
func (b *Builder) Back(i int, p Pass) {
	if n := b.Runs[i]; n > 0 {
		q := p
		q.Again = true
		for _, o := range b.Ops[i+1-n : i+1] {
			o.Forward(q)
		}
	}
	b.Ops[i].Backward(p)
}

// Pauses reports whether a block holds nothing between the forward pass and the moment
// in which an op runs again.
func (k *Block) Pauses() bool { return k.again > 0 }
