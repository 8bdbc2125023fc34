package layout

import (
	"fmt"
	"math"
)

// Price predicts one plan, whether or not it fits. An error is a [*FieldError] that
// says in one line which cut is impossible and which would do.
func (p *Problem) Price(plan Plan) (*Estimate, error) {
	c, err := p.costs()
	if err != nil {
		return nil, err
	}
	plan = plan.complete()
	if err := c.check(plan); err != nil {
		return nil, err
	}
	d := c.draft(plan)
	return c.exact(d)
}

// Bound is the least time that a plan can take, in seconds: that of [Problem.Price]
// except for waiting that only shows when its schedule is simulated, of which there is
// none with equal stages. It is many times as fast.
func (p *Problem) Bound(plan Plan) (float64, error) {
	c, err := p.costs()
	if err != nil {
		return 0, err
	}
	plan = plan.complete()
	if err := c.check(plan); err != nil {
		return 0, err
	}
	return c.draft(plan).bound, nil
}

// complete fills in what has a default.
func (p Plan) complete() Plan {
	for _, n := range []*int{&p.Data, &p.Tensor, &p.Pipeline, &p.Chunks, &p.MicroBatches, &p.Threads} {
		*n = max(*n, 1)
	}
	p.Zero = max(p.Zero, 0)
	if p.Recompute == "" {
		p.Recompute = RecomputeNone
	}
	return p
}

// draft is a plan with all of its costs but the time of the schedule, which is only
// bounded.
type draft struct {
	plan      Plan
	cut       []int
	pieces    []stage
	memory    float64 // of the largest rank
	bound     float64 // the step takes no less
	after     float64 // of the wire, after the schedule
	optimizer float64
}

// pass is how long a micro-batch takes in a piece: with sums and gatherings, and
// computing alone.
func (c *costs) pass(p Plan, s *stage) (forward, backward, compute float64) {
	b := c.samples(p)
	forward, backward = s.forward.of(b), s.backward.of(b)
	sums, again := s.sums.of(b), 0.0
	if p.Recompute != RecomputeNone {
		again = s.sumsAgain.of(b)
		backward += s.again.of(b)
	}
	forward, backward = forward*c.crowd(p), backward*c.crowd(p)
	compute = forward + backward
	if c.Model.Late {
		forward, backward = forward+sums, backward+sums+again
	} else {
		forward, backward = both(c.k.Overlap, forward, sums), both(c.k.Overlap, backward, sums+again)
	}
	if g := c.Cluster.dataGroup(p); g.n > 1 && p.Zero >= 2 {
		own := s.params
		gather := c.gather(p, g, c.state.Weights*own)
		if p.Zero == 3 {
			forward = both(c.k.Gather, forward, gather)
			backward = both(c.k.Gather, backward, gather+c.gather(p, g, min(c.state.Weights, c.state.Gradients)*own))
		} else {
			backward = both(c.k.Gather, backward, c.k.scatter(c.Cluster, g, c.state.Gradients*own))
		}
	}
	return forward, backward, compute
}

// passes calls f with how long a micro-batch takes in each piece, what is sent on
// included, and how long it computes.
func (c *costs) passes(p Plan, pieces []stage, f func(q int, forward, backward, compute float64)) {
	var forward, backward, compute float64
	b := c.samples(p)
	for q := range pieces {
		if !c.Model.Even || q <= 1 || q == len(pieces)-1 { // otherwise it is as the one before
			forward, backward, compute = c.pass(p, &pieces[q])
		}
		on, back := forward, backward
		if q+1 < len(pieces) {
			on += c.k.send(c.Cluster, p, q, pieces[q+1].input*b)
		}
		if q > 0 {
			back += c.k.send(c.Cluster, p, q-1, pieces[q].input*b)
		}
		f(q, on, back, compute)
	}
}

// gather is what zero 3 takes to gather or scatter s bytes.
func (c *costs) gather(p Plan, g group, s float64) float64 {
	if c.Model.OneCard && g.k < g.n {
		own := *c.k
		own.Between = own.OneCard
		return own.scatter(c.Cluster, group{g.n, 1}, s)
	}
	return c.k.scatter(c.Cluster, g, s)
}

// both is how long two take that run at once: the larger, and a share of the
// smaller.
func both(share, x, y float64) float64 { return max(x, y) + share*min(x, y) }

// draft prices a plan that [costs.check] allows.
func (c *costs) draft(p Plan) *draft {
	d := &draft{plan: p}
	d.cut, d.pieces = c.ofPieces(p)
	d.memory = c.largest(p, d.pieces)
	if d.memory > c.room(p) && !c.Model.Even && p.Pipeline > 1 {
		if cut := c.cut(p, c.limit(p)); cut != nil {
			d.cut, d.pieces = cut, c.join(p, cut)
			d.memory = c.largest(p, d.pieces)
		}
	}
	m := float64(p.MicroBatches)
	stages := c.stages(p, d.pieces)
	busy := make([]float64, 2*p.Pipeline)
	fill := busy[p.Pipeline:]
	ahead := 0.0
	c.passes(p, d.pieces, func(q int, f, b, _ float64) {
		busy[q%p.Pipeline] += m * (f + b)
		if q < p.Pipeline {
			fill[q] = ahead
			ahead += f + b
		}
	})
	for i := range p.Pipeline {
		d.bound = max(d.bound, busy[i]+fill[i])
	}
	g := c.Cluster.dataGroup(p)
	for i := range stages {
		s := &stages[i]
		own := s.params
		after, hides := 0.0, busy[i]/m
		switch {
		case g.n == 1:
		case p.Zero == 0:
			after = c.k.reduce(c.Cluster, g, c.state.Gradients*own)
		case p.Zero == 1:
			after = c.k.scatter(c.Cluster, g, c.state.Gradients*own) + c.k.scatter(c.Cluster, g, c.state.Weights*own)
		case p.Zero == 2:
			after = c.k.scatter(c.Cluster, g, c.state.Weights*own)
		}
		if after > 0 && !c.Model.Late {
			after = both(c.k.Overlap, after, hides) - hides
		}
		if p.Threads > 1 { // a rank's lanes add their gradients in memory
			after += c.state.Gradients*own*float64(p.Threads+1)/(c.Cluster.Bandwidth*float64(p.Threads)) + c.Cluster.Meet
		}
		d.after = max(d.after, after)
		if p.Zero > 0 {
			own /= float64(g.n)
		}
		moved := 2*c.state.Optimizer + 2*c.state.Weights + c.state.Gradients
		d.optimizer = max(d.optimizer, moved*own/(c.Cluster.Bandwidth*float64(p.Threads)))
	}
	if last := &c.Model.Layers[len(c.Model.Layers)-1]; last.Tied && p.Pipeline > 1 {
		d.after += c.k.reduce(c.Cluster, group{2, 1}, c.state.Gradients*last.Params/float64(p.Tensor))
	}
	d.bound = (d.bound*c.stagger(p) + d.after + d.optimizer) * c.spread()
	return d
}

func (c *costs) stagger(p Plan) float64 { return 1 + c.k.Stagger*math.Log2(float64(p.Pipeline)) }

// crowd is how much longer a lane computes beside the others of its process.
func (c *costs) crowd(p Plan) float64 { return 1 + c.Cluster.Crowd*(1-1/float64(p.Threads)) }

func (c *costs) spread() float64 { return 1 + c.k.Spread*math.Log2(float64(c.Cluster.Nodes)) }

// exact simulates the schedule of a draft.
func (c *costs) exact(d *draft) (*Estimate, error) {
	p := d.plan
	e := &Estimate{Plan: p}
	forward, backward := make([]float64, len(d.pieces)), make([]float64, len(d.pieces))
	busy, compute := make([]float64, p.Pipeline), make([]float64, p.Pipeline)
	m := float64(p.MicroBatches)
	c.passes(p, d.pieces, func(q int, f, b, own float64) {
		forward[q], backward[q] = f, b
		busy[q%p.Pipeline] += m * (f + b)
		compute[q%p.Pipeline] += m * own
	})
	slowest := 0
	for i := range busy {
		if busy[i] > busy[slowest] {
			slowest = i
		}
	}
	took, err := simulate(p, forward, backward, busy[slowest]/m, mostOps)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	took *= c.stagger(p)
	t := &e.Time
	t.Compute, t.Bubble, t.Optimizer = compute[slowest], took-busy[slowest], d.optimizer
	t.Wire = busy[slowest] - compute[slowest] + d.after
	t.Step = (took + d.after + d.optimizer) * c.spread()
	t.Spread = t.Step - took - d.after - d.optimizer
	stages := c.stages(p, d.pieces)
	for i := range stages {
		st := Stage{Memory: c.memory(p, i, &stages[i])}
		for q := i; q < len(d.pieces); q += p.Pipeline {
			st.Layers = append(st.Layers, [2]int{d.cut[q], d.cut[q+1]})
		}
		e.Stages = append(e.Stages, st)
		if sent := c.sent(p, d.pieces, stages, i); sent.Total() > e.Sent.Total() {
			e.Sent = sent
		}
	}
	return e, nil
}
