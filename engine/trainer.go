package engine

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"budwood/data"
	"budwood/engine/internal/check"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// ErrDiverged is wrapped by the error of an epoch in which the loss, a gradient
// or a weight became NaN or infinite.
var ErrDiverged = errors.New("diverged")

// TrainConfig says how a network is trained.
type TrainConfig struct {
	Optimizer  optim.Optimizer // nil means AdamW{}
	Schedule   optim.Schedule  // learning rate; nil means Constant{}
	Groups     []Group         // rules for some of the parameters; the first that holds a tensor counts
	Epochs     int             // total epochs that the schedule is laid out for
	ClipValue  float64         // limits every value of the gradient to ±ClipValue; 0 means no limit
	ClipNorm   float64         // largest Euclidean norm of the whole gradient; 0 means no clipping
	Accumulate int             // micro-batches whose gradients make one step, as one batch so many times as large; 0 means 1
	EMA        float64         // β of a moving average of the weights, for evaluation: 0 ≤ β < 1; 0 means none
	LossScale  *LossScale      // nil means none, and LossScale{} for a network in FP16
	Mask       []float32       // as long as the parameters: 0 where a weight is to be 0, else 1; nil means none. Changing it counts from the next step on
	Mesh       Mesh            // cuts a step into pieces for several threads and ranks; the zero value is one piece
	Augment    Augmenter       // of the training rows, anew in each epoch; nil means none
	Mixup      float64         // α of mixup, which mixes rows and their targets in pairs; 0 means none
	Prefetch   bool            // gather the next batch on another goroutine; the results are the same. Lanes of a mesh gather their own
	Seed       uint64          // order of the data, augmentation, dropout
}

// Trainer trains a network step by step or epoch by epoch. Between any two steps
// it can be saved, loaded into a trainer of the same network, and goes on with
// the same numbers bit for bit.
type Trainer struct {
	net       *Net
	cfg       TrainConfig
	plateau   *optim.Plateau // of the schedule; nil if it has none
	slots     [][]float32
	spans     []part
	average   []float32 // of the weights; nil without EMA
	best      snapshot
	ranks     *ranks  // nil if it is alone
	stages    *stages // that the network is cut into; nil: it is not
	deal      deal
	units     []unit
	inUnits   bool        // these travel by themselves
	count     int         // of the parameters
	size      int         // of those that this rank updates
	master    []float32   // the own pieces of the weights, if they are nowhere else
	total     []float32   // the own pieces of the gradient, if they are not in that of the first lane
	waits     [][]float32 // sums of rounds that wait for the other half of their tree
	lanes     []*lane     // at least one
	ahead     *ahead      // nil without prefetch
	stopAsked atomic.Bool // by this rank
	stopSeen  bool        // by any, in the last step
	together

	cursor
	seen  optim.PlateauState
	scale scaler

	timing timing
	set    *data.Set // that order is of
	order  []int32   // of the rows in the running epoch
}

// cursor is how far training has come.
type cursor struct {
	done   int     // epochs
	rows   int     // trained in the running epoch
	steps  int     // of the optimizer
	sum    float64 // of the losses in the running epoch
	weight float64 // its divisor
	loss   float64 // mean of the last epoch that was completed
}

// snapshot is a copy of the weights and running statistics of an epoch.
type snapshot struct {
	epoch         int
	params, stats []float32 // params nil: none yet
}

// NewTrainer makes a trainer. It allocates the optimizer's state. Where ranks have a part
// of the layers each, it makes the network the own part of it, with the values that it
// has, and gives the memory of the rest back: see [Trainer.Whole].
func NewTrainer(n *Net, cfg TrainConfig) (*Trainer, error) {
	if n == nil {
		return nil, errors.New("trainer: network is nil")
	}
	if n.err != nil {
		return nil, n.err
	}
	if n.grads == nil {
		return nil, errors.New("trainer: this rank has pieces of the network, which are another trainer's: see Trainer.Whole")
	}
	if cfg.Optimizer == nil {
		cfg.Optimizer = optim.AdamW{}
	}
	if cfg.Schedule == nil {
		cfg.Schedule = optim.Constant{}
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if err := cfg.chooseMesh(n); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if err := cfg.fits(n.cfg.Batch); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if n.isPart() != nil {
		return nil, errors.New("trainer: this rank has a part of the network, which is another trainer's: see Trainer.Whole")
	}
	cuts, err := cutsFor(n.layer, n.in, &n.cfg, &cfg)
	if err == nil && cfg.Mesh.cells() == 1 {
		err = n.cut(cuts)
	}
	if err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	cut, err := stagesFor(n.layer, n.in, n.out, &n.cfg, &cfg, cuts)
	if err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if cfg.Mask != nil && len(cfg.Mask) != len(n.params) {
		return nil, fmt.Errorf("trainer: a mask of %d numbers for %d parameters", len(cfg.Mask), len(n.params))
	}
	if cfg.LossScale == nil && n.cfg.Precision == FP16 {
		cfg.LossScale = &LossScale{}
	}
	t := &Trainer{net: n, cfg: cfg, plateau: optim.PlateauOf(cfg.Schedule), scale: scaler{Scale: 1}, stages: cut}
	if cfg.LossScale != nil {
		t.scale.Scale = cmp.Or(cfg.LossScale.Init, 1<<16)
	}
	if t.ranks, err = join(&t.cfg, n); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if cfg.Mesh.cells() > 1 || cfg.Mesh.stages() > 1 {
		if err := t.becomePart(cuts); err != nil {
			return nil, fmt.Errorf("trainer: %w", t.ranks.fail(err))
		}
	}
	if err = t.allocate(nil); err != nil {
		return nil, fmt.Errorf("trainer: %w", t.ranks.fail(err))
	}
	return t, nil
}

// allocate makes the slices as long as the parameters, the lanes, and what they need.
// steps are those that each tensor has taken part in; nil: all.
func (t *Trainer) allocate(steps []int) (err error) {
	n := t.net
	n.level.Enter() // it decides what is computed in pairs
	defer kernel.Leave()
	n.dropEdges()
	if err := n.recomputing(t.cfg.Mesh.Recompute); err != nil {
		return err
	}
	n.Borrow(t.cfg.Mesh.Idle, t.cfg.Mesh.IdleRoom)
	n.eager = t.cfg.Mesh.always
	t.count = int(plan.Total(n.plan.Params))
	t.units = t.cfg.units(n.plan)
	if t.ranks != nil {
		t.ranks.take(t.units)
		t.ranks.carrier.t = t
	}
	t.inUnits = t.ranks != nil && (t.cfg.Mesh.sharded() || len(t.units) > 1)
	t.size = place(t.units)
	if t.cfg.Mesh.sharded() {
		t.breakUp()
	}
	t.deal = t.cfg.deal(n.cfg.Batch, n.Cost())
	d := &t.deal
	waits := waiting(d.rounds, mesh.Span{To: d.rounds})
	sizeOf := func(length int) int { return int(plan.Aligned(int64(length))) }
	state := kernel.Floats(sizeOf(t.size)*(t.cfg.states()+waits) + sizeOf(t.count)*waiting(d.leaves, d.of(0)))
	takeOf := func(length int) []float32 {
		s := state[:length:length]
		state = state[sizeOf(length):]
		return s
	}
	take := func() []float32 { return takeOf(t.size) }
	t.waits = nil
	for range waits {
		t.waits = append(t.waits, take())
	}
	t.slots = nil
	for range t.cfg.Optimizer.Slots() {
		t.slots = append(t.slots, take())
	}
	if t.cfg.EMA > 0 {
		t.average = take()
	}
	if err := t.makeLanes(func() []float32 { return takeOf(t.count) }); err != nil {
		return err
	}
	t.ahead = nil
	if t.cfg.Prefetch && len(t.lanes) == 1 {
		t.ahead = newAhead(n)
	}
	if t.spans, err = t.parts(steps); err != nil {
		return err
	}
	t.share()
	return nil
}

func (c *TrainConfig) validate() error {
	if err := c.Optimizer.Validate(); err != nil {
		return err
	}
	if err := optim.CheckSchedule(c.Schedule, c.Epochs); err != nil {
		return err
	}
	for i := range c.Groups {
		if err := c.Groups[i].validate(); err != nil {
			return fmt.Errorf("group %d: %w", i, err)
		}
	}
	if c.Accumulate < 0 {
		return fmt.Errorf("accumulation of %d batches", c.Accumulate)
	}
	if err := check.Fraction("EMA: β", c.EMA); err != nil {
		return err
	}
	if err := c.LossScale.validate(); err != nil {
		return err
	}
	if err := check.NonNegative("gradient value", c.ClipValue); err != nil {
		return err
	}
	return check.NonNegative("gradient norm", c.ClipNorm)
}

// Net is the network being trained.
func (t *Trainer) Net() *Net { return t.net }

// Done is the number of epochs trained.
func (t *Trainer) Done() int { return t.done }

// Steps is the number of steps that the optimizer has taken.
func (t *Trainer) Steps() int { return t.steps }

// Epoch trains one epoch, or the rest of one: all rows once, in an order that
// follows from the seed and the epoch's number, in batches of which the last may
// be smaller. It returns the mean loss of the rows at the time each was seen.
// The error wraps [ErrDiverged] if the loss, a gradient or a weight became NaN or
// infinite, and names epoch, step and tensor or layer; the weights are then of
// no use.
func (t *Trainer) Epoch(s *data.Set) (loss float64, err error) {
	for {
		last, err := t.Step(s)
		if err != nil {
			return math.NaN(), err
		}
		if last {
			return t.loss, nil
		}
	}
}

// Step trains one step of the running epoch and reports whether it was the
// epoch's last. The set must be the same throughout an epoch. See [Trainer.Epoch]
// for the error.
func (t *Trainer) Step(s *data.Set) (last bool, err error) {
	n := t.net
	if err := t.begin(s); err != nil {
		return false, fmt.Errorf("epoch %d: %w", t.done+1, t.ranks.fail(err))
	}
	n.level.Enter()
	defer kernel.Leave()
	total := len(t.order)
	size := min(t.stepRows(), total-t.rows)
	perEpoch := (total + t.stepRows() - 1) / t.stepRows()
	m := &t.now
	*m = moment{set: s, size: size, step: t.rows / t.stepRows(), weight: t.weigh(s, size)}
	t.stopSeen = t.stopAsked.Load()
	m.progress = optim.Progress{Step: t.done*perEpoch + m.step, Total: t.cfg.Epochs * perEpoch, Epoch: perEpoch}
	t.timed()
	switch u := t.bad(); {
	case m.lost != nil:
		return false, fmt.Errorf("epoch %d, step %d: %w", t.done+1, m.step+1, m.lost)
	case u >= 0:
		return false, t.diverged(u, fmt.Sprintf("loss %v", t.losses[u]))
	case m.err != nil:
		return false, t.diverged(len(t.losses)-1, m.err.Error())
	case !m.skip && !t.finite():
		return false, t.diverged(len(t.losses)-1, "weight NaN or infinite after the step")
	}
	for _, sum := range t.losses {
		t.sum += sum
	}
	t.weight += m.weight
	if t.rows += size; t.rows < total {
		return false, nil
	}
	t.loss = t.sum / t.weight
	t.done++
	t.rows, t.sum, t.weight = 0, 0, 0
	return true, nil
}

// begin checks a set and orders its rows, if it is new or an epoch begins.
func (t *Trainer) begin(s *data.Set) error {
	if t.set == s && t.rows > 0 {
		return nil
	}
	if err := t.net.check(s); err != nil {
		return err
	}
	if t.rows >= s.Len() || t.set != nil && t.set != s && t.rows > 0 {
		return fmt.Errorf("%d rows of another data set are trained already", t.rows)
	}
	t.shuffle(s.Len())
	t.set = s
	return nil
}

// shuffle sets the order of the rows for the epoch.
func (t *Trainer) shuffle(rows int) {
	t.ahead.wait() // it reads the order
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

// rate is the learning rate of a step.
func (t *Trainer) rate(p optim.Progress) float64 {
	lr := t.cfg.Schedule.Rate(p)
	if t.plateau != nil {
		lr = t.plateau.Reduce(&t.seen, lr)
	}
	return lr
}

// clipping is the factor of a gradient of a norm that is to be at most limit:
// min(1, limit/(norm + 1e-6)) (Pascanu et al. 2013; PyTorch's clip_grad_norm_).
func clipping(norm, limit float64) float32 { return float32(min(1, limit/(norm+1e-6))) }

// Observe tells an [optim.Plateau] schedule the value that should fall, after an epoch:
// usually the validation loss. Other schedules do not mind.
func (t *Trainer) Observe(value float64) {
	if t.plateau != nil {
		t.plateau.Observe(&t.seen, value)
	}
}

// diverged is the error of the step, of which the first lane runs a micro-batch again
// to find the culprit. The others have it from the rank that does.
func (t *Trainer) diverged(u int, what string) error {
	n, m, l, r := t.net, &t.now, t.lanes[0], t.ranks
	t.ahead.wait()
	if err := t.gather(n.grads); err != nil {
		return err
	}
	where, owner := "", t.cfg.holder(u)
	if t.inUnits {
		r.beginBlame(n)
	}
	if r == nil || r.small.Member() == owner {
		from, to := micro(m.size, len(t.weights), u)
		order := t.order[t.rows+from : t.rows+to]
		if n.stage != nil {
			where = t.blameStages(u, order)
		} else {
			got := l.feeder.fill(&batch{n.x.Data.Floats, n.batch}, 0, m.set, order, t.done)
			where = n.blame(t.pass(u), got, t.scaleOf(u))
		}
	}
	if t.inUnits {
		t.endBlame()
	}
	if r != nil {
		var err error
		if where, err = r.tellWhere(owner, where); err != nil {
			return r.fail(err)
		}
	}
	return fmt.Errorf("epoch %d, step %d: %s%s: %w", t.done+1, m.step+1, what, where, ErrDiverged)
}
