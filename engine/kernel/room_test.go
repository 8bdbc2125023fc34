package kernel

import (
	"sync"
	"testing"
)

// However goroutines of all levels come together, each computes at its own, and
// all come to their turn.
func TestRoom(t *testing.T) {
	was := use
	defer func() { use, plain = was, false }()
	var all sync.WaitGroup
	for g := range 12 {
		all.Go(func() {
			l := Level{given: true, set: level(g % (int(best) + 1)), plain: g%4 == 1}
			if g%6 == 5 {
				l = Level{}
			}
			want := l.setting()
			for range 2000 {
				l.Enter()
				if use != want.set || plain != want.plain {
					t.Errorf("level %v, plain %v, want %+v", use, plain, want)
				}
				Leave()
			}
		})
	}
	all.Wait()
	if room.inside != 0 || len(room.queue) != 0 {
		t.Errorf("%d inside, %d waiting", room.inside, len(room.queue))
	}
}

// Work of another level waits no longer than for those inside when it came.
func TestRoomIsFair(t *testing.T) {
	was := use
	defer func() { use, plain = was, false }()
	a, b := Level{given: true, set: generic}, Level{given: true, set: generic, plain: true}
	a.Enter()
	in := make(chan string, 2)
	go func() { b.Enter(); in <- "b"; Leave() }()
	for waiting := 0; waiting < 1; {
		room.mu.Lock()
		waiting = len(room.queue)
		room.mu.Unlock()
	}
	go func() { a.Enter(); in <- "a"; Leave() }() // came after b
	for waiting := 0; waiting < 2; {
		room.mu.Lock()
		waiting = len(room.queue)
		room.mu.Unlock()
	}
	Leave()
	if first := <-in; first != "b" {
		t.Errorf("%s came first", first)
	}
	<-in
}

func TestLevelOf(t *testing.T) {
	for name, want := range map[string]bool{"": false, "sse": false, "avx1024": false, Best(false): true, Best(true): true, nameOf(generic): true} {
		if Has(name) != want {
			t.Errorf("has %q: %v", name, !want)
		}
	}
	if l, _ := LevelOf(nameOf(generic), false); l.setting() != (setting{generic, false}) {
		t.Errorf("%+v", l)
	}
	// The best one is the same by name and without.
	if l, _ := LevelOf(Best(false), false); l.setting() != (Level{}).setting() {
		t.Errorf("%+v", l)
	}
	if l, _ := LevelOf(Best(true), true); bf16Instructions && best == avx512 && l.setting() != (Level{}).setting() {
		t.Errorf("%+v", l)
	}
}
