package mesh

import (
	"fmt"
	"slices"
	"sync"
)

// Local joins n lanes of one process. Each is for one goroutine (or one for each
// stream).
func Local(n int) []*Lane {
	l := &local{rooms: map[uint32]*room{}, left: make([]bool, n)}
	for rank := range n {
		l.lanes = append(l.lanes, &Lane{local: l, inboxes: newInboxes(rank, n, func(err error) { l.fail(err) })})
	}
	return l.lanes
}

// Lane is the link of one lane of a process. Groups of lanes work on each other's
// slices; messages are copied.
type Lane struct {
	*inboxes
	local  *local
	parked [Streams]waiting // where this lane waits; guarded by local.mu
}

var _ Link = (*Lane)(nil)

// local is what the lanes of a process share.
type local struct {
	lanes []*Lane

	mu    sync.Mutex
	rooms map[uint32]*room // by tag
	left  []bool           // by rank: closed without a cause
	cause error
}

// Send copies b to the lane to.
func (l *Lane) Send(to int, m Mark, b []byte) error {
	if _, err := l.box(to, m.Tag); err != nil {
		return err
	}
	in := &l.local.lanes[to].boxes[l.rank][stream(m.Tag)]
	for c := range chunks(len(b)) {
		if err := l.broken(); err != nil {
			return err
		}
		from := part(b, c)
		dst, f, err := in.place(m, len(from))
		if err != nil {
			return l.local.fail(err)
		}
		copy(dst, from)
		if err := in.arrived(f, true); err != nil {
			return l.local.fail(err)
		}
	}
	return nil
}

// Close ends the link; with a cause, that of all lanes.
func (l *Lane) Close(cause error) error {
	ended := ErrEnded{Rank: l.rank}
	if cause != nil {
		l.local.fail(decodeCause(encodeCause(cause, ended), ended))
		return nil
	}
	s := l.local
	s.mu.Lock()
	s.left[l.rank] = true
	rooms := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		if slices.Contains(r.ranks, l.rank) {
			rooms = append(rooms, r)
		}
	}
	s.mu.Unlock()
	for _, r := range rooms {
		r.barrier.tear()
	}
	for _, other := range s.lanes {
		if other != l {
			other.inboxes.left(l.rank, ended)
		}
	}
	return nil
}

// fail ends the links of all lanes with the first cause, which it returns.
func (s *local) fail(cause error) error {
	s.mu.Lock()
	if s.cause != nil {
		defer s.mu.Unlock()
		return s.cause
	}
	s.cause = cause
	s.mu.Unlock()
	for _, l := range s.lanes {
		l.inboxes.fail(cause)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		r.barrier.tear()
	}
	return cause
}

// failed is why a barrier of ranks was torn.
func (s *local) failed(ranks []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return s.cause
	}
	for _, rank := range ranks {
		if s.left[rank] {
			return ErrEnded{Rank: rank}
		}
	}
	return fmt.Errorf("mesh: a barrier of the ranks %v was torn", ranks)
}
