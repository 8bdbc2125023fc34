package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/layout"
)

// Prediction is what the steps of a network take on a mesh, by its plan alone.
type Prediction struct {
	Mesh   Mesh             // with every default filled in
	Ranks  int              // processes, with one part of the layers each or all of them
	Parts  int              // of the layers that the ranks share out
	Lanes  int              // of a rank, that compute at the same time
	Rows   int              // of the largest micro-batch
	Batch  int              // rows of a step
	Step   *layout.Estimate // of a step
	One    float64          // seconds of a step on one lane that does not cut it
	Memory Memory           // of the largest rank
	Stages []StagePlan      // that ranks or lanes have one each of; nil: they have the whole network
	Normed int              // the fewest values of a channel that a batch norm sees in a micro-batch of a whole step; 0: there is none

	forward [2]float64 // seconds of a batch without training, and of each of its rows
}

// Epoch is the seconds of an epoch of so many training rows, and of the evaluation of
// others behind it.
func (p *Prediction) Epoch(train, valid int) float64 {
	steps := float64(train) / float64(p.Batch) // the last one is as much shorter as it has fewer rows
	batches := float64(valid) / float64(p.Batch)
	return steps*p.Step.Time.Step + (batches*p.forward[0]+float64(valid)*p.forward[1])/float64(p.Ranks/p.Parts*p.Lanes)
}

// Predict says what a step takes with the mesh of t, on a machine; nil means the
// built-in one. The error is that of [Footprint], or says what of the mesh is
// impossible.
func Predict(l Layer, in data.Shape, c Config, t TrainConfig, m *Machine) (*Prediction, error) {
	p, err := newPlanner(l, in, c, t, m)
	if err != nil {
		return nil, err
	}
	if t.Mesh.Auto {
		a, err := p.search(t.Mesh.Threads, 0)
		if err != nil {
			return nil, err
		}
		return a.Best, nil
	}
	return p.predict(t.Mesh)
}

// planner predicts the steps of one network.
type planner struct {
	b       *plan.Builder
	layer   Layer
	in, out data.Shape
	c       Config
	t       TrainConfig
	m       *Machine
}

func newPlanner(l Layer, in data.Shape, c Config, t TrainConfig, m *Machine) (*planner, error) {
	out, err := fitting(l, in)
	if err != nil {
		return nil, err
	}
	c = c.defaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	if m == nil {
		m = BuiltIn()
	}
	c.level().Enter()
	defer kernel.Leave()
	b, _, _ := plan.New(in, c.Batch, c.Precision.format(), l.build)
	p := &planner{b: b, layer: l, in: in, out: out, c: c, t: t, m: m}
	return p, nil
}

// rows is the number of rows of a step.
func (p *planner) rows() int { return max(p.t.Accumulate, 1) * p.c.Batch }

// with is the training configuration with another mesh.
func (p *planner) with(mesh Mesh) *TrainConfig {
	t := p.t
	t.Mesh = mesh
	return &t
}

// predict is the prediction for a mesh.
func (p *planner) predict(mesh Mesh) (*Prediction, error) {
	t := p.with(mesh)
	if err := t.fits(p.c.Batch); err != nil {
		return nil, err
	}
	memory, err := Footprint(p.layer, p.in, p.c, *t)
	if err != nil {
		return nil, err
	}
	d := t.deal(p.c.Batch, Cost(p.b.Cost()))
	out := &Prediction{Mesh: mesh, Lanes: d.lanes * d.stages, Ranks: mesh.all(), Parts: mesh.cells(), Rows: t.microRows(p.c.Batch), Batch: p.rows(), Memory: memory}
	out.Mesh.Data, out.Mesh.MicroBatches, out.Mesh.Threads = mesh.Shards(), t.leaves()/mesh.Shards(), max(mesh.Threads, 1)
	if d.stages*mesh.stages() > 1 {
		if out.Stages, err = p.stages(t); err != nil {
			return nil, err
		}
		for _, s := range out.Stages {
			if s.Memory.Train > out.Memory.Train {
				out.Memory = s.Memory
			}
		}
	}
	out.Normed = p.normed(p.rows() / t.leaves())
	layers := layersOf(p.b, p.in, p.out, &p.c, out.Rows, p.m)
	for i := range layers {
		out.forward[0] += layers[i].Forward.Once
		out.forward[1] += layers[i].Forward.Each
	}
	if err := p.price(out, t, &d, layers); err != nil {
		return nil, err
	}
	one := p.problem(layersOf(p.b, p.in, p.out, &p.c, p.c.Batch, p.m), 1, 1)
	alone, err := one.Price(layout.Plan{MicroBatches: max(p.t.Accumulate, 1)})
	if err != nil {
		return nil, err
	}
	out.One = alone.Time.Step
	return out, nil
}

// normed is the fewest values of a channel that a batch norm sees of so many rows; 0: there
// is none.
func (p *planner) normed(rows int) (least int) {
	for _, o := range p.b.Ops {
		if n, ok := o.(*batchNorm); ok && (least == 0 || n.per*rows < least) {
			least = n.per * rows
		}
	}
	return least
}

// price predicts the steps of a mesh, every lane of which takes as long as the one with
// most micro-batches.
func (p *planner) price(out *Prediction, t *TrainConfig, d *deal, layers []layout.Layer) (err error) {
	mesh, parts := &t.Mesh, t.Mesh.cells()
	if parts > 1 {
		cuts, err := cutsFor(p.layer, p.in, &p.c, t)
		if err != nil {
			return err
		}
		layers = partLayers(p.layer, p.in, p.out, &p.c, cuts, out.Rows, p.m)
	}
	joinStages(layers, out.Stages)
	if d.stages > 1 { // lanes of a process, which the price takes for others
		crowd(layers, 1+p.m.Crowd*(1-1/float64(d.stages)))
	}
	micro, data := d.turns*d.rounds, mesh.ranks()*d.lanes
	problem := p.problem(layers, mesh.all(), out.Lanes)
	problem.Model.Batch = out.Rows * data * micro
	// What the parts add up is waited for; so are gradients that no layer hides.
	problem.Model.Late = parts > 1 || mesh.Zero == 0 || len(t.units(p.b)) == 1
	cut := layout.Plan{Data: data, Tensor: parts, Pipeline: d.stages * mesh.stages(), Threads: d.lanes, MicroBatches: micro, Zero: mesh.Zero, Recompute: layout.Recompute(cmp.Or(mesh.Recompute, "none"))}
	if out.Step, err = problem.Price(cut); err != nil {
		return err
	}
	waits := float64(t.meetings(p.b, d)) * (p.m.wire("unix").Latency + p.m.Meet/3) // lanes meet three times
	out.Step.Time.Wire += waits
	out.Step.Time.Step += waits
	return nil
}

// problem is what a plan for so many ranks of so many lanes is searched for.
func (p *planner) problem(layers []layout.Layer, ranks, lanes int) layout.Problem {
	return layout.Problem{
		Cluster:   p.m.cluster(ranks, lanes),
		Model:     layout.Model{Layers: layers, Batch: p.rows(), State: layout.State{Weights: 4, Gradients: 4, Optimizer: 4 * float64(p.t.states())}},
		Constants: &layout.Constants{Products: 1, FP8: 1, Attention: 1, Inside: 1, Between: 1, OneCard: 1},
	}
}
