package engine

import (
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
)

// Score is how well a network does on a data set.
type Score struct {
	Loss     float64 // mean of the network's loss; of classes the cross-entropy, without smoothing, weights or teacher
	Accuracy float64 // classification: share of rows (of steps, where each has a class) whose largest output is the class
	RMSE     float64 // regression: root of the mean squared error over all outputs
	R2       float64 // regression: 1 − Σ(y−t)²/Σ(t−mean)², the mean over outputs; an output whose target is constant counts 0, or 1 if it is met exactly
}

// Evaluate scores the network on a set in inference mode.
func (n *Net) Evaluate(s *data.Set) (Score, error) { return n.EvaluateTo(nil, s) }

// EvaluateTo is [Net.Evaluate] that also writes what [Net.Predict] gives: rows ×
// Out().Size() numbers, if there is a place for them.
func (n *Net) EvaluateTo(outputs []float32, s *data.Set) (Score, error) {
	if err := n.isStage(); err != nil {
		return Score{}, fmt.Errorf("evaluate: %w", err)
	}
	if err := n.checkOutputs(outputs, s); err != nil {
		return Score{}, err
	}
	n.level.Enter()
	defer kernel.Leave()
	r := newRegression(s)
	var all tally
	if n.helped(s.Len()) && alike(n.cfg.Loss) {
		n.tallies(&all, outputs, s, r)
		return all.score(s, r), nil
	}
	for lo := 0; lo < s.Len(); lo += n.cfg.Batch {
		all.add(n.tally(outputs, s, r, lo, min(lo+n.cfg.Batch, s.Len())))
	}
	return all.score(s, r), nil
}

// ScoreOf is the score of outputs for the rows of a set that another form of the network
// has computed, such as one in integers.
func (n *Net) ScoreOf(outputs []float32, s *data.Set) (Score, error) {
	if err := n.isStage(); err != nil {
		return Score{}, fmt.Errorf("evaluate: %w", err)
	}
	if err := n.check(s); err != nil {
		return Score{}, fmt.Errorf("evaluate: %w", err)
	}
	w := n.out.Size()
	if len(outputs) != s.Len()*w {
		return Score{}, fmt.Errorf("evaluate: %d outputs, want %d", len(outputs), s.Len()*w)
	}
	n.level.Enter()
	defer kernel.Leave()
	r := newRegression(s)
	var all tally
	for lo := 0; lo < s.Len(); lo += n.cfg.Batch {
		hi := min(lo+n.cfg.Batch, s.Len())
		all.add(n.tallyOf(outputs[lo*w:hi*w], s, r, lo, hi))
	}
	return all.score(s, r), nil
}

// tally is what a score is made of.
type tally struct {
	loss, weight float64
	right        int
}

func (a *tally) add(b tally) {
	a.loss += b.loss
	a.weight += b.weight
	a.right += b.right
}

// score is that of a set, all rows of which are in the tally and in r.
func (a *tally) score(s *data.Set, r *regression) Score {
	score := Score{Loss: a.loss / a.weight}
	if s.Classes > 0 {
		score.Accuracy = float64(a.right) / float64(len(s.Class))
	} else {
		score.RMSE, score.R2 = r.scores(s.Len())
	}
	return score
}

// tally runs the rows lo … hi−1 of a set forward, at most a batch. It writes the
// outputs to their place among those of the set, if there is one, and adds squared
// errors to r, unless that is nil.
func (n *Net) tally(outputs []float32, s *data.Set, r *regression, lo, hi int) (a tally) {
	n.through(s, lo, hi)
	return n.scoreOf(outputs, s, r, lo, hi)
}

// through runs the rows lo … hi−1 of a set forward, at most a batch.
func (n *Net) through(s *data.Set, lo, hi int) {
	s.Read(n.x.Data.Floats[:(hi-lo)*n.in.Size()], lo)
	n.forward(plan.Pass{Rows: hi - lo})
}

// scoreOf is [Net.tally] of rows that have run forward.
func (n *Net) scoreOf(outputs []float32, s *data.Set, r *regression, lo, hi int) (a tally) {
	w, m := n.out.Size(), hi-lo
	y := n.outputs(m)
	if outputs != nil {
		copy(outputs[lo*w:], y)
	}
	return n.tallyOf(y, s, r, lo, hi)
}

// tallyOf is [Net.tally] of the outputs y for these rows.
func (n *Net) tallyOf(y []float32, s *data.Set, r *regression, lo, hi int) (a tally) {
	w, m := n.out.Size(), hi-lo
	part := s.Slice(lo, hi)
	d := n.y.Grad.Floats
	if n.wide != nil {
		d = n.wide[len(n.wide)/2:]
	}
	if s.Classes > 0 {
		a.right = correct(y, part.Class)
	} else if r != nil {
		r.add(y, part.Target)
	}
	a.loss, a.weight = loss.Plain(n.cfg.Loss).Gradient(d[:m*w], y, loss.Targets{Class: part.Class, Value: part.Target, Soft: part.Soft}, m)
	return a
}

// checkOutputs tells whether the network can be scored on a set, and whether there is
// place for its outputs.
func (n *Net) checkOutputs(outputs []float32, s *data.Set) error {
	if err := n.check(s); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	if want := s.Len() * n.out.Size(); outputs != nil && len(outputs) != want {
		return fmt.Errorf("evaluate: a place for %d outputs, want %d", len(outputs), want)
	}
	return nil
}

// Fits tells whether the network can work on a set.
func (n *Net) Fits(s *data.Set) error { return n.check(s) }

// check reports whether the network can work on a set.
func (n *Net) check(s *data.Set) error {
	if n.err != nil {
		return n.err
	}
	if s == nil {
		return fmt.Errorf("data set: is nil")
	}
	if err := s.Check(); err != nil {
		return err
	}
	if s.Shape.Size() != n.in.Size() || len(n.in) == 3 && len(s.Shape) == 3 && !s.Shape.Equal(n.in) {
		return fmt.Errorf("data set: rows of %v do not fit the network's input %v", s.Shape, n.in)
	}
	if err := n.checkRows(s); err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	return n.cfg.Loss.Fits(n.out, s)
}

// correct counts the rows of logits whose largest is the class; a single logit
// is that of class 1 against class 0.
func correct(y []float32, class []int32) (right int) {
	cols := len(y) / len(class)
	for i, c := range class {
		guess := 0
		if cols > 1 {
			guess = argmax(y[i*cols : (i+1)*cols])
		} else if y[i] > 0 {
			guess = 1
		}
		if guess == int(c) {
			right++
		}
	}
	return right
}

func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// regression sums up squared errors for each output.
type regression struct{ mean, total, wrong []float64 }

func newRegression(s *data.Set) *regression {
	r := &regression{make([]float64, s.Outputs), make([]float64, s.Outputs), make([]float64, s.Outputs)}
	for i, t := range s.Target {
		r.mean[i%s.Outputs] += float64(t) / float64(s.Len())
	}
	for i, t := range s.Target {
		d := float64(t) - r.mean[i%s.Outputs]
		r.total[i%s.Outputs] += d * d
	}
	return r
}

func (r *regression) add(y, target []float32) {
	for i, t := range target {
		d := float64(y[i]) - float64(t)
		r.wrong[i%len(r.wrong)] += d * d
	}
}

func (r *regression) scores(rows int) (rmse, r2 float64) {
	outputs := float64(len(r.wrong))
	for i, e := range r.wrong {
		rmse += e
		switch {
		case r.total[i] > 0:
			r2 += 1 - e/r.total[i]
		case e == 0:
			r2++
		}
	}
	return math.Sqrt(rmse / (float64(rows) * outputs)), r2 / outputs
}
