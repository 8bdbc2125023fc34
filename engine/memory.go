package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// Memory is what a plan allocates, in bytes. Nothing is allocated later, so that
// Train is the peak of training; only [Trainer.KeepBest] adds Best.
type Memory struct {
	Params      int64 // trained numbers
	Grads       int64 // their gradients
	Optimizer   int64 // its state, and what the trainer keeps beside it: held gradients, averaged weights
	Activations int64 // activations and their gradients, statistics, tables, inputs and targets of batches, and scratch
	Train       int64 // all of these
	Best        int64 // a copy of the parameters and statistics
	Infer       int64 // what inference alone would need: parameters, statistics, and the most that a forward pass of a batch holds at once
}

// Footprint is the memory of a network that is compiled with c and trained with
// t, before anything is allocated. The error is that of [Measure], or says what
// of c is wrong.
func Footprint(l Layer, in data.Shape, c Config, t TrainConfig) (Memory, error) {
	_, m, err := MeasureMemory(l, in, c, t)
	return m, err
}

// MeasureMemory is [Measure] and [Footprint] in one pass.
func MeasureMemory(l Layer, in data.Shape, c Config, t TrainConfig) (cost Cost, m Memory, err error) {
	whole, err := fitting(l, in)
	if err != nil {
		return Cost{}, Memory{}, err
	}
	c = c.defaults()
	if err := c.validate(); err != nil {
		return Cost{}, Memory{}, fmt.Errorf("footprint: %w", err)
	}
	cuts, err := cutsFor(l, in, &c, &t)
	if err != nil {
		return Cost{}, Memory{}, fmt.Errorf("footprint: %w", err)
	}
	s, err := stagesFor(l, in, whole, &c, &t, cuts)
	if err != nil {
		return Cost{}, Memory{}, fmt.Errorf("footprint: %w", err)
	}
	c.level().Enter() // it decides what is computed in pairs
	defer kernel.Leave()
	if s != nil && t.Mesh.stages() > 1 {
		own := t.stageOf(s, c.Batch, t.Mesh.stage())
		b, _, _ := own.plan(&c, cuts, t.Mesh.Recompute)
		return Cost(b.Cost()), memoryOf(b, in, whole, &c, &t, t.firstUnits(b), func(int) int64 { return own.floats(b) }, own), nil
	}
	outline(l, in, c.Batch, &c, t.Mesh.Recompute, cuts, func(b *plan.Builder, _ plan.Tensor) {
		cost, m = Cost(b.Cost()), memoryOf(b, in, whole, &c, &t, t.firstUnits(b), func(batch int) (arena int64) {
			outline(l, in, batch, &c, t.Mesh.Recompute, cuts, func(b *plan.Builder, _ plan.Tensor) { arena, _ = plan.Peaks(b.Blocks) })
			return arena
		}, nil)
	})
	if s != nil {
		t.addStages(&m, s, in, whole, &c, cuts)
	}
	return cost, m, nil
}

// Memory is what the network and the trainer have allocated.
func (t *Trainer) Memory() Memory {
	n := t.net
	m := memoryOf(n.plan, n.in, n.out, &n.cfg, &t.cfg, t.units, func(int) int64 {
		if n.stage != nil {
			return n.stage.floats(n.plan)
		}
		arena, _ := plan.Peaks(t.lanes[t.deal.stages].net.plan.Blocks)
		return arena
	}, n.stage)
	if n.stage == nil && t.stages != nil {
		n.level.Enter()
		defer kernel.Leave()
		t.cfg.addStages(&m, t.stages, n.in, n.out, &n.cfg, n.cuts)
	}
	return m
}

// String lists the parts: "parameters 9.6 KiB, gradients 9.6 KiB, …".
func (m Memory) String() string {
	return fmt.Sprintf("parameters %s, gradients %s, optimizer %s, activations and scratch %s, in all %s; inference alone %s",
		memory(m.Params), memory(m.Grads), memory(m.Optimizer), memory(m.Activations), memory(m.Train), memory(m.Infer))
}

// firstUnits are the units of rank 0.
func (t *TrainConfig) firstUnits(b *plan.Builder) []unit {
	units := t.units(b)
	for i := range units {
		if u := &units[i]; u.cuts != nil {
			u.own = stretch{u.cuts[0], u.cuts[1]}
		}
	}
	return units
}

// memoryOf sums up a plan, with what a trainer adds to it, whose parameters are cut into
// units; t nil means no trainer. arena is the blocks of a plan for another batch, in
// floats, which lanes need. own is the stage of the network that the plan is for; nil: it is
// for all of it.
func memoryOf(b *plan.Builder, in, out data.Shape, c *Config, t *TrainConfig, units []unit, arena func(batch int) int64, own *stage) Memory {
	blocks, infer := plan.Peaks(b.Blocks)
	if own != nil {
		blocks = own.floats(b)
	}
	params, stats, tables := plan.Total(b.Params), plan.Total(b.Stats), plan.Total(b.Tables)
	m := Memory{Params: params, Grads: params, Best: params}
	feed, fill := int64(0), plan.Product(2, int(plan.Aligned(params)-params)) // what fills up cache lines
	if t != nil {
		mine := int64(place(units))
		d := t.deal(c.Batch, Cost(b.Cost()))
		waits := 0
		for i := range d.lanes {
			waits += waiting(d.leaves, d.of(i))
		}
		states := t.states() + waiting(d.rounds, mesh.Span{To: d.rounds})
		m.Optimizer = plan.Plus(plan.Product(states, int(mine)), plan.Product(waits, int(params)))
		fill = plan.Product(1+d.lanes+waits, int(plan.Aligned(params)-params))
		fill = plan.Plus(fill, plan.Product(states, int(plan.Aligned(mine)-mine)))
		m.Grads, m.Best = plan.Product(d.lanes, int(params)), mine
		if t.Mesh.sharded() {
			m.Params, m.Grads, fill = t.inPieces(units, d.lanes, params)
			fill = plan.Plus(fill, plan.Product(states, int(plan.Aligned(mine)-mine)))
		}
		feed = t.feeding(in, out, c, d.lanes)
		all := d.leaves * d.rounds
		if t.Mesh.all() > 1 {
			told := plan.Plus(int64(2*all), 2*t.blocks(b.Params)) // in float64
			feed = plan.Plus(feed, told)
		}
		if own != nil {
			feed = plan.Plus(feed, plan.Plus(2*t.blocks(own.whole.Params), own.judging(t, in, out, c)))
		}
		if d.lanes*d.stages > 1 || d.rounds > 1 || t.Mesh.all() > 1 {
			feed = plan.Plus(feed, plan.Product(all, int(stats)))
		}
		if d.lanes > 1 {
			small := *c
			small.Batch = t.microRows(c.Batch)
			each := plan.Plus(arena(small.Batch), plan.Plus(small.comparing(b, out), t.mixing(in, out, &small)))
			if own != nil {
				each = plan.Plus(each, own.judging(t, in, out, &small))
			}
			feed = plan.Plus(feed, plan.Product(d.lanes-1, int(each)))
		}
	}
	m.Activations = plan.Plus(plan.Plus(plan.Aligned(stats), plan.Aligned(tables)), blocks)
	m.Activations = plan.Plus(plan.Plus(m.Activations, fill), plan.Plus(c.comparing(b, out), feed))
	m.Best = plan.Plus(m.Best, stats)
	m.Infer = plan.Plus(plan.Plus(params, stats), plan.Plus(tables, infer))
	for _, part := range []*int64{&m.Params, &m.Grads, &m.Optimizer, &m.Activations} {
		*part = inBytes(*part)
		m.Train = plan.Plus(m.Train, *part)
	}
	m.Best, m.Infer = inBytes(m.Best), inBytes(m.Infer)
	return m
}

// inPieces is the numbers of weights and gradients of a rank that has pieces of them,
// with the buffers that units take turns in, and what fills up cache lines.
func (t *TrainConfig) inPieces(units []unit, lanes int, all int64) (params, grads, fill int64) {
	own := int64(place(units))
	params, grads = all, own
	if fill = plan.Aligned(all) - all; t.Mesh.Zero == 3 {
		params, fill = own, 2*(plan.Aligned(own)-own)
	}
	fill += plan.Aligned(own) - own
	for _, size := range buffers(units) {
		odd := plan.Aligned(int64(size)) - int64(size)
		if grads, fill = grads+int64(lanes*size), fill+int64(lanes)*odd; t.Mesh.Zero == 3 {
			params, fill = params+int64(size), fill+odd
		}
	}
	return params, grads, fill
}

// blocks is the number of blocks of the gradient whose squares ranks tell each other.
func (t *TrainConfig) blocks(params []*plan.Param) (n int64) {
	if t.ClipNorm == 0 {
		return 0
	}
	for _, p := range params {
		n += int64(blocksIn(p))
	}
	return n
}

// targets is the numbers that the targets of a batch take: classes, values, and
// outputs of a teacher.
func (c *Config) targets(out data.Shape) int64 {
	n := out.Size() + labels(out)
	if c.soft() {
		n += out.Size()
	}
	return plan.Product(c.Batch, n)
}

// comparing is the numbers that the loss of a batch takes beside the outputs.
func (c *Config) comparing(b *plan.Builder, out data.Shape) int64 {
	of := plan.Plus(vocabularyFloats(b.Cuts, c.Batch*labels(out)), wideFloats(b.Cuts, c.Batch, out))
	return plan.Plus(c.targets(out), of)
}

// states is the number of slices as long as the parameters that a trainer keeps,
// beside the sums of gradients that wait.
func (t *TrainConfig) states() int {
	o := t.Optimizer
	if o == nil {
		o = optim.AdamW{}
	}
	n := len(o.Slots())
	if t.EMA > 0 {
		n++
	}
	return n
}

// feeding is the numbers of what the first lane gathers batches in, beside the arena.
func (t *TrainConfig) feeding(in, out data.Shape, c *Config, lanes int) (n int64) {
	if t.Prefetch && lanes == 1 {
		batch := plan.Plus(plan.Product(c.Batch, in.Size()), c.targets(out))
		n = plan.Plus(batch, batch)
	}
	return plan.Plus(n, t.mixing(in, out, c))
}

// mixing is the numbers that mixup of a batch takes.
func (t *TrainConfig) mixing(in, out data.Shape, c *Config) int64 {
	if t.Mixup == 0 {
		return 0
	}
	return plan.Plus(int64(in.Size()+out.Size()), plan.Product(2, c.Batch, labels(out)+1))
}

// labels is the number of classes that a row of an output can have: one for each
// row of logits.
func labels(out data.Shape) int { return max(out.Size()/out[len(out)-1], 1) }

func inBytes(floats int64) int64 { return plan.Product(4, int(floats)) }

// memory writes a number of bytes.
func memory(bytes int64) string {
	b := float64(bytes)
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if b < 1024 {
			return fmt.Sprintf("%.4g %s", b, unit)
		}
		b /= 1024
	}
	return fmt.Sprintf("%.4g GiB", b)
}
