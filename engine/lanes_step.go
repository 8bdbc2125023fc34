package engine

import "time"

// compute runs the step of t.now on all lanes.
func (t *Trainer) compute() {
	clear(t.losses)
	if t.meeting == nil {
		t.alone(t.lanes[0])
		return
	}
	began, turn := time.Now(), t.cfg.Mesh.turns || !t.cfg.Mesh.always && t.pace.next()
	if turn {
		t.inTurn()
	} else {
		for _, l := range t.lanes[1:] {
			go l.work()
		}
		t.work(t.lanes[0])
	}
	t.pace.done(time.Since(began), t.now.size)
	for _, l := range t.lanes {
		if p := l.panic; p != nil {
			l.panic = nil
			panic(p)
		}
	}
}

// inTurn is a step of the lanes one after the other, on the calling goroutine.
func (t *Trainer) inTurn() {
	for _, l := range t.lanes {
		t.differentiate(l)
	}
	if t.bad() >= 0 {
		return
	}
	t.settle()
	for _, l := range t.lanes {
		t.addUp(l)
	}
	t.decide()
	if t.now.skip || t.now.err != nil {
		return
	}
	for _, l := range t.lanes {
		t.advance(l)
	}
	for _, l := range t.lanes {
		t.follow(l)
	}
}

// alone is a step of one lane.
func (t *Trainer) alone(l *lane) {
	t.differentiate(l)
	if t.bad() >= 0 {
		return
	}
	t.addUp(l)
	t.decide()
	if t.now.skip || t.now.err != nil {
		return
	}
	t.advance(l)
	t.follow(l)
}

// work is a lane's part of a step. All lanes come to the same conclusions.
func (t *Trainer) work(l *lane) {
	first := l == t.lanes[0]
	l.try((*Trainer).differentiate, t)
	t.meeting.Wait()
	if t.bad() >= 0 || t.broken() {
		t.meeting.Wait() // nobody looks at what the first lane is about to change
		return
	}
	if first {
		t.settle()
	}
	t.addUp(l)
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
	if !t.now.skip && t.now.err == nil {
		l.try((*Trainer).advance, t)
		if t.average != nil {
			t.meeting.Wait()
			t.follow(l)
		}
	}
	t.meeting.Wait()
}

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
