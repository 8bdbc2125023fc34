package engine

import (
	"slices"
	"sync"

	"budwood/data"
	"budwood/engine/kernel"
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
	all := newRegression(s)
	rows, size := s.Len(), t.cfg.microRows(n.cfg.Batch)
	pieces := make([]tally, (rows+size-1)/size)
	errors := make([]regression, len(pieces)) // of each piece
	wrong := make([]float64, len(pieces)*len(all.wrong))
	t.onLanes(len(pieces), func(l *lane, k int) {
		errors[k].wrong = wrong[k*len(all.wrong):][:len(all.wrong)]
		pieces[k] = l.net.tally(outputs, s, &errors[k], k*size, min((k+1)*size, rows))
	})
	var sum tally
	for k, p := range pieces {
		sum.add(p)
		for i, e := range errors[k].wrong {
			all.wrong[i] += e
		}
	}
	return sum.score(s, all), nil
}

// onLanes does pieces 0 … n−1 of something, a block of them on each lane.
func (t *Trainer) onLanes(n int, do func(l *lane, piece int)) {
	block := func(i int) {
		for k := n * i / len(t.lanes); k < n*(i+1)/len(t.lanes); k++ {
			do(t.lanes[i], k)
		}
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
