package mesh

// exchange is Sum64 on messages: all have the whole of everything that is added.
func (g *Group) exchange(m Mark) error {
	if !g.halving {
		return g.direct(m, true)
	}
	x := g.views[0]
	for d := 1; d < len(g.ranks); d *= 2 {
		// What is sent must not be added to before it is gone: one chunk at a time.
		for c := range chunks(len(x)) {
			if err := g.trade(m, g.me^d, part(x, c), part(x, c), g.add64); err != nil {
				return err
			}
		}
	}
	return nil
}

// votes is And and Barrier on messages: the bits that all members have set.
func (g *Group) votes(m Mark, own byte) (byte, error) {
	if g.halving {
		for d := 1; d < len(g.ranks); d *= 2 {
			if err := g.sendVote(m, g.me^d, own); err != nil {
				return 0, err
			}
			v, err := g.takeVote(m, g.me^d)
			if err != nil {
				return 0, err
			}
			own &= v
		}
		return own, nil
	}
	for k := 1; k < len(g.ranks); k++ {
		if err := g.sendVote(m, (g.me+k)%len(g.ranks), own); err != nil {
			return 0, err
		}
	}
	all := own
	for i := range g.ranks {
		if i == g.me {
			continue
		}
		v, err := g.takeVote(m, i)
		if err != nil {
			return 0, err
		}
		all &= v
	}
	return all, nil
}

func (g *Group) sendVote(m Mark, to int, v byte) error {
	g.ballot[0] = v
	return g.wire.Send(g.ranks[to], m, g.ballot[:])
}

func (g *Group) takeVote(m Mark, from int) (byte, error) {
	f, err := g.wire.take(g.ranks[from], m, 1)
	if err != nil {
		return 0, err
	}
	defer g.wire.give(f)
	return f.b[0], nil
}

// broadcast sends b from one member to all. The others say with an empty frame that
// they wait for it, which also tells those who disagree about the root, and with one
// more after each chunk but the last that there is room for another; the root looks
// for these one chunk later.
func (g *Group) broadcast(m Mark, b []byte) error {
	root := int(m.Root)
	if g.me != root {
		if err := g.wire.Send(g.ranks[root], m, nil); err != nil {
			return err
		}
		if err := g.wire.post(g.ranks[root], m, b); err != nil {
			return err
		}
		for c := 1; c <= chunks(len(b)); c++ {
			if err := g.wire.await(g.ranks[root], g.tag, c); err != nil {
				return err
			}
			if c == chunks(len(b)) {
				break
			}
			if err := g.wire.Send(g.ranks[root], m, nil); err != nil {
				return err
			}
		}
		return nil
	}
	for c := range chunks(len(b)) + 1 {
		for k := 1; k < len(g.ranks); k++ {
			rank := g.ranks[(root+k)%len(g.ranks)]
			if c < chunks(len(b)) {
				if err := g.wire.Send(rank, m, part(b, c)); err != nil {
					return err
				}
			}
			if c == 0 {
				continue
			}
			f, err := g.wire.take(rank, m, 0)
			if err != nil {
				return err
			}
			g.wire.give(f)
		}
	}
	return nil
}
