package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"budwood/engine"
	"budwood/engine/quant"
	"budwood/learn"
	"budwood/search"
	"budwood/trials"
)

// compressed is a plan whose network is trained, and judged beside the original. One in
// integers is trained in float32, and made integers anew whenever it is judged: what is
// judged, kept and saved is these.
type compressed struct {
	*members
	plan      planned
	was, cost search.Metrics // costs of the original and of the plan
	share     float64
	original  []float32 // outputs of the original for the validation rows

	floats    []string   // paths of layers that stay in float32, of a plan in integers
	now, kept *quant.Net // the integers when they were last judged, and at their best
}

// compressed makes the network of a plan, and what trains it.
func (s Supervised) compressed(p search.Params, epochs int, seed uint64) (*compressed, error) {
	plan, err := readPlan(s.all(p), seed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	c := &compressed{plan: plan, members: &members{s: s, folds: s.folds(), outputs: make([][]float32, 1)}}
	tr, origin, err := s.plannedTrainer(p, plan, c.folds[0].Train, epochs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	c.trainers = []*engine.Trainer{tr}
	if plan.int8 != floatsOnly {
		if c.floats, err = s.Plan.floats(c.net(), plan, origin); err != nil {
			return nil, fmt.Errorf("%w: int8: %w", trials.ErrInfeasible, err)
		}
	}
	return c, nil
}

// net is the network in float32.
func (c *compressed) net() *engine.Net { return c.trainers[0].Net() }

// inIntegers reports whether the plan's network computes in integers.
func (c *compressed) inIntegers() bool { return c.plan.int8 != floatsOnly }

// quantize is a network in integers, with the ranges that its values have on training rows.
func (c *compressed) quantize(n *engine.Net) (*quant.Net, error) {
	o := quant.Options{Calibration: c.plan.calibration, Rows: cmp.Or(c.s.Plan.Rows, calibrated), Seed: c.plan.seed, Float: c.floats}
	return quant.Quantize(n, c.folds[0].Train, o)
}

// trainPlan carries out a plan: what it cannot reach is not trained.
func (s Supervised) trainPlan(ctx context.Context, t *trials.Trial) error {
	original, err := s.Plan.Source(ctx, s.cpu)
	if err != nil {
		return fmt.Errorf("the original: %w", err)
	}
	c, err := s.compressed(t.Params, t.Total(), t.Seed())
	if err != nil {
		return err
	}
	var net Net = c.net()
	if c.inIntegers() {
		q, err := c.quantize(c.net())
		if err != nil {
			return err
		}
		net = Integers{q, c.net()}
	}
	if c.was, err = s.Plan.costsOf(original); err == nil {
		c.cost, err = s.Plan.costsOf(net)
	}
	if err != nil {
		return err
	}
	if c.share, err = s.Plan.share(c.was, c.cost); err != nil && !c.plan.untouched() {
		return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	if c.plan.untouched() {
		c.share = 1
	}
	valid := s.folds()[0].Valid
	c.original = make([]float32, valid.Len()*original.Out().Size())
	if _, err := original.EvaluateTo(c.original, valid); err != nil {
		return err
	}
	if !c.plan.trains() && !t.Resumed() {
		t.Skip(t.Task().To - 1)
	} else if !t.Resumed() {
		if err := c.net().Recalibrate(s.folds()[0].Train, calibration); err != nil {
			return err
		}
	}
	return learn.Run(t, c)
}

// Epoch trains what a plan has cut or made thin.
func (c *compressed) Epoch() error {
	if !c.plan.trains() {
		return nil
	}
	return c.members.Epoch()
}

// Size is what the network costs.
func (c *compressed) Size() search.Metrics { return c.cost }

// judged are the metrics of the network on the validation rows.
func (c *compressed) judged() (search.Metrics, error) {
	if !c.inIntegers() {
		return c.members.Score()
	}
	valid, tr := c.folds[0].Valid, c.trainers[0]
	if c.outputs[0] == nil {
		c.outputs[0] = make([]float32, valid.Len()*c.net().Out().Size())
	}
	var score engine.Score
	if err := tr.Averaged(func(n *engine.Net) (err error) {
		if c.now, err = c.quantize(n); err != nil {
			return err
		}
		score, err = Integers{c.now, n}.EvaluateTo(c.outputs[0], valid)
		return err
	}); err != nil {
		return nil, err
	}
	tr.Observe(score.Loss)
	m := c.valid(score)
	m["train_loss"] = c.loss
	return m, nil
}

// Score compares the network with the original, row by row.
func (c *compressed) Score() (search.Metrics, error) {
	m, err := c.judged()
	if err != nil {
		return nil, err
	}
	outputs, rows := c.predictions()
	v := Compare(c.original, outputs, rows, c.s.Data.Classes)
	v.into(m)
	m[PlanCost] = c.share + 1e-3*v.Drop // of two that cost the same the better one
	lost := v.Drop
	if c.s.Plan.Strict {
		lost = v.High
	}
	if lost > c.s.Plan.MaxDrop && !c.plan.untouched() {
		m[PlanCost] = 1 + lost
	}
	return m, nil
}

// KeepBest keeps the integers that were judged, too.
func (c *compressed) KeepBest() {
	c.members.KeepBest()
	c.kept = c.now
}

// best is the network at its best, as it was judged.
func (c *compressed) best() (Net, error) {
	if !c.inIntegers() {
		return c.members.best()
	}
	n := c.bests()[0]
	if c.kept == nil {
		return nil, errors.New("the checkpoint has no network in integers: it was never judged")
	}
	return Integers{c.kept, n}, nil
}

// Save writes the checkpoint of the trainer. Of a plan in integers it is behind its length,
// and behind it, behind theirs, are the best integers, if there are any.
func (c *compressed) Save(w io.Writer) error {
	if !c.inIntegers() {
		return c.members.Save(w)
	}
	if err := writeBehindLength(w, c.members.Save); err != nil {
		return err
	}
	return writeBehindLength(w, func(w io.Writer) error {
		if c.kept == nil {
			return nil
		}
		return c.kept.Save(w)
	})
}

// Load reads what Save wrote.
func (c *compressed) Load(r io.Reader) error {
	if !c.inIntegers() {
		return c.members.Load(r)
	}
	own, err := partOf(r)
	if err == nil {
		err = c.members.Load(own)
	}
	if err != nil {
		return err
	}
	ints, err := partOf(r)
	if err != nil || ints.Len() == 0 {
		return err
	}
	c.kept, err = quant.LoadOn(ints, c.net().Layer(), c.net().In(), c.s.cpu)
	return err
}
