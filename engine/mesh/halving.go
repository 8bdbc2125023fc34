package mesh

// halve is ReduceScatter in pairs at distance 1, 2, 4, …: each time the partners
// split the range that both still have, send each other the part that is not theirs,
// and add. After k times a member has the sum of its 2ᵏ neighbours, which is a
// subtree. (Rabenseifner 2004 halves with the distances the other way round, which
// would be another tree.)
func (g *Group) halve(m Mark) error {
	x := g.views[0]
	lo, width := 0, len(g.ranks)
	for d := 1; d < len(g.ranks); d *= 2 {
		width /= 2
		keep, send := lo, lo+width
		if g.me&d != 0 {
			keep, send = send, keep
		}
		if err := g.trade(m, g.me^d, g.pieces(x, send, width), g.pieces(x, keep, width), g.add32); err != nil {
			return err
		}
		lo = keep
	}
	return nil
}

// double is AllGather in the same pairs in reverse: each time the partners send each
// other all that they have.
func (g *Group) double(m Mark) error {
	x := g.views[0]
	lo, width := g.turn(g.me), 1
	for d := len(g.ranks) / 2; d > 0; d /= 2 {
		other := lo + width
		if g.me&d != 0 {
			other = lo - width
		}
		if err := g.swap(m, g.me^d, g.pieces(x, lo, width), g.pieces(x, other, width)); err != nil {
			return err
		}
		lo, width = min(lo, other), 2*width
	}
	return nil
}

// pieces is width pieces of x from the piece lo on.
func (g *Group) pieces(x []byte, lo, width int) []byte {
	from, _ := g.cut(len(x)/4, len(g.ranks), lo)
	_, to := g.cut(len(x)/4, len(g.ranks), lo+width-1)
	return x[4*from : 4*to]
}

// trade sends a partner one part and adds what it sends to the other.
func (g *Group) trade(m Mark, partner int, send, keep []byte, add func(dst, a []byte)) error {
	rank := g.ranks[partner]
	for c := range max(chunks(len(send)), chunks(len(keep))) + 1 {
		if c < chunks(len(send)) {
			if err := g.wire.Send(rank, m, part(send, c)); err != nil {
				return err
			}
		}
		if c == 0 || c > chunks(len(keep)) {
			continue
		}
		dst := part(keep, c-1)
		f, err := g.wire.take(rank, m, len(dst))
		if err != nil {
			return err
		}
		add(dst, f.b)
		g.wire.give(f)
	}
	return nil
}

// swap sends a partner one part and gets the other.
func (g *Group) swap(m Mark, partner int, send, get []byte) error {
	rank := g.ranks[partner]
	if err := g.wire.post(rank, m, get); err != nil {
		return err
	}
	for c := range max(chunks(len(send)), chunks(len(get))) + 1 {
		if c < chunks(len(send)) {
			if err := g.wire.Send(rank, m, part(send, c)); err != nil {
				return err
			}
		}
		if err := g.wire.await(rank, g.tag, c); err != nil {
			return err
		}
	}
	return nil
}
