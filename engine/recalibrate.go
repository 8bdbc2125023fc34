package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Recalibrate computes the running statistics anew: the mean over batches of rows
// that lie evenly over a set, at most so many, run forward as in training. It is for weights
// that were not trained with these statistics, as an average of weights or weights
// that networks share (Izmailov et al. 2018, section 3.2; Guo et al. 2020, section
// 3.4). A network without statistics stays as it is.
func (n *Net) Recalibrate(s *data.Set, batches int) error {
	if err := cmp.Or(n.isStage(), n.check(s)); err != nil {
		return fmt.Errorf("recalibrate: %w", err)
	}
	if len(n.stats) == 0 {
		return nil
	}
	rows := min(n.cfg.Batch, s.Len())
	batches = min(batches, s.Len()/rows)
	clear(n.stats) // else what they were before would take part in rounding
	order := make([]int32, rows)
	n.level.Enter()
	defer kernel.Leave()
	for k := range batches {
		for i := range order {
			order[i] = int32((i*batches + k) * s.Len() / (rows * batches))
		}
		n.gather(s, order)
		n.forward(plan.Pass{Rows: rows, Train: true, Key: hash(n.cfg.Seed, forDropout, uint64(k)), Share: 1 / float32(k+1)})
	}
	return nil
}
