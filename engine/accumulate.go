package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
)

// A step of R rows consists of U micro-batches. Each has a gradient, that of the
// mean loss of the step by its own rows: it is scaled at the loss by the weight of
// these rows over that of all. What is left to do with the gradients is to add them
// up, in the fixed tree over U leaves of [mesh.Trees].

// stepRows is the number of rows of a step that is not the last of its epoch.
func (t *Trainer) stepRows() int { return max(t.cfg.Accumulate, 1) * t.net.cfg.Batch }

// micro is the micro-batch u of n in a step of so many rows: from … to−1, which may
// be none.
func micro(rows, n, u int) (from, to int) {
	if n == 1 { // divisions are what a tiny step notices
		return 0, rows
	}
	return rows * u / n, rows * (u + 1) / n
}

// next is the rows from … from+rows−1 of the running epoch's order of the micro-batch
// that the lane computes after u; none at the end of the epoch.
func (t *Trainer) next(l *lane, u int) (from, rows int) {
	round, leaf := u%t.deal.rounds, u/t.deal.rounds+1
	for first, size := t.rows, t.now.size; size > 0; size = min(t.stepRows(), len(t.order)-first) {
		for ; round < t.deal.rounds; round++ {
			for ; leaf < l.span.To; leaf++ {
				if from, to := micro(size, len(t.weights), t.deal.micro(round, leaf)); from < to {
					return first + from, to - from
				}
			}
			leaf = l.span.From
		}
		round = 0
		first += size
	}
	return 0, 0
}

// weigh sets the weights of the micro-batches of a step of so many rows and returns
// their sum, before any gradient is computed. That of a single one follows from its
// loss.
func (t *Trainer) weigh(s *data.Set, rows int) (all float64) {
	if len(t.weights) == 1 {
		return 0
	}
	class, k := t.net.batch.Class, s.Labels()
	for u := range t.weights {
		from, to := micro(rows, len(t.weights), u)
		order := t.order[t.rows+from : t.rows+to]
		if s.Classes > 0 {
			for i, r := range order {
				copy(class[i*k:(i+1)*k], s.Class[int(r)*k:(int(r)+1)*k])
			}
		}
		t.weights[u] = t.net.cfg.Loss.Weight(class[:min(len(order)*k, len(class))], len(order))
		all += t.weights[u]
	}
	return all
}

// scaleOf is what the gradient of the mean loss of micro-batch u is multiplied by: its
// part of the weight of all, times the loss scale. Where nothing counts the gradient
// is 0 whatever the factor.
func (t *Trainer) scaleOf(u int) float64 {
	if len(t.weights) == 1 || t.now.weight == 0 {
		return t.scale.Scale
	}
	return t.scale.Scale * (t.weights[u] / t.now.weight)
}

// pass is the run of micro-batch u of the step, whose random choices follow from the
// seed, the epoch and the number of the micro-batch in it.
func (t *Trainer) pass(u int) plan.Pass {
	from, to := micro(t.now.size, len(t.weights), u)
	return plan.Pass{Rows: to - from, Train: true, Key: hash(t.cfg.Seed, forDropout, uint64(t.done), uint64(t.now.step*len(t.weights)+u))}
}
