package engine

import (
	"slices"
	"sync"

	"budwood/data"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// evaluateInPieces is [Net.EvaluateTo] in pieces as large as a micro-batch, each lane
// a block of them. What the pieces come to is added in their order.
func (t *Trainer) evaluateInPieces(outputs []float32, s *data.Set) (Score, error) {
	n := t.net
	if err := n.checkOutputs(outputs, s); err != nil {
		return Score{}, err
	}
	n.level.Enter()
	defer kernel.Leave()
	if t.ranks != nil {
		defer t.endLink() // a loss of the user's may panic
	}
	all := newRegression(s)
	rows, size := s.Len(), t.cfg.microRows(n.cfg.Batch)
	pieces := make([]tally, (rows+size-1)/size)
	errors := make([]regression, len(pieces)) // of each piece
	wrong := make([]float64, len(pieces)*len(all.wrong))
	t.onLanes(len(pieces), func(l *lane, k int) {
		lo, hi := k*size, min((k+1)*size, rows)
		see := func(n *Net) {
			errors[k].wrong = wrong[k*len(all.wrong):][:len(all.wrong)]
			pieces[k] = n.scoreOf(outputs, s, &errors[k], lo, hi)
		}
		switch {
		case t.pipes():
			l.pipe.flowThrough(s, lo, hi, see)
		case !l.later:
			l.net.through(s, lo, hi)
			see(l.net)
		}
	})
	if t.ranks != nil {
		t.checkLinks()
		if t.ranks.lost != nil {
			return Score{}, t.ranks.lost
		}
		if err := t.ranks.tallies(pieces, wrong); err != nil {
			return Score{}, err
		}
		if err := t.ranks.outputs(outputs, len(pieces), size*n.out.Size()); err != nil {
			return Score{}, err
		}
	}
	var sum tally
	for k, p := range pieces {
		sum.add(p)
		for i := range all.wrong {
			all.wrong[i] += wrong[k*len(all.wrong)+i]
		}
	}
	return sum.score(s, all), nil
}

// share is the pieces from … to−1 of n that a rank does.
func (r *ranks) share(n int) (from, to int) {
	k, ranks := r.small.Member(), r.small.Size()
	return n * k / ranks, n * (k + 1) / ranks
}

// tallies gives all ranks what the pieces have come to, and their errors, so many a
// piece.
func (r *ranks) tallies(pieces []tally, wrong []float64) error {
	from, to := r.share(len(pieces))
	x := make([]float64, 3*len(pieces)+len(wrong))
	fill(x, nothing)
	if !r.judges() {
		to = from
	}
	for k := from; k < to; k++ {
		x[3*k], x[3*k+1], x[3*k+2] = pieces[k].loss, pieces[k].weight, float64(pieces[k].right)
	}
	each := len(wrong) / max(len(pieces), 1)
	copy(x[3*len(pieces)+from*each:], wrong[from*each:to*each])
	if err := r.line.Sum64([][]float64{x}); err != nil {
		return err
	}
	for k := range pieces {
		pieces[k] = tally{x[3*k], x[3*k+1], int(x[3*k+2])}
	}
	copy(wrong, x[3*len(pieces):])
	return nil
}

// outputs gives all ranks the outputs of pieces that have so many each.
func (r *ranks) outputs(outputs []float32, pieces, each int) error {
	if outputs == nil {
		return nil
	}
	n := r.small.Size()
	for k := range n {
		from, to := pieces*k/n*each, pieces*(k+1)/n*each
		if err := r.line.Broadcast((r.mesh.stages()-1)*n+k, mesh.Bytes(outputs[min(from, len(outputs)):min(to, len(outputs))])); err != nil {
			return err
		}
	}
	return nil
}

// onLanes does this rank's part of the pieces 0 … n−1 of something, each lane a block of
// them, or its stage of that of the lane with the first one. Where forward passes bring weights, lanes with fewer pieces pass as often as the
// others.
func (t *Trainer) onLanes(n int, do func(l *lane, piece int)) {
	first, last, turns := 0, n, 0
	if t.ranks != nil {
		first, last = t.ranks.share(n)
	}
	if t.master != nil {
		turns = t.mostPieces(n)
	}
	block := func(i int) {
		k, n := i/t.deal.stages, t.deal.lanes
		from, to := first+(last-first)*k/n, first+(last-first)*(k+1)/n
		for k := from; k < to; k++ {
			do(t.lanes[i], k)
		}
		for range turns - (to - from) {
			t.lanes[i].net.passEdges()
		}
	}
	t.atWork = true
	defer func() { t.atWork = false }()
	if t.master != nil {
		t.ranks.carrier.start(false)
		defer t.ranks.carrier.stop()
	}
	var others sync.WaitGroup
	for i := range slices.Backward(t.lanes[1:]) {
		work := func() { block(i + 1) }
		others.Go(func() {
			if t.cfg.Mesh.Lane != nil {
				t.cfg.Mesh.Lane(work)
			} else {
				work()
			}
		})
	}
	block(0)
	others.Wait()
}

// mostPieces is the most of n pieces that a lane of any rank does.
func (t *Trainer) mostPieces(n int) (most int) {
	for k := range t.ranks.small.Size() {
		size := t.ranks.small.Size()
		lanes := t.cfg.lanes(k, t.net.cfg.Batch, t.net.Cost())
		most = max(most, (n*(k+1)/size-n*k/size+lanes-1)/lanes)
	}
	return most
}
