package engine

import (
	"fmt"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/layout"
)

// StagePlan is a stage of a pipeline as it is planned.
type StagePlan struct {
	From, To string // its first and its last layer
	Memory   Memory // of a rank that has it; zero where lanes of one process do
	Copies   int    // micro-batches between their forward and backward pass at once, at most

	top int // the outermost layer that it begins with; −1: it begins within one
}

// stages are the planned stages of a network.
func (p *planner) stages(t *TrainConfig) (out []StagePlan, err error) {
	cuts, err := cutsFor(p.layer, p.in, &p.c, t)
	if err != nil {
		return nil, err
	}
	s, err := stagesFor(p.layer, p.in, p.out, &p.c, t, cuts)
	if err != nil {
		return nil, err
	}
	p.c.level().Enter()
	defer kernel.Leave()
	for number := range s.count() {
		own := t.stageOf(s, p.c.Batch, number)
		from, to := own.begin(), own.end()
		one := StagePlan{From: s.whole.LayerName(from.rows), To: lastLayer(s.whole, from.rows, to.rows), Copies: own.copies, top: -1}
		if path := s.links[from.link].path; len(path) == 1 {
			fmt.Sscan(path[0], &one.top)
		}
		if t.Mesh.stages() > 1 {
			b, _, _ := own.plan(&p.c, cuts, t.Mesh.Recompute)
			one.Memory = memoryOf(b, p.in, p.out, &p.c, t, t.firstUnits(b), func(int) int64 { return own.floats(b) }, own)
		}
		out = append(out, one)
	}
	return out, nil
}

// lastLayer names the last of the rows from … to−1 that stands in no other one of them.
func lastLayer(b *plan.Builder, from, to int) string {
	last := from
	for i := from; i < to; i++ {
		if len(b.Rows[i].Path) <= len(b.Rows[last].Path) || i == from {
			last = i
		}
	}
	return b.LayerName(last)
}

// joinStages leaves a model no cuts but those between the stages, if all of them are
// between its layers.
func joinStages(layers []layout.Layer, stages []StagePlan) {
	begins := map[int]bool{}
	for _, s := range stages {
		if s.top < 0 || s.top >= len(layers) {
			return
		}
		begins[s.top] = true
	}
	for i := range layers {
		if len(stages) > 0 {
			layers[i].Joined = i > 0 && !begins[i]
		}
	}
}

// crowd makes layers take so many times as long.
func crowd(layers []layout.Layer, factor float64) {
	for i := range layers {
		l := &layers[i]
		for _, x := range []*float64{&l.Forward.Once, &l.Forward.Each, &l.Backward.Once, &l.Backward.Each} {
			*x *= factor
		}
	}
}
