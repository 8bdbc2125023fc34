package engine

import (
	"budwood/engine/mesh"
)

// makePipes gives the lanes their stages, if they have any: lanes of one process that
// share a network, or lanes of ranks that have one stage each.
func (t *Trainer) makePipes(cfg *TrainConfig) error {
	d := &t.deal
	switch {
	case t.net.stage != nil:
		return t.pipesOfRanks(cfg)
	case d.stages == 1:
		return nil
	}
	links := mesh.Local(len(t.lanes))
	for i, l := range t.lanes {
		t.looking(links[i], 0, 1)
		number := i % d.stages
		micro := l.span.To - l.span.From
		n := l.net.stageNet(t.cfg.stageOf(t.stages, t.net.cfg.Batch, number))
		nets := n.copies()
		for _, c := range nets {
			c.inside()
		}
		before, behind := i-1, i+1
		if number == 0 {
			before = -1
		}
		if number == d.stages-1 {
			behind = -1
		}
		var err error
		if l.pipe, err = newPipe(n, nets, t.stages.place(number), micro, links[i], before, behind, 0, cfg); err != nil {
			return err
		}
	}
	return nil
}

// pipesOfRanks joins the stage of this rank to those before and behind it, each lane on a
// stream of its own.
func (t *Trainer) pipesOfRanks(cfg *TrainConfig) error {
	m, s := &t.cfg.Mesh, t.net.stage
	before, behind := -1, -1
	if s.number > 0 {
		before = m.number(s.number-1, m.rank(), m.part())
	}
	if !s.last() {
		behind = m.number(s.number+1, m.rank(), m.part())
	}
	t.looking(m.World.Link, 0, len(t.lanes)) // the end of a step
	for i, l := range t.lanes {
		nets := l.net.copies()
		t.looking(m.World.Link, firstTensorStream+i, len(t.lanes))
		var err error
		if l.pipe, err = newPipe(l.net, nets, stretch{0, len(l.net.grads)}, l.span.To-l.span.From, m.World.Link, before, behind, firstTensorStream+i, cfg); err != nil {
			return err
		}
	}
	return nil
}
