package engine

import (
	"fmt"
	"math"

	"budwood/engine/internal/plan"
	"budwood/engine/mesh"
)

// tensorLanes is the most lanes of a rank that has one part of the layers: each adds up
// with the other parts on a stream of its own, and the ranks have two more.
const tensorLanes = mesh.Streams - firstTensorStream

const firstTensorStream = 2

// becomePart makes the trainer's network the own stage, or part of its layers, of what it
// was, and gives the memory of the rest back.
func (t *Trainer) becomePart(cuts *plan.Cuts) error {
	n, m := t.net, &t.cfg.Mesh
	whole := *n
	if m.cells() > 1 {
		link, err := newTensorLink(t.ranks.link, m.own()-m.part(), cuts.Parts, firstTensorStream)
		if err != nil {
			return err
		}
		n.link, n.cuts = link, link.cuts(cuts)
	}
	if m.stages() > 1 {
		n.stage = t.cfg.stageOf(t.stages, n.cfg.Batch, m.stage())
		n.recompute = m.Recompute
	}
	if err := n.again(); err != nil {
		*n = whole
		return err
	}
	n.takePart(&whole)
	if t.cfg.Mask != nil {
		t.cfg.Mask = n.partOf(&whole, t.cfg.Mask)
	}
	return nil
}

// partOf is the own part of a vector as long as the parameters of the whole network.
func (n *Net) partOf(whole *Net, x []float32) []float32 {
	own := make([]float32, len(n.params))
	first := n.first()
	for i, q := range n.plan.Params {
		from := whole.plan.Params[first.params+i]
		q.Take(own[q.At:q.At+int(q.Size)], x[from.At:from.At+int(from.Size)])
	}
	return own
}

// checkLinks ends the link to the other ranks if a lane could not add up with the other
// parts, or has not heard from another stage.
func (t *Trainer) checkLinks() {
	for _, l := range t.lanes {
		if l.net.link != nil {
			t.ranks.fail(l.net.link.err)
		}
		if l.pipe != nil && t.ranks != nil {
			t.ranks.fail(l.pipe.err)
		}
	}
}

// normOfParts is the Euclidean norm of the gradient of all parts, whose blocks have such
// squares. What every part has counts once.
func (t *Trainer) normOfParts(squares []float64) float64 {
	var own, all float64
	for _, p := range t.net.wholePlan().Params {
		n := blocksIn(p)
		for _, s := range squares[:n] {
			if p.Piece != nil {
				own += s
			} else {
				all += s
			}
		}
		squares = squares[n:]
	}
	sum := []float64{own}
	t.net.link.sum64(sum)
	t.checkLinks()
	if t.now.lost == nil {
		t.now.lost = t.ranks.lost
	}
	return math.Sqrt(all + sum[0])
}

// tellWhere gives all ranks what the ranks of an owner have found, the first that has.
func (r *ranks) tellWhere(owner int, where string) (string, error) {
	for stage := range r.mesh.stages() {
		for part := range r.mesh.cells() {
			text, err := r.say(r.mesh.number(stage, owner, part), where)
			if err != nil || text != "" {
				return text, err
			}
		}
	}
	return "", nil
}

// wholeOfParts is the network with all of its weights, which takes memory of its own.
func (t *Trainer) wholeOfParts() (*Net, error) {
	own := t.net
	n, err := Compile(own.layer, own.in, own.cfg)
	if err == nil && own.cuts != nil {
		var cuts *plan.Cuts
		if cuts, err = cutsOf(own.layer, own.in, own.cfg.Loss, own.cuts.Parts, plan.InTurn); err == nil {
			err = n.cut(cuts)
		}
	}
	if err = t.ranks.agree(err); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	params := own.params
	if t.master != nil {
		params = make([]float32, t.count)
		for k := range t.units {
			copy(t.units[k].own.of(params), t.weightsOf(&t.units[k]))
		}
		if err := t.gather(params); err != nil {
			return nil, fmt.Errorf("trainer: %w", err)
		}
	}
	put := func(whole, part *plan.Param, w []float32) {
		if part.Piece == nil {
			copy(whole.W, w)
			return
		}
		setAll(whole.W, float32(nothing))
		part.Put(whole.W, w)
		own.link.sum(whole.W)
	}
	first := own.first()
	for i, p := range own.plan.Params {
		put(n.plan.Params[first.params+i], p, params[p.At:p.At+int(p.Size)])
	}
	for i, p := range own.plan.Stats {
		put(n.plan.Stats[first.stats+i], p, p.W)
	}
	if own.stage != nil {
		t.ranks.fail(t.ranks.fromStages(n, own.stage.stages))
	}
	if t.checkLinks(); t.ranks.lost != nil {
		return nil, fmt.Errorf("trainer: %w", t.ranks.lost)
	}
	return n, nil
}

// ofParts sets dst, at the first rank of the stage, to the values of a tensor of all parts
// from number at on.
// Each part puts its own together at the first of its ranks, which sends them.
func (t *Trainer) ofParts(dst []float32, k *kept, at int) error {
	r := t.ranks
	if k.param.Piece == nil {
		if r.part == 0 {
			return t.ownValues(dst, k, at)
		}
		return nil
	}
	if len(r.chunk[0]) < len(dst) {
		r.chunk = [2][]float32{make([]float32, len(dst)), make([]float32, len(dst))}
	}
	from, to := k.param.Piece.Within(r.part, at, at+len(dst))
	mine := r.chunk[0][:to-from]
	if err := t.ownValues(mine, k, from); err != nil {
		return err
	}
	if r.small.Member() > 0 {
		return nil
	}
	for part := range r.mesh.cells() {
		from, to := k.param.Piece.Within(part, at, at+len(dst))
		got := mine
		if part > 0 {
			if got = r.chunk[1][:to-from]; r.part == part {
				got = mine
			}
			if err := r.collect(got, mine, r.peers[0]-r.part, r.peers[0]-r.part+part); err != nil {
				return r.fail(err)
			}
		}
		if r.part == 0 {
			k.param.Piece.Put(part, dst, at, got, from)
		}
	}
	return nil
}
