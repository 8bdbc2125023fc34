package engine

import (
	"errors"
	"fmt"
	"math"

	"budwood/engine/kernel"
)

// ErrDiverged is wrapped by the error of an epoch in which the loss, a gradient
// or a weight became NaN or infinite.
var ErrDiverged = errors.New("diverged")

// TrainConfig says how a network is trained.
type TrainConfig struct {
	Optimizer Optimizer // nil means AdamW{}
	Schedule  Schedule  // learning rate; nil means Constant{}
	Epochs    int       // total epochs that the schedule is laid out for
	ClipNorm  float64   // largest Euclidean norm of the whole gradient; 0 means no clipping
	Seed      uint64    // order of the data, dropout
}

// Trainer trains a network epoch by epoch. At the end of an epoch it can be
// saved, loaded into a trainer of the same network, and goes on with the same
// numbers bit for bit.
type Trainer struct {
	net   *Net
	cfg   TrainConfig
	done  int // epochs
	steps int
	state []float32   // of the optimizer, slot after slot
	slots [][]float32 // the same, each as long as the parameters
	best  snapshot
	order []int32
}

// snapshot is a copy of the weights and running statistics of an epoch.
type snapshot struct {
	epoch         int
	params, stats []float32 // params nil: none yet
}

// NewTrainer makes a trainer. It allocates the optimizer's state.
func NewTrainer(n *Net, cfg TrainConfig) (*Trainer, error) {
	if n == nil {
		return nil, errors.New("trainer: network is nil")
	}
	if n.err != nil {
		return nil, n.err
	}
	if cfg.Optimizer == nil {
		cfg.Optimizer = AdamW{}
	}
	if cfg.Schedule == nil {
		cfg.Schedule = Constant{}
	}
	if err := cfg.Optimizer.validate(); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if v, ok := cfg.Schedule.(validator); ok {
		if err := v.validate(cfg.Epochs); err != nil {
			return nil, fmt.Errorf("trainer: %w", err)
		}
	}
	if err := nonNegative("gradient norm", cfg.ClipNorm); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	t := &Trainer{net: n, cfg: cfg}
	slots := cfg.Optimizer.slots()
	size := int(aligned(int64(len(n.params))))
	t.state = alignedFloats(size * len(slots))
	for i := range slots {
		t.slots = append(t.slots, t.state[i*size:][:len(n.params):len(n.params)])
	}
	return t, nil
}

// Net is the network being trained.
func (t *Trainer) Net() *Net { return t.net }

// Done is the number of epochs trained.
func (t *Trainer) Done() int { return t.done }

// Epoch trains one epoch: all rows once, in an order that follows from the seed
// and the epoch's number, in batches of which the last may be smaller. It
// returns the mean loss of the rows at the time each was seen. The error wraps
// [ErrDiverged] if the loss, a gradient or a weight became NaN or infinite, and
// names epoch, step and tensor or layer; the weights are then of no use.
func (t *Trainer) Epoch(s *Set) (loss float64, err error) {
	n := t.net
	if err := n.check(s); err != nil {
		return math.NaN(), fmt.Errorf("epoch %d: %w", t.done+1, err)
	}
	rows, batch := s.Len(), n.cfg.Batch
	steps := (rows + batch - 1) / batch
	t.shuffle(rows)
	for step := range steps {
		order := t.order[step*batch : min((step+1)*batch, rows)]
		p := pass{rows: len(order), train: true, key: hash(t.cfg.Seed, forDropout, uint64(t.done), uint64(step))}
		l := n.step(p, n.gather(s, order))
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return l, t.diverged(s, order, step, p, fmt.Sprintf("loss %v", l))
		}
		loss += l
		if err := t.update(step, steps); err != nil {
			return math.NaN(), t.diverged(s, order, step, p, err.Error())
		}
	}
	t.done++
	return loss / float64(rows), nil
}

// shuffle sets the order of the rows for the epoch.
func (t *Trainer) shuffle(rows int) {
	if cap(t.order) < rows {
		t.order = make([]int32, rows)
	}
	t.order = t.order[:rows]
	for i := range t.order {
		t.order[i] = int32(i)
	}
	r := stream(t.cfg.Seed, forOrder, t.done)
	r.Shuffle(rows, func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
}

// gather copies rows of the set into the input block, and their targets.
func (n *Net) gather(s *Set, order []int32) targets {
	in, w, k := n.in.Size(), s.Outputs, s.labels()
	t := n.batch
	x := n.x.data.data
	for i, r := range order {
		copy(x[i*in:(i+1)*in], s.X[int(r)*in:(int(r)+1)*in])
		if s.Classes > 0 {
			copy(t.class[i*k:(i+1)*k], s.Class[int(r)*k:(int(r)+1)*k])
		} else {
			copy(t.value[i*w:(i+1)*w], s.Target[int(r)*w:(int(r)+1)*w])
		}
	}
	t.class = t.class[:len(order)*k]
	return t
}

// update clips the gradient and takes a step of the optimizer.
func (t *Trainer) update(step, steps int) error {
	n := t.net
	if t.cfg.ClipNorm > 0 {
		if norm := clip(n.grads, t.cfg.ClipNorm); math.IsNaN(norm) || math.IsInf(norm, 0) {
			return fmt.Errorf("gradient of norm %v", norm)
		}
	}
	lr := t.cfg.Schedule.Rate(t.done*steps+step, t.cfg.Epochs*steps)
	t.steps++
	if !t.cfg.Optimizer.step(n.params, n.grads, t.slots, lr, t.steps) {
		return errors.New("weight NaN or infinite after the step")
	}
	return nil
}

// clip scales a gradient so that its norm is at most limit, by
// min(1, limit/(norm + 1e-6)), and returns the norm before (Pascanu et al.
// 2013; PyTorch's clip_grad_norm_).
func clip(g []float32, limit float64) float64 {
	norm := math.Sqrt(kernel.SumSquares(g))
	kernel.Scale(g, float32(min(1, limit/(norm+1e-6))))
	return norm
}

// diverged is the error of a step, which it runs again to find the culprit.
func (t *Trainer) diverged(s *Set, order []int32, step int, p pass, what string) error {
	n := t.net
	n.gather(s, order)
	return fmt.Errorf("epoch %d, step %d: %s%s: %w", t.done+1, step+1, what, n.blame(p), ErrDiverged)
}

// KeepBest copies the weights and running statistics as the best so far. The
// copy is part of the checkpoint.
func (t *Trainer) KeepBest() {
	t.best.epoch = t.done
	t.best.params = append(t.best.params[:0], t.net.params...)
	t.best.stats = append(t.best.stats[:0], t.net.stats...)
}

// RestoreBest sets the network to the copy made by KeepBest and reports whether
// there was one.
func (t *Trainer) RestoreBest() bool {
	if t.best.params == nil {
		return false
	}
	copy(t.net.params, t.best.params)
	copy(t.net.stats, t.best.stats)
	return true
}
