package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/mesh"
)

// stageOf is a stage for the lanes of ranks that have one each, or of a process that shares
// stages out.
func (c *TrainConfig) stageOf(s *stages, batch, number int) *stage {
	d := c.deal(batch, Cost(s.whole.Cost()))
	return s.stage(number, c.microRows(batch), d.turns)
}

// joinStages makes the group of the ranks of all stages.
func (r *ranks) joinStages() (err error) {
	m := r.mesh
	if r.line = r.small; m.stages() == 1 {
		return nil
	}
	flow := mesh.Members{Name: "flow"}
	for stage := range m.stages() {
		flow.Ranks = append(flow.Ranks, m.number(stage, m.rank(), m.part()))
	}
	if r.flow, err = mesh.NewGroup(r.link, flow); err != nil {
		return err
	}
	members := mesh.Members{Name: "line"}
	for stage := range m.stages() {
		for k := range m.ranks() {
			members.Ranks = append(members.Ranks, m.number(stage, k, m.part()))
		}
	}
	r.line, err = mesh.NewGroup(r.link, members)
	return err
}

// judges reports whether this rank computes the loss.
func (r *ranks) judges() bool { return r.mesh.stage()+1 == r.mesh.stages() }

// located is a tensor of the whole network, and the stage that has it. Those of the own
// stage are the plan's.
type located struct {
	*plan.Param
	stage int
}

// everywhere are the tensors of the whole network, wherever they are.
func (n *Net) everywhere() (params, stats []located) {
	if n.stage == nil {
		for _, p := range n.plan.Params {
			params = append(params, located{p, 0})
		}
		for _, p := range n.plan.Stats {
			stats = append(stats, located{p, 0})
		}
		return params, stats
	}
	s := n.stage
	for number := range s.count() {
		from, to := &s.borders[number], &s.borders[number+1]
		ps, ss := s.whole.Params[from.params:to.params], s.whole.Stats[from.stats:to.stats]
		if number == s.number {
			ps, ss = n.plan.Params, n.plan.Stats
		}
		for _, p := range ps {
			params = append(params, located{p, number})
		}
		for _, p := range ss {
			stats = append(stats, located{p, number})
		}
	}
	return params, stats
}

// first is the border before the network's own stage.
func (n *Net) first() border {
	if n.stage == nil {
		return border{}
	}
	return *n.stage.begin()
}

// wholePlan is the plan of the whole network, of the own part of its layers.
func (n *Net) wholePlan() *plan.Builder {
	if n.stage == nil {
		return n.plan
	}
	return n.stage.whole
}

// ofStages sets dst, at rank 0, to the values of a tensor of any stage from number at on.
// The first rank of the stage sends them.
func (t *Trainer) ofStages(dst []float32, k *kept, at int) error {
	r := t.ranks
	if k.stage == t.net.stage.number {
		if err := t.stageValues(dst, k, at); err != nil {
			return err
		}
	}
	if from := r.mesh.number(k.stage, 0, 0); from != 0 {
		return r.fail(r.collect(dst, dst, 0, from))
	}
	return nil
}

// fromStages gives all ranks a network of which each has the tensors of its stage.
func (r *ranks) fromStages(n *Net, s *stages) error {
	for number := range s.count() {
		from, to := &s.borders[number], &s.borders[number+1]
		a, b := n.plan.Params[from.params:to.params], n.plan.Stats[from.stats:to.stats]
		for _, ps := range [...][]*plan.Param{a, b} {
			for _, p := range ps {
				if err := r.all.Broadcast(r.mesh.number(number, 0, 0), mesh.Bytes(p.W)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// wholeSquares is room for Σ g² of each block of the whole gradient.
func (t *Trainer) wholeSquares() []float64 {
	if t.net.stage == nil || t.squares == nil {
		return t.squares
	}
	return make([]float64, t.cfg.blocks(t.net.wholePlan().Params))
}

// tellSquares gives all ranks Σ g² of each block of the whole gradient. A rank gives those
// of its own pieces; of those that ranks of a stage have alike the first one gives them.
func (t *Trainer) tellSquares() []float64 {
	r, all, own := t.ranks, t.ranks.squares[0], t.squares
	first := int(t.cfg.blocks(t.net.wholePlan().Params[:t.net.first().params]))
	mine := all[first : first+len(own)]
	if t.net.stage != nil {
		fill(all, nothing)
		copy(mine, own)
	}
	at := 0
	for k := range t.units {
		from, to := t.blocksOf(t.units[k].own)
		if t.cfg.Mesh.Zero == 0 && r.small.Member() > 0 {
			from, to = at, at
		}
		fill(mine[at:from], nothing)
		at = to
	}
	fill(mine[at:], nothing)
	t.now.lost = r.fail(r.line.Sum64(r.squares))
	return all
}
