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

// becomePart makes the trainer's network the own part of what it was, and gives the
// memory of the rest back.
func (t *Trainer) becomePart(cuts *plan.Cuts) error {
	n := t.net
	whole := *n
	link, err := newTensorLink(t.ranks.link, t.ranks.small.Member(), cuts.Parts, firstTensorStream)
	if err != nil {
		return err
	}
	n.link, n.cuts = link, link.cuts(cuts)
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
	for i, q := range n.plan.Params {
		from := whole.plan.Params[i]
		q.Take(own[q.At:q.At+int(q.Size)], x[from.At:from.At+int(from.Size)])
	}
	return own
}

// checkLinks ends the link to the other ranks if a lane could not add up with the other
// parts.
func (t *Trainer) checkLinks() {
	for _, l := range t.lanes {
		if l.net.link != nil {
			t.ranks.fail(l.net.link.err)
		}
	}
}

// normOfParts is the Euclidean norm of the gradient of all parts. What every part has
// counts once.
func (t *Trainer) normOfParts() float64 {
	var own, all float64
	k, end := 0, 0
	for _, p := range t.net.plan.Params {
		end += int(p.Size)
		for ; k < len(t.squares) && t.blocks[k] < end; k++ {
			if p.Piece != nil {
				own += t.squares[k]
			} else {
				all += t.squares[k]
			}
		}
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
	for part := range r.cells {
		text, err := r.say(owner*r.cells+part, where)
		if err != nil || text != "" {
			return text, err
		}
	}
	return "", nil
}

// wholeOfParts is the network with all of its weights, which takes memory of its own.
func (t *Trainer) wholeOfParts() (*Net, error) {
	own := t.net
	n, err := Compile(own.layer, own.in, own.cfg)
	if err == nil {
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
	for i, p := range own.plan.Params {
		put(n.plan.Params[i], p, params[p.At:p.At+int(p.Size)])
	}
	for i, p := range own.plan.Stats {
		put(n.plan.Stats[i], p, p.W)
	}
	if t.checkLinks(); t.ranks.lost != nil {
		return nil, fmt.Errorf("trainer: %w", t.ranks.lost)
	}
	return n, nil
}

// ofParts sets dst, at rank 0, to the values of a tensor of all parts from number at on.
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
	for part := range r.cells {
		from, to := k.param.Piece.Within(part, at, at+len(dst))
		got := mine
		if part > 0 {
			if got = r.chunk[1][:to-from]; r.part == part {
				got = mine
			}
			if err := r.collect(got, mine, 0, part); err != nil {
				return r.fail(err)
			}
		}
		if r.part == 0 {
			k.param.Piece.Put(part, dst, at, got, from)
		}
	}
	return nil
}
