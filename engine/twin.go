package engine

import (
	"budwood/data"
	"budwood/engine/crew"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
)

// Borrow lets [Net.Predict] and [Net.Evaluate] compute batches on idle cores, too. The
// numbers are the same. Each of the cores takes room for the activations of a batch: at
// most room bytes in all; 0 means any.
func (n *Net) Borrow(idle *crew.Team, room int64) { n.idle, n.room = idle, room }

// leastHelp is the work, in floating-point operations, below which a helper is not called
// for: some 500 µs. To wake a thread takes up to a tenth of that.
const leastHelp = 4e7

// helped reports whether idle cores may compute batches of so many rows in all.
func (n *Net) helped(rows int) bool {
	return n.idle.Idle() && rows > n.cfg.Batch && n.params != nil && n.cuts == nil &&
		(n.eager || rowWork(n.Cost())/3*float64(rows) >= leastHelp)
}

// inBatches does something with all batches of so many rows, each once, with this network or
// with a twin on an idle core. at is the number of a batch, of the rows lo … hi−1.
func (n *Net) inBatches(rows int, do func(n *Net, at, lo, hi int)) {
	size, nets := n.cfg.Batch, n.withTwins()
	n.idle.Each((rows+size-1)/size, len(nets)-1, func(i, who int) {
		do(nets[who], i, i*size, min((i+1)*size, rows))
	})
}

// withTwins is the network and as many twins as there can be helpers and is room for.
func (n *Net) withTwins() []*Net {
	if len(n.twins) > 0 && n.twins[0].origin != n.plan {
		n.twins = nil
	}
	left := n.room
	for _, w := range n.twins {
		left -= inBytes(int64(len(w.arena)))
	}
	for len(n.twins) < n.idle.Most() {
		w := n.twin()
		size := plan.Plus(plan.LayOutForward(w.plan.Blocks), plan.Product(w.cfg.Batch, w.out.Size()))
		if left -= inBytes(size); left < 0 && n.room > 0 {
			break
		}
		w.arena = kernel.Floats(int(size))
		w.bind(w.arena)
		w.y.Grad = &plan.Block{Floats: w.arena[int(size)-w.cfg.Batch*w.out.Size():]} // where the loss writes
		n.twins = append(n.twins, w)
	}
	return append([]*Net{n}, n.twins...)
}

// twin is a network for inference beside this one: the same weights, statistics and
// tables, and activations of its own, for which there is no memory yet.
func (n *Net) twin() *Net {
	w := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, recompute: n.recompute, infers: n.infers, origin: n.plan,
		params: n.params, grads: n.params, stats: n.stats, tables: n.tables} // nobody runs it backward
	w.plan, w.x, w.y = w.planFor(w.cfg.Batch)
	return w
}

// predictTogether writes the outputs of any number of rows.
func (n *Net) predictTogether(x, out []float32) {
	in, w := n.in.Size(), n.out.Size()
	n.inBatches(len(x)/in, func(n *Net, _, lo, hi int) { n.predict(x[lo*in:hi*in], out[lo*w:hi*w]) })
}

// tallies is what all rows of a set come to, computed on several cores, in the order of
// one.
func (n *Net) tallies(all *tally, outputs []float32, s *data.Set, r *regression) {
	if outputs == nil && s.Classes == 0 {
		outputs = make([]float32, s.Len()*n.out.Size())
	}
	parts := make([]tally, (s.Len()+n.cfg.Batch-1)/n.cfg.Batch)
	n.inBatches(s.Len(), func(n *Net, at, lo, hi int) { parts[at] = n.tally(outputs, s, nil, lo, hi) })
	for _, p := range parts {
		all.add(p)
	}
	if s.Classes == 0 {
		r.add(outputs, s.Target)
	}
}

// alike reports whether a loss is one of the engine's, of which several may be computed at
// once. A user's own may keep something from one call to the next.
func alike(l loss.Loss) bool {
	switch l.(type) {
	case loss.CrossEntropy, loss.BinaryCrossEntropy, loss.Distillation, loss.MSE, loss.MAE, loss.Huber:
		return true
	}
	return false
}
