package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/layout"
)

// partLayers are the layers of a network as a rank with one part of each has them, in a
// form that a plan with tensor parts cuts back to that: everything that such a plan
// divides is as often there as there are parts. What the parts add up is as it is.
func partLayers(l Layer, in, out data.Shape, c *Config, cuts *plan.Cuts, rows int, m *Machine) []layout.Layer {
	own := *cuts
	own.Sum = func([]float32) {} // so that the ops know they are parts

	c.level().Enter() // it decides what is computed in pairs
	defer kernel.Leave()
	b, _, _ := plan.New(in, c.Batch, c.Precision.format(), building(l.build, &own))
	list, parts := layersOf(b, in, out, c, rows, m), float64(cuts.Parts)
	for i := range list {
		x := &list[i]
		x.Heads = cuts.Parts
		x.Params, x.Kept = parts*x.Params, parts*x.Kept
		x.Forward.Each, x.Backward.Each = parts*x.Forward.Each, parts*x.Backward.Each
	}
	calls, values := 0, 0
	for _, o := range b.Ops {
		n, v := sumsOf(o)
		calls, values = calls+n, values+v
	}
	last := &list[len(list)-1] // a pass in each direction has half of them
	last.Sums, last.Summed = (calls+1)/2, 4*float64(values)/2
	return list
}

// sumsOf is how often an op adds up with the other parts in a forward and a backward pass
// together, and the values of a sample that it adds up.
func sumsOf(o plan.Op) (calls, values int) {
	add := func(so bool, t plan.Tensor) {
		if so {
			calls, values = calls+1, values+t.Shape.Size()
		}
	}
	switch o := o.(type) {
	case *dense:
		add(o.forward != nil, o.y)
		add(o.backward != nil, o.x)
	case *conv:
		add(o.sum != nil && o.late, o.y)
		add(o.sum != nil && !o.late && o.x.Grad != nil, o.x)
	case *embedding:
		add(o.sum != nil, o.y)
	}
	return calls, values
}

// meetings is how often the ranks wait for each other in a step, beside the sums of their
// parts: to tell each other losses, statistics and whether all is finite, and for the
// vectors of each unit.
func (t *TrainConfig) meetings(b *plan.Builder, d *deal) int {
	if t.Mesh.all() == 1 {
		return 0
	}
	n, units := 2, len(t.units(b))
	if len(b.Stats) > 0 {
		n++
	}
	if t.LossScale != nil {
		n++
	}
	if t.ClipNorm > 0 && t.Mesh.Zero > 0 {
		n++
	}
	switch t.Mesh.Zero {
	case 2:
		n += units * (d.rounds + 1)
	case 3:
		n += units * 3 * d.rounds
	default: // to its owner, and back
		n += 2 * units
	}
	return n
}
