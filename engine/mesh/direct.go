package mesh

// scatter is ReduceScatter on messages.
func (g *Group) scatter(m Mark) error {
	if g.halving {
		return g.halve(m)
	}
	return g.direct(m, false)
}

// direct sends every other member its piece of each own sum, and adds up what comes
// for the own piece as soon as it comes. If whole, everybody's piece is the vector.
//
// Chunks go round by round, one round ahead of the sums, so that no member is ever
// more than two rounds ahead of another and no more need be kept for it.
func (g *Group) direct(m Mark, whole bool) error {
	size := len(g.views[0])
	most := 0
	for i := range g.ranks {
		from, to := g.piece(i, size, whole)
		most = max(most, chunks(to-from))
	}
	if err := g.sendRound(m, 0, whole); err != nil {
		return err
	}
	for c := range most {
		if err := g.sendRound(m, c+1, whole); err != nil {
			return err
		}
		if err := g.addRound(m, c, whole); err != nil {
			return err
		}
	}
	return nil
}

// piece is the part of a vector of size bytes that a member adds up.
func (g *Group) piece(member, size int, whole bool) (from, to int) {
	if whole {
		return 0, size
	}
	return g.bytes(member, size)
}

// sendRound sends the others chunk c of their pieces, if they have so many.
func (g *Group) sendRound(m Mark, c int, whole bool) error {
	for k := 1; k < len(g.ranks); k++ {
		i := (g.me + k) % len(g.ranks)
		from, to := g.piece(i, len(g.views[0]), whole)
		if c >= chunks(to-from) {
			continue
		}
		for _, sum := range g.views {
			if err := g.wire.Send(g.ranks[i], m, part(sum[from:to], c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addRound adds up chunk c of the own piece, if it has so many.
func (g *Group) addRound(m Mark, c int, whole bool) error {
	from, to := g.piece(g.me, len(g.views[0]), whole)
	if c >= chunks(to-from) {
		return nil
	}
	add := g.add32
	if m.Kind == Sum64 {
		add = g.add64
	}
	for t, i := range g.owner {
		if i == g.me {
			g.bufs[t] = part(g.views[t-g.first[i]][from:to], c)
		} else {
			f, err := g.wire.take(g.ranks[i], m, len(part(g.views[0][from:to], c)))
			if err != nil {
				return err
			}
			g.bufs[t], g.held[t] = f.b, f
		}
		for _, a := range g.steps[t] {
			add(g.bufs[a.dst], g.bufs[a.src])
			if g.held[a.src] != nil {
				g.wire.give(g.held[a.src])
				g.held[a.src] = nil
			}
		}
	}
	return nil
}

// gather is AllGather on messages.
func (g *Group) gather(m Mark) error {
	if g.halving {
		return g.double(m)
	}
	x := g.views[0]
	most := 0
	for i, rank := range g.ranks {
		from, to := g.bytes(i, len(x))
		most = max(most, chunks(to-from))
		if i == g.me {
			continue
		}
		if err := g.wire.post(rank, m, x[from:to]); err != nil {
			return err
		}
	}
	from, to := g.bytes(g.me, len(x))
	for c := range most + 1 {
		for k := 1; k < len(g.ranks) && c < chunks(to-from); k++ {
			if err := g.wire.Send(g.ranks[(g.me+k)%len(g.ranks)], m, part(x[from:to], c)); err != nil {
				return err
			}
		}
		for i, rank := range g.ranks {
			if i == g.me {
				continue
			}
			if err := g.wire.await(rank, g.tag, c); err != nil {
				return err
			}
		}
	}
	return nil
}
