package engine

import (
	"cmp"
	"time"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/layout"
	"budwood/engine/loss"
	"budwood/engine/mesh"
)

// pipe is the side of one stage in a pipeline (1F1B, Narayanan et al. 2021, section 2.2):
// what a lane of a rank does if it has a stage. It takes the micro-batches of the lane's
// leaves forward and backward in the order of its schedule. Outputs go to the stage behind
// it, and their gradients come back from there. The gradients of its parameters are added
// up in the tree of the leaves, as by a lane that has the whole network.
type pipe struct {
	nets   []*Net      // the copies of the stage, which take turns
	ops    []layout.Op // of a step
	link   mesh.Link
	before side     // the stage that it has inputs from
	behind side     // the stage that has its outputs
	place  stretch  // its parameters among those of the lane's gradient
	feeder *feeder  // of targets, in the last stage
	room   batch    // for these
	took   struct { // in the running step
		waited, all time.Duration
	}
	err error // it ended the link
}

// looking lets stages look for what comes from their neighbours for a while before they park,
// as long as other programs leave the processors to them. lanes is how many each rank of the
// link has.
func (t *Trainer) looking(link mesh.Link, stream, lanes int) {
	if l, ok := link.(*mesh.Lane); ok {
		l.Look(stream, lanes, t.uncrowded)
	}
}

// uncrowded reports whether other programs leave this one the processors that it computes on.
func (t *Trainer) uncrowded() bool { return t.cfg.Mesh.Idle == nil || t.cfg.Mesh.Idle.Fits() }

// side is the way to a neighbour.
type side struct {
	rank        int // on the link; −1: there is none
	tag         uint32
	sent, taken uint32 // messages
}

// newPipe joins a lane's stage to its neighbours on a stream of a link. place is where its
// parameters are in the lane's gradient, micro how many leaves the lane has.
func newPipe(n *Net, nets []*Net, place stretch, micro int, link mesh.Link, before, behind, stream int, cfg *TrainConfig) (*pipe, error) {
	s := n.stage
	schedule, err := layout.OneForwardOneBackward(s.count(), micro)
	if err != nil {
		return nil, err
	}
	tag := mesh.Tag(stream, "stages")
	p := &pipe{nets: nets, ops: schedule.Stages[s.number], link: link, before: side{rank: before, tag: tag}, behind: side{rank: behind, tag: tag}, place: place}
	if !s.last() {
		return p, nil
	}
	feed := *cfg
	if p.room = (batch{Targets: n.batch}); feed.Mixup > 0 {
		p.room.x = make([]float32, s.rows*n.in.Size()) // mixing draws after augmentation
	} else {
		feed.Augment = nil
	}
	p.feeder, err = newFeeder(n, &feed)
	return p, err
}

// send sends values to a neighbour.
func (p *pipe) send(to *side, x []float32) {
	if p.err == nil {
		p.fail(p.link.Send(to.rank, mesh.Mark{Tag: to.tag, Call: to.sent, Size: uint64(4 * len(x))}, mesh.Bytes(x)))
		to.sent++
	}
}

// take takes values from a neighbour.
func (p *pipe) take(from *side, x []float32) {
	if p.err == nil {
		began := time.Now()
		p.fail(p.link.Recv(from.rank, mesh.Mark{Tag: from.tag, Call: from.taken, Size: uint64(4 * len(x))}, mesh.Bytes(x)))
		p.took.waited += time.Since(began)
		from.taken++
	}
}

// fail ends the link with an error: no other stage shall wait for this one.
func (p *pipe) fail(err error) {
	if err != nil {
		p.err = cmp.Or(p.err, err)
		p.link.Close(err)
	}
}

// catch is the deferred part of what calls a user's code, which may panic.
func (p *pipe) catch() {
	if v := recover(); v != nil {
		p.fail(errPanic)
		panic(v)
	}
}

// flow computes the gradients of a lane's leaves in its stage, and adds them up as far as
// they are whole subtrees. A loss that is not finite does not end it: others wait.
func (t *Trainer) flow(l *lane) {
	p, top := l.pipe, 0
	began := time.Now()
	p.took.waited, p.took.all = 0, 0
	defer p.catch()
	for _, o := range p.ops {
		leaf, n := l.span.From+int(o.Micro), p.nets[int(o.Micro)%len(p.nets)]
		if !o.Backward {
			t.flowForward(l, n, leaf)
			continue
		}
		if t.flowBackward(l, n, leaf); p.err != nil {
			return
		}
		top = l.merge(p.place, leaf, top, t.deal.leaves)
	}
	p.took.all = time.Since(began)
}

// flowForward takes a leaf forward, up to the loss.
func (t *Trainer) flowForward(l *lane, n *Net, u int) {
	p := l.pipe
	from, to := micro(t.now.size, len(t.losses), u)
	if from == to {
		return
	}
	pass := t.pass(u)
	if t.record != nil {
		pass.Record = &t.record[u]
	}
	if p.before.rank < 0 {
		t.feed(l, n, t.now.set, u)
	} else {
		p.take(&p.before, n.x.Data.Floats[:pass.Rows*n.x.Shape.Size()])
	}
	if p.err != nil {
		return
	}
	n.forward(pass)
	if p.behind.rank >= 0 {
		p.send(&p.behind, n.y.Data.Floats[:pass.Rows*n.y.Shape.Size()])
		return
	}
	sum, weight := n.judge(pass, p.targets(t.now.set, t.order[t.rows+from:t.rows+to], t.done), t.scaleOf(u))
	if t.losses[u] = sum; len(t.losses) == 1 {
		t.now.weight = weight
	}
}

// targets are those of some rows, in the last stage.
func (p *pipe) targets(s *data.Set, order []int32, epoch int) loss.Targets {
	return p.feeder.fill(&p.room, 0, s, order, epoch)
}

// flowBackward takes a leaf backward. The gradient of no rows is 0.
func (t *Trainer) flowBackward(l *lane, n *Net, u int) {
	p := l.pipe
	from, to := micro(t.now.size, len(t.losses), u)
	if from == to {
		clear(p.place.of(l.net.grads))
		return
	}
	pass := t.pass(u)
	if p.behind.rank >= 0 {
		p.take(&p.behind, n.y.Grad.Floats[:pass.Rows*n.y.Shape.Size()])
	}
	if p.err != nil {
		return
	}
	n.backward(pass)
	if p.before.rank >= 0 {
		p.send(&p.before, n.x.Grad.Floats[:pass.Rows*n.x.Shape.Size()])
	}
}

// flowThrough takes rows lo … hi−1 of a set forward in inference mode, and lets the last
// stage see the outputs.
func (p *pipe) flowThrough(s *data.Set, lo, hi int, see func(n *Net)) {
	defer p.catch()
	n := p.nets[0]
	if p.before.rank < 0 {
		s.Read(n.x.Data.Floats[:(hi-lo)*n.in.Size()], lo)
	} else {
		p.take(&p.before, n.x.Data.Floats[:(hi-lo)*n.x.Shape.Size()])
	}
	if p.err != nil {
		return
	}
	n.forward(plan.Pass{Rows: hi - lo})
	if p.behind.rank >= 0 {
		p.send(&p.behind, n.y.Data.Floats[:(hi-lo)*n.y.Shape.Size()])
	} else {
		see(n)
	}
}

// pipes reports whether the lanes of the running step are stages. Where they can be, they
// are not if they take turns, which one of them does with the whole network.
func (t *Trainer) pipes() bool { return t.net.stage != nil || t.atWork && t.deal.stages > 1 && !t.torn }

// bubble is what the stages of this process have done.
type bubble struct{ busy, span time.Duration }

// tally takes in a step: all stages are there from its beginning to the end of the last,
// and one of them is busy for longest.
func (b *bubble) tally(lanes []*lane) {
	var busy, span time.Duration
	for _, l := range lanes {
		busy, span = max(busy, l.pipe.took.all-l.pipe.took.waited), max(span, l.pipe.took.all)
	}
	b.busy += busy
	b.span += span
}

// Bubble is the share of the forward and backward passes in which the busiest of the stages
// of this process has waited for others since it was called last; 0 where there are none. Of
// m micro-batches through P equal stages it is (P−1)/(m+P−1). [Measured] has that of all
// ranks.
func (t *Trainer) Bubble() float64 {
	b, told := t.timing.bubble, t.timing.told
	if t.timing.told = b; b.span == told.span {
		return 0
	}
	return 1 - float64(b.busy-told.busy)/float64(b.span-told.span)
}
