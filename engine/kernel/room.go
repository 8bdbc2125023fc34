package kernel

import "sync"

// The level in use is one for the whole process, so that a kernel chooses its path
// by one comparison. Work enters a room for as long as it computes: any number of
// goroutines of the same level at a time. Those of another one wait until it is
// empty, and are let in before whoever comes after them.
var room struct {
	mu     sync.Mutex
	inside int
	level  setting
	queue  []*waiter
}

// setting is a level as the kernels read it.
type setting struct {
	set   level
	plain bool
}

type waiter struct {
	setting
	in chan struct{}
}

// plain keeps products in bfloat16 from using instructions for it.
var plain bool

func (l Level) setting() setting {
	if !l.given {
		return setting{best, false}
	}
	return setting{l.set, l.plain}
}

// Enter begins to compute at a level; Leave ends it. What lies between must not
// enter again, and be short: work of another level waits for it.
func (l Level) Enter() {
	want := l.setting()
	room.mu.Lock()
	if len(room.queue) == 0 && (room.inside == 0 || room.level == want) {
		occupy(want)
		room.mu.Unlock()
		return
	}
	w := &waiter{want, make(chan struct{})}
	room.queue = append(room.queue, w)
	room.mu.Unlock()
	<-w.in
}

// Leave ends what Enter has begun.
func Leave() {
	room.mu.Lock()
	defer room.mu.Unlock()
	if room.inside--; room.inside > 0 || len(room.queue) == 0 {
		return
	}
	next, rest := room.queue[0].setting, room.queue[:0]
	for _, w := range room.queue {
		if w.setting == next {
			occupy(next)
			close(w.in)
		} else {
			rest = append(rest, w)
		}
	}
	clear(room.queue[len(rest):])
	room.queue = rest
}

// occupy lets one in. Nothing is written while others of the level are inside,
// who read it.
func occupy(s setting) {
	room.inside++
	room.level = s
	if use != s.set || plain != s.plain {
		use, plain = s.set, s.plain
	}
}
