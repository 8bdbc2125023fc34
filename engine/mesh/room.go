package mesh

import (
	"fmt"
	"slices"
)

// room is where the members of a group of lanes meet. Between meet and part they
// read each other's slices.
type room struct {
	local   *local
	ranks   []int
	members []*Group
	barrier *barrier
}

// waiting is a call that a lane is parked in.
type waiting struct {
	g    *Group
	turn uint32 // of the barrier, when it parked
}

// enter gives a group its room.
func (s *local) enter(g *Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[g.tag]
	if r == nil {
		r = &room{local: s, ranks: g.ranks, members: make([]*Group, len(g.ranks)), barrier: newBarrier(len(g.ranks))}
		s.rooms[g.tag] = r
		for _, rank := range g.ranks {
			if s.left[rank] {
				r.barrier.broken.Store(true)
			}
		}
	}
	if r.members[g.me] != nil || !slices.Equal(r.ranks, g.ranks) {
		return fmt.Errorf("mesh: rank %d makes the group of the ranks %v twice: give it another name or stream", g.link.Rank(), g.ranks)
	}
	r.members[g.me] = g
	g.room = r
	return s.cause
}

// meet waits for the other members. It is an error if they make another call.
func (r *room) meet(g *Group) error {
	if err := r.wait(g); err != nil {
		return err
	}
	for i, other := range r.members {
		if other.now != g.now {
			return r.local.fail(disagreement(g, r.members[i]))
		}
	}
	return nil
}

// part lets the members go on once all have done what they had to do with each
// other's slices.
func (r *room) part(g *Group) error { return r.wait(g) }

func (r *room) wait(g *Group) error {
	p := &g.link.(*Lane).patience[stream(g.tag)]
	if !r.barrier.wait(p, g.parking, g.parked) {
		return r.local.failed(r.ranks)
	}
	return nil
}

// reduce adds up the own piece of all members' sums, in blocks that stay in the
// nearest cache. What others have there is lost.
func (r *room) reduce(g *Group, add func(dst, a []byte)) {
	const block = 16 << 10
	from, to := g.bytes(g.me, len(g.views[0]))
	for ; from < to; from += block {
		end := min(from+block, to)
		for t, owner := range g.owner {
			g.bufs[t] = r.members[owner].views[t-g.first[owner]][from:end]
			for _, a := range g.steps[t] {
				add(g.bufs[a.dst], g.bufs[a.src])
			}
		}
	}
}

// gather copies the others' pieces.
func (r *room) gather(g *Group) {
	for i, other := range r.members {
		if i != g.me {
			from, to := g.bytes(i, len(g.views[0]))
			copy(g.views[0][from:to], other.views[0][from:to])
		}
	}
}

// all is reduce and gather.
func (r *room) all(g *Group, add func(dst, a []byte)) error {
	if err := r.meet(g); err != nil {
		return err
	}
	r.reduce(g, add)
	if err := r.wait(g); err != nil {
		return err
	}
	r.gather(g)
	return r.part(g)
}

// bytes is the piece of a member in a vector of size bytes. Pieces of float64 begin
// at the same bytes as those of float32.
func (g *Group) bytes(member, size int) (from, to int) {
	if g.now.Kind == Sum64 {
		from, to = Cut(size/4, len(g.ranks), member)
	} else {
		from, to = g.Piece(size/4, member)
	}
	return 4 * from, 4 * to
}

func disagreement(a, b *Group) ErrDisagree {
	if b.link.Rank() < a.link.Rank() {
		a, b = b, a
	}
	return ErrDisagree{Ranks: [2]int{a.link.Rank(), b.link.Rank()}, Calls: [2]Mark{a.now, b.now}}
}

// parking says where the lane waits, and looks whether another one waits for it in
// another room: then neither will ever come.
func (g *Group) parking(turn uint32) {
	l := g.link.(*Lane)
	s, stream := l.local, stream(g.tag)
	var err error
	s.mu.Lock()
	l.parked[stream] = waiting{g, turn}
	for _, rank := range g.ranks {
		w := s.lanes[rank].parked[stream]
		if rank == g.link.Rank() || w.g == nil || w.g.room == g.room || w.turn != w.g.room.barrier.turn.Load() {
			continue
		}
		at := slices.Index(w.g.ranks, g.link.Rank())
		if at < 0 {
			continue
		}
		own, theirs := w.g.room.members[at], g.room.members[slices.Index(g.ranks, rank)]
		if (own == nil || own.calls < w.g.calls) && (theirs == nil || theirs.calls < g.calls) {
			err = disagreement(g, w.g)
		}
	}
	s.mu.Unlock()
	if err != nil {
		s.fail(err)
	}
}

// parked says that the lane goes on.
func (g *Group) parked() {
	l := g.link.(*Lane)
	l.local.mu.Lock()
	l.parked[stream(g.tag)] = waiting{}
	l.local.mu.Unlock()
}
