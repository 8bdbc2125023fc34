package mesh

// ReduceScatter adds the members' vectors in the order of the tree. sums are those of
// the own [Group.Trees], all of one length. Afterwards sums[0] has the total in the
// own [Group.Piece]; everything else in sums is undefined.
func (g *Group) ReduceScatter(sums [][]float32) error {
	if err := view(g, ReduceScatter, sums); err != nil {
		return err
	}
	m := g.begin(ReduceScatter, 0, len(g.views[0]))
	if g.room != nil {
		if err := g.room.meet(g); err != nil {
			return err
		}
		g.room.reduce(g, g.add32)
		return g.room.part(g)
	}
	return g.scatter(m)
}

// AllGather gives every member the others' pieces of x.
func (g *Group) AllGather(x []float32) error {
	g.views[0] = Bytes(x)
	m := g.begin(AllGather, 0, len(g.views[0]))
	if g.room != nil {
		if err := g.room.meet(g); err != nil {
			return err
		}
		g.room.gather(g)
		return g.room.part(g)
	}
	return g.gather(m)
}

// AllReduce is ReduceScatter and AllGather: sums[0] becomes the total everywhere.
func (g *Group) AllReduce(sums [][]float32) error {
	if err := view(g, AllReduce, sums); err != nil {
		return err
	}
	m := g.begin(AllReduce, 0, len(g.views[0]))
	if g.room != nil {
		return g.room.all(g, g.add32)
	}
	if err := g.scatter(m); err != nil {
		return err
	}
	return g.gather(m)
}

// Sum64 is AllReduce for a few numbers in float64, such as losses and weights. Over
// messages every member sends all of them to the others, at once.
func (g *Group) Sum64(sums [][]float64) error {
	if err := view(g, Sum64, sums); err != nil {
		return err
	}
	m := g.begin(Sum64, 0, len(g.views[0]))
	if g.room != nil {
		return g.room.all(g, g.add64)
	}
	return g.exchange(m)
}

// Broadcast fills b with that of the member root, everywhere.
func (g *Group) Broadcast(root int, b []byte) error {
	if root < 0 || root >= len(g.ranks) {
		return g.wrong(Broadcast, "there is no member %d", root)
	}
	g.views[0] = b
	m := g.begin(Broadcast, root, len(b))
	if g.room != nil {
		if err := g.room.meet(g); err != nil {
			return err
		}
		if g.me != root {
			copy(b, g.room.members[root].views[0])
		}
		return g.room.part(g)
	}
	return g.broadcast(m, b)
}

// And reports whether ok is true at every member.
func (g *Group) And(ok bool) (bool, error) {
	g.vote = 0
	if ok {
		g.vote = 1
	}
	m := g.begin(And, 0, 1)
	if g.room != nil {
		if err := g.room.meet(g); err != nil {
			return false, err
		}
		all := byte(1)
		for _, other := range g.room.members {
			all &= other.vote
		}
		return all == 1, g.room.part(g)
	}
	all, err := g.votes(m, g.vote)
	return all == 1, err
}

// Barrier returns once every member has called it.
func (g *Group) Barrier() error {
	m := g.begin(Barrier, 0, 0)
	if g.room != nil {
		if err := g.room.meet(g); err != nil {
			return err
		}
		return g.room.part(g)
	}
	_, err := g.votes(m, 1)
	return err
}
