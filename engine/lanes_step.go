package engine

import (
	"errors"
	"math/bits"
	"time"

	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// compute runs the step of t.now on all lanes.
func (t *Trainer) compute() {
	clear(t.losses)
	if t.meeting == nil {
		t.inTurn()
		if t.pipes() {
			t.timing.bubble.tally(t.lanes)
		}
		t.rethrow()
		return
	}
	began, turn := time.Now(), t.cfg.Mesh.turns || !t.cfg.Mesh.always && t.pace.next()
	if turn && !t.inUnits { // lanes that share units wait for each other
		t.inTurn()
	} else {
		t.atWork = true
		for _, l := range t.lanes[1:] {
			go l.work()
		}
		t.work(t.lanes[0])
		if t.pipes() {
			t.timing.bubble.tally(t.lanes)
		}
		t.atWork = false
	}
	t.pace.done(time.Since(began), t.now.size)
	t.rethrow()
}

// rethrow panics with what a user's code has panicked with on a lane.
func (t *Trainer) rethrow() {
	for _, l := range t.lanes {
		if p := l.panic; p != nil {
			l.panic, t.torn = nil, true
			panic(p)
		}
	}
}

// inTurn is a step of the lanes one after the other, on the calling goroutine. What a
// user's code panics with ends the link to other ranks.
func (t *Trainer) inTurn() {
	if t.ranks != nil {
		defer t.endLink()
	}
	for round := range t.deal.rounds {
		for _, l := range t.lanes {
			t.differentiate(l, round)
		}
		if t.deal.rounds > 1 && !t.inUnits && t.bad() < 0 {
			for _, l := range t.lanes {
				t.endRound(l, round)
			}
		}
	}
	if t.tell(); t.stopped() {
		return
	}
	t.settle()
	if t.sumsUp() {
		for _, l := range t.lanes {
			t.addUp(l, 0)
		}
		if t.reduce(); t.stopped() {
			return
		}
	}
	for _, l := range t.lanes {
		t.look(l)
	}
	if t.decide(); t.idle() {
		return
	}
	for _, l := range t.lanes {
		t.advance(l)
	}
	for _, l := range t.lanes {
		t.follow(l)
	}
	t.spread()
}

// work is a lane's part of a step. All lanes come to the same conclusions. What
// the ranks do with each other, the first lane does.
func (t *Trainer) work(l *lane) {
	first, alone := l == t.lanes[0], t.ranks == nil
	for l.round = range t.deal.rounds {
		l.try((*Trainer).differentiateRound, t)
		t.meeting.Wait()
		if t.deal.rounds > 1 && !t.inUnits {
			if t.stopped() {
				break
			}
			t.endRound(l, l.round)
			t.meeting.Wait()
		}
	}
	if !alone {
		if first {
			t.tell()
		}
		t.meeting.Wait()
	}
	if t.stopped() {
		t.meeting.Wait() // nobody looks at what the first lane is about to change
		return
	}
	if first {
		t.settle()
	}
	if t.sumsUp() {
		t.addUp(l, 0)
		if !alone {
			t.meeting.Wait()
			if first {
				t.reduce()
			}
			if t.meeting.Wait(); t.now.lost != nil {
				t.meeting.Wait()
				return
			}
		}
	}
	t.look(l)
	early := t.cfg.LossScale == nil && t.cfg.ClipNorm == 0 // nothing depends on the gradient
	if first && early {
		t.decide()
	}
	t.meeting.Wait()
	if !early {
		if first {
			t.decide()
		}
		t.meeting.Wait()
	}
	if !t.idle() {
		l.try((*Trainer).advance, t)
		if t.average != nil {
			t.meeting.Wait()
			t.follow(l)
		}
		if !alone {
			if t.meeting.Wait(); first {
				t.spread()
			}
		}
	}
	t.meeting.Wait()
}

// sumsUp reports whether the lanes' sums are still to be added up once all micro-batches
// are computed.
func (t *Trainer) sumsUp() bool { return t.deal.rounds == 1 && !t.inUnits }

func (t *Trainer) differentiateRound(l *lane) { t.differentiate(l, l.round) }

// endRound adds the lanes' sums of a round up, and those of the rounds, in a lane's piece
// of the gradient, at the only rank.
func (t *Trainer) endRound(l *lane, round int) {
	t.addUp(l, 0)
	s := l.adding[0]
	t.addRound(s.of(t.net.grads), s.lo, round)
}

// addRound adds up a piece of the sums of the rounds. sum is that of the round, and then
// that of all if it was the last; the others wait from place at on.
func (t *Trainer) addRound(sum []float32, at, round int) {
	top := bits.OnesCount(uint(round)) // that wait
	for range mesh.Merges(t.deal.rounds, mesh.Span{To: t.deal.rounds}, round) {
		top--
		kernel.Add(sum, t.waits[top][at:at+len(sum)])
	}
	if round+1 < t.deal.rounds {
		copy(t.waits[top][at:], sum)
	}
}

// stopped reports whether the step ends before there is a gradient.
func (t *Trainer) stopped() bool { return t.now.lost != nil || t.bad() >= 0 || t.broken() }

// idle reports whether the optimizer takes no step.
func (t *Trainer) idle() bool { return t.now.skip || t.now.err != nil || t.now.lost != nil }

// endLink is the deferred part of a step of ranks.
func (t *Trainer) endLink() {
	if p := recover(); p != nil {
		t.ranks.fail(errPanic)
		panic(p)
	}
}

// errPanic is why a rank leaves the others where a user's code has panicked.
var errPanic = errors.New("a panic in a training step")

// try runs a part of a step that calls a user's code, and keeps what that panics
// with for the caller of the step.
func (l *lane) try(part func(*Trainer, *lane), t *Trainer) {
	defer l.catch()
	part(t, l)
}

// catch is the deferred part of try.
func (l *lane) catch() {
	if p := recover(); p != nil {
		l.panic = p
	}
}

// broken reports whether a lane has panicked.
func (t *Trainer) broken() bool {
	for _, l := range t.lanes {
		if l.panic != nil {
			return true
		}
	}
	return false
}
