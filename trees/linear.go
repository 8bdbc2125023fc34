package trees

import (
	"fmt"
	"io"
	"math"
)

// LinearConfig are the settings of a [Linear] model.
type LinearConfig struct {
	Classes int     // 0: regression
	L2      float64 // penalty: half of it times the squared weights of standardised columns is added to the sum of the losses
	Steps   int     // most steps of L-BFGS; 0 means 200
}

// Linear is a linear model: ridge regression, logistic regression, or softmax of several classes, with
// numbers standardised, missing ones taken for the mean, and a weight for each category. [Linear.Round] solves the whole
// problem, by L-BFGS; what follows changes nothing.
type Linear struct {
	c     LinearConfig
	model *Model
	train watched
	valid *watched
	done  bool
}

// NewLinear is a model without weights.
func NewLinear(c LinearConfig, t *Table, y Target) (*Linear, error) {
	err := t.check()
	if err == nil {
		err = y.check(t.Rows(), c.Classes)
	}
	if err == nil && (!(c.L2 >= 0) || math.IsInf(c.L2, 0) || c.Steps < 0 || c.Classes < 0 || c.Classes == 1) {
		err = fmt.Errorf("trees: linear: penalty %v, %d steps or %d classes make no sense", c.L2, c.Steps, c.Classes)
	}
	if err != nil {
		return nil, err
	}
	if c.Steps == 0 {
		c.Steps = 200
	}
	l := &Linear{c: c, train: watched{x: t.X, y: y, n: t.Rows()}}
	of := Config{Classes: c.Classes}
	if of, err = of.complete(); err != nil {
		return nil, err
	}
	l.model = &Model{Kind: "linear", Loss: of.Loss, Classes: c.Classes, Columns: t.Columns, Outputs: of.outputs(), Width: 1}
	l.model.Start = losses[of.Loss].start(&of, &y, l.train.n)
	l.model.Weights = make([]float64, l.model.Outputs*l.model.weights())
	l.replay()
	return l, nil
}

// weights is the number of weights of an output: of a column of numbers what it is multiplied by, and what a missing
// number adds; of one of categories what each adds, and then a missing one.
func (m *Model) weights() (n int) {
	for _, c := range m.Columns {
		n += c.weights()
	}
	return n
}

func (c *Column) weights() int {
	if c.Levels > 0 {
		return c.Levels + 1
	}
	return 2
}

// term is what a column with these weights adds for a value.
func (c *Column) term(w []float64, x float32) float64 {
	if c.Levels > 0 {
		if k := c.level(x); k >= 0 {
			return w[k]
		}
		return w[c.Levels]
	}
	if x != x {
		return w[1]
	}
	return w[0] * float64(max(min(x, math.MaxFloat32), -math.MaxFloat32))
}

// linear adds what a linear model says of rows.
func (m *Model) linear(x []float32, f []float64) {
	n := m.weights()
	for i := 0; i < len(x); i += len(m.Columns) {
		for k := range m.Outputs {
			at := k * n
			for j := range m.Columns {
				c := &m.Columns[j]
				f[i/len(m.Columns)*m.Outputs+k] += c.term(m.Weights[at:], x[i+j])
				at += c.weights()
			}
		}
	}
}

// soundLinear reports whether a model that was read has the weights it needs.
func (m *Model) soundLinear() bool {
	for _, c := range m.Columns {
		if c.Levels < 0 || c.Levels > maxLevels {
			return false
		}
	}
	return len(m.Trees) == 0 && len(m.Ordered) == 0 && m.Loss != "" && len(m.Weights) == m.Outputs*m.weights()
}

// shapLinear is SHAP for columns that are independent of each other: how far the term of a
// column is from its mean.
func (m *Model) shapLinear(row []float32) []float64 {
	w, n := len(m.Columns)+1, m.weights()
	out := make([]float64, m.Outputs*w)
	for k := range m.Outputs {
		at := k * n
		out[(k+1)*w-1] = m.Start[k]
		for j := range m.Columns {
			c := &m.Columns[j]
			size := c.weights()
			mean := m.Weights[at+size-1] // of a missing value
			out[k*w+j] = c.term(m.Weights[at:], row[j]) - mean
			out[(k+1)*w-1] += mean
			at += size
		}
	}
	return out
}

// Watch makes the model keep the predictions of other rows up to date.
func (l *Linear) Watch(t *Table, y Target) error {
	if err := l.model.Check(t.X); err != nil {
		return err
	}
	if err := y.check(t.Rows(), l.c.Classes); err != nil {
		return err
	}
	l.valid = &watched{x: t.X, y: y, n: t.Rows()}
	l.replay()
	return nil
}

func (l *Linear) replay() {
	for _, w := range []*watched{&l.train, l.valid} {
		if w != nil {
			w.f, _ = l.model.Margins(w.x)
		}
	}
}

// Round solves the problem, the first time.
func (l *Linear) Round() error {
	if l.done {
		return nil
	}
	p := newDesign(l.model.Columns, &l.train)
	outputs := l.model.Outputs
	x := make([]float64, outputs*(p.width+1))
	for k := range outputs {
		x[(k+1)*(p.width+1)-1] = l.model.Start[k]
	}
	minimise(x, l.c.Steps, func(x, gradient []float64) float64 { return l.objective(p, x, gradient) })
	for _, v := range x {
		if v != v || math.IsInf(v, 0) {
			return fmt.Errorf("trees: linear: the weights are not finite")
		}
	}
	l.model.Start, l.model.Weights = p.fold(l.model, x)
	l.done = true
	l.replay()
	return nil
}

// objective is the sum of the losses and the penalty, over the weight of all rows, with its gradient.
func (l *Linear) objective(p *design, x, gradient []float64) float64 {
	outputs, w := l.model.Outputs, p.width+1
	clear(gradient)
	sum, total := 0., 0.
	f, q := make([]float64, outputs), make([]float64, max(outputs, 2))
	y := &l.train.y
	for i := range l.train.n {
		row := p.x[i*p.width:][:p.width]
		for k := range f {
			f[k] = x[k*w+p.width]
			b := x[k*w:][:len(row)]
			for j, v := range row {
				f[k] += float64(v) * b[j]
			}
		}
		weight := y.weight(i)
		total += weight
		switch l.model.Loss {
		case "squared":
			d := f[0] - float64(y.Value[i])
			sum += weight * d * d / 2
			f[0] = weight * d
		case "logistic":
			m := f[0]
			if y.Class[i] == 1 {
				m = -m
			}
			sum += weight * (max(m, 0) + math.Log1p(math.Exp(-math.Abs(m))))
			f[0] = weight * (sigmoid(f[0]) - float64(y.Class[i]))
		default:
			shares(f, q)
			sum -= weight * math.Log(max(q[y.Class[i]], 1e-300))
			copy(f, q)
			f[y.Class[i]]--
			for k := range f {
				f[k] *= weight
			}
		}
		for k, d := range f {
			b := gradient[k*w:][:len(row)]
			for j, v := range row {
				b[j] += d * float64(v)
			}
			gradient[k*w+p.width] += d
		}
	}
	for k := range outputs {
		for j := range p.width {
			b := x[k*w+j]
			sum += l.c.L2 / 2 * b * b
			gradient[k*w+j] += l.c.L2 * b
		}
	}
	for j := range gradient {
		gradient[j] /= total
	}
	return sum / total
}

// TrainLoss is the mean loss of the training rows.
func (l *Linear) TrainLoss() float64 { return l.loss(&l.train) }

// ValidLoss is the mean loss of the rows of [Linear.Watch].
func (l *Linear) ValidLoss() float64 { return l.loss(l.valid) }

func (l *Linear) loss(w *watched) float64 {
	return losses[l.model.Loss].of(&Config{Classes: l.c.Classes}, &w.y, w.f)
}

// Margins are the outputs of the rows of [Linear.Watch].
func (l *Linear) Margins() []float64 { return l.valid.f }

// KeepBest says that the model, as it is, is the best so far: there is but one.
func (l *Linear) KeepBest() {}

// Model is what was learned so far.
func (l *Linear) Model() *Model { return l.model.Head(0) }

// Best is the same.
func (l *Linear) Best() *Model { return l.Model() }

// Save writes the model.
func (l *Linear) Save(w io.Writer) error { return write(w, &saved{Model: l.model}) }

// Load reads what Save wrote, of a model with the same settings and rows.
func (l *Linear) Load(r io.Reader) error {
	s, err := read(r)
	if err == nil {
		err = s.like(l.model)
	}
	if err != nil {
		return err
	}
	l.model = s.Model
	for _, v := range l.model.Weights {
		l.done = l.done || v != 0
	}
	l.replay()
	return nil
}
