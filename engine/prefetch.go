package engine

import (
	"budwood/data"
	"budwood/engine/loss"
)

// ahead gathers the next batch of an epoch while the network works on this one.
// Results are those without it: a batch depends on the seed, the epoch and its
// rows alone. The goroutine ends with its batch.
type ahead struct {
	batches [2]*batch
	at      int // the batch being filled or filled last
	done    chan loss.Targets
	busy    bool // a batch is being filled

	set         *data.Set // of that batch
	epoch, from int       // its epoch, and its first row in the epoch's order
}

func newAhead(n *Net) *ahead {
	return &ahead{batches: [2]*batch{n.newBatch(), n.newBatch()}, done: make(chan loss.Targets, 1)}
}

// wait waits for the batch being filled, if there is one, and gives up its claim.
func (a *ahead) wait() (t loss.Targets, ok bool) {
	if a == nil || !a.busy {
		return t, false
	}
	a.busy = false
	return <-a.done, true
}

// feed puts the rows of micro-batch u into the input block of a lane's network and returns
// their targets.
func (t *Trainer) feed(l *lane, n *Net, s *data.Set, u int) loss.Targets {
	a := t.ahead
	from, to := micro(t.now.size, len(t.weights), u)
	from, rows := t.rows+from, to-from
	order := t.order[from : from+rows]
	if a == nil {
		return l.feeder.fill(&batch{n.x.Data.Floats, n.batch}, 0, s, order, t.done)
	}
	got, ok := a.wait()
	if !ok || a.set != s || a.epoch != t.done || a.from != from {
		got = l.feeder.fill(a.batches[a.at], a.at, s, order, t.done)
	}
	copy(n.x.Data.Floats, a.batches[a.at].x[:rows*n.in.Size()])
	if from, rows = t.next(l, u); rows > 0 {
		a.at = 1 - a.at
		a.set, a.epoch, a.from, a.busy = s, t.done, from, true
		next := t.order[from : from+rows]
		go func(b *batch, number, epoch int) {
			a.done <- l.feeder.fill(b, number, s, next, epoch)
		}(a.batches[a.at], a.at, t.done)
	}
	return got
}
