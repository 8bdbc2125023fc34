package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
)

// floats is what the blocks of all copies of a stage take, by the plan of one, and what is
// on its way to it.
func (s *stage) floats(b *plan.Builder) int64 {
	if s.copies == 1 {
		train, _ := plan.Peaks(b.Blocks)
		return plan.Plus(train, s.wire())
	}
	shared, own := plan.LayOutCopies(b.Blocks)
	return plan.Plus(plan.Plus(shared, plan.Product(s.copies, int(own))), s.wire())
}

// wire is the room for what neighbours may have sent before it is asked for: outputs of the
// stage before, one for each of its copies, and gradients from the stage behind, one for
// each of the own.
func (s *stage) wire() (n int64) {
	if s.number > 0 {
		n = plan.Product(s.copies+1, s.rows, s.begin().shape.Size())
	}
	if !s.last() {
		n = plan.Plus(n, plan.Product(s.copies, s.rows, s.end().shape.Size()))
	}
	return n
}

// judging is the numbers that a lane of the last stage takes beside it, to gather targets
// that are mixed.
func (s *stage) judging(t *TrainConfig, in, out data.Shape, c *Config) int64 {
	if !s.last() || t.Mixup == 0 {
		return 0
	}
	return plan.Plus(plan.Product(s.rows, in.Size()), t.mixing(in, out, c))
}

// addStages adds what the lanes of a process take that have a stage each of a network,
// which there is as a whole, too.
func (t *TrainConfig) addStages(m *Memory, s *stages, in, out data.Shape, c *Config, cuts *plan.Cuts) {
	d := t.deal(c.Batch, Cost(s.whole.Cost()))
	if d.stages == 1 {
		return
	}
	small := *c
	small.Batch = t.microRows(c.Batch)
	var each int64
	for number := range s.count() {
		own := t.stageOf(s, c.Batch, number)
		b, _, _ := own.plan(c, cuts, t.Mesh.Recompute)
		each = plan.Plus(each, plan.Plus(own.floats(b), plan.Plus(small.comparing(b, out), own.judging(t, in, out, &small))))
	}
	more := inBytes(plan.Product(d.lanes, int(each)))
	m.Activations, m.Train = plan.Plus(m.Activations, more), plan.Plus(m.Train, more)
}
