package trees

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// Booster is gradient boosting (Friedman 2001) with second derivatives (Chen & Guestrin 2016)
// over histograms: [Booster.Round] grows one more tree for each output. What it has learned so far is
// [Booster.Model]. After [Booster.Load] of what [Booster.Save] wrote it goes on with the same bits.
type Booster struct {
	c     Config
	loss  loss
	train watched
	valid *watched
	model *Model
	best  int // rounds of the best model so far; 0: all
	grow  *grower
	rows  []int32 // all of them
}

// watched are rows with their predictions so far.
type watched struct {
	x     []float32 // encoded
	y     Target
	packs [][]uint32
	f     []float64 // margins, row-major
	p     []float64 // softmax: probabilities before the round
	n     int
}

// NewBooster is a booster without a tree.
func NewBooster(c Config, t *Table, y Target) (*Booster, error) {
	c, err := c.complete()
	if err == nil {
		err = t.check()
	}
	if err == nil {
		err = y.check(t.Rows(), c.Classes)
	}
	if err != nil {
		return nil, err
	}
	b := &Booster{c: c, loss: losses[c.Loss]}
	for _, col := range t.Columns {
		if col.Monotone == 0 {
			continue
		}
		if b.c.outputs() > 1 || b.loss.quantile != nil {
			return nil, fmt.Errorf("trees: column %q: monotone columns do not go with the loss %s", col.Name, c.Loss)
		}
	}
	if c.Loss == "poisson" {
		for i, v := range y.Value {
			if v < 0 {
				return nil, fmt.Errorf("trees: the target of row %d is %v; the loss poisson is for counts from 0 on", i, v)
			}
		}
	}
	n := t.Rows()
	b.model = &Model{Kind: "boosting", Loss: c.Loss, Classes: c.Classes, Columns: t.Columns, Outputs: c.outputs(), Width: 1,
		Start: make([]float64, c.outputs())}
	if !c.FromZero {
		b.model.Start = b.loss.start(&b.c, &y, n)
	}
	learned := t
	if c.Categories == "ordered" {
		learned = b.model.fitOrdered(t, &y, c)
	}
	bins := fitBins(learned, c.Bins)
	b.train = watched{x: learned.X, y: y, packs: bins.packs, n: n}
	b.rows = make([]int32, n)
	for i := range b.rows {
		b.rows[i] = int32(i)
	}
	b.grow = &grower{Config: c, binned: bins, use: make([]bool, len(bins.columns)), grads: make([]grad, n), ordered: make([]grad, n)}
	for _, col := range learned.Columns {
		b.grow.monotone = b.grow.monotone || col.Monotone != 0
	}
	b.restart()
	return b, nil
}

// Watch makes the booster keep the predictions of other rows up to date, for [Booster.ValidLoss].
func (b *Booster) Watch(t *Table, y Target) error {
	if err := b.model.Check(t.X); err != nil {
		return err
	}
	if err := y.check(t.Rows(), b.c.Classes); err != nil {
		return err
	}
	n := t.Rows()
	x := b.model.encoded(t.X)
	b.valid = &watched{x: x, y: y, n: n, packs: b.grow.sort(&Table{Columns: b.model.encodedColumns(), X: x})}
	b.replay(b.valid)
	b.restart()
	return nil
}

// restart makes the predictions those of the model, and room for growing.
func (b *Booster) restart() {
	b.replay(&b.train)
	b.grow.parts = []*part{{packs: b.train.packs, spare: make([]int32, b.train.n)}, {packs: b.train.packs, spare: make([]int32, b.train.n)}}
	if b.valid != nil {
		b.replay(b.valid)
		b.grow.parts = append(b.grow.parts, &part{packs: b.valid.packs, spare: make([]int32, b.valid.n)})
	}
}

// replay makes predictions anew: the sums of leaves in the order in which they were added.
func (b *Booster) replay(w *watched) {
	outputs := b.model.Outputs
	w.f = make([]float64, w.n*outputs)
	for i := range w.n {
		copy(w.f[i*outputs:], b.model.Start)
	}
	if len(b.model.Trees) > 0 {
		b.model.flatten().add(w.x, w.f)
	}
}

// Round grows a tree for each output.
func (b *Booster) Round() error {
	m, g := b.model, b.grow
	f := b.train.f
	if m.Outputs > 1 { // all trees of the round start from the same predictions
		if b.train.p == nil {
			b.train.p = make([]float64, len(f))
		}
		f = b.train.p
		for i := range b.train.n {
			shares(b.train.f[i*m.Outputs:][:m.Outputs], f[i*m.Outputs:][:m.Outputs])
		}
	}
	for k := range m.Outputs {
		b.loss.derive(&b.c, &b.train.y, f, k, g.grads)
		for _, p := range g.grads {
			if s := p.g + p.h; s != s || math.IsInf(float64(s), 0) {
				return fmt.Errorf("trees: round %d: the loss has no finite derivative", m.Rounds()+1)
			}
		}
		exact(g.grads)
		b.sample(rand.New(rand.NewPCG(b.c.Seed, uint64(len(m.Trees)))))
		t, leaves := g.grow()
		for _, p := range leaves {
			b.finish(t, p, k)
		}
		m.Trees = append(m.Trees, *t)
	}
	m.flat = nil
	return nil
}

// sample draws the rows and the columns of the next tree.
func (b *Booster) sample(r *rand.Rand) {
	in, out := b.grow.parts[0], b.grow.parts[1]
	in.rows, out.rows = in.rows[:0], out.rows[:0]
	if b.c.Rows < 1 {
		for _, i := range b.rows {
			if r.Float64() < b.c.Rows {
				in.rows = append(in.rows, i)
			} else {
				out.rows = append(out.rows, i)
			}
		}
	}
	if len(in.rows) == 0 { // all, or there are so few that none was drawn
		in.rows, out.rows = append(in.rows, b.rows...), out.rows[:0]
	}
	if b.valid != nil {
		v := b.grow.parts[2]
		v.rows = v.rows[:0]
		for i := range b.valid.n {
			v.rows = append(v.rows, int32(i))
		}
	}
	use := b.grow.use
	for j := range use {
		use[j] = b.c.Columns >= 1
	}
	if b.c.Columns < 1 {
		for _, j := range r.Perm(len(use))[:max(int(b.c.Columns*float64(len(use))+.5), 1)] {
			use[j] = true
		}
	}
}

// finish gives a leaf its value, and adds it to the predictions of the rows that came there.
func (b *Booster) finish(t *Tree, p *place, output int) {
	value := b.grow.clamp(p, b.grow.value(p.total))
	if b.loss.quantile != nil {
		s := p.spans[0]
		rows := b.grow.parts[0].rows[s.lo:s.hi]
		residuals := make([]float64, len(rows))
		for i, r := range rows {
			residuals[i] = float64(b.train.y.Value[r]) - b.train.f[r]
		}
		value = atQuantile(b.loss.quantile(&b.c), residuals, func(i int) float64 { return b.train.y.weight(int(rows[i])) })
	}
	leaf := float32(value * b.c.Rate)
	t.Nodes[p.node].Value = int32(len(b.model.Values))
	b.model.Values = append(b.model.Values, leaf)
	for i, part := range b.grow.parts {
		f := b.train.f
		if i == 2 {
			f = b.valid.f
		}
		s := p.spans[i]
		for _, r := range part.rows[s.lo:s.hi] {
			f[int(r)*b.model.Outputs+output] += float64(leaf)
		}
	}
}

// TrainLoss is the mean loss of the training rows. Squared errors are not halved.
func (b *Booster) TrainLoss() float64 { return b.loss.of(&b.c, &b.train.y, b.train.f) }

// ValidLoss is the mean loss of the rows of [Booster.Watch].
func (b *Booster) ValidLoss() float64 { return b.loss.of(&b.c, &b.valid.y, b.valid.f) }

// Margins are the outputs of the rows of [Booster.Watch], before the link, row-major. The
// caller must not change them; the next round does.
func (b *Booster) Margins() []float64 { return b.valid.f }

// KeepBest says that the model, as it is, is the best so far.
func (b *Booster) KeepBest() { b.best = b.model.Rounds() }

// Model is what was learned so far.
func (b *Booster) Model() *Model { return b.model.Head(b.model.Rounds()) }

// Best is the model as it was at the last [Booster.KeepBest], or as it is if there was none.
func (b *Booster) Best() *Model {
	if b.best == 0 {
		return b.Model()
	}
	return b.model.Head(b.best)
}

// Save writes the model and which rounds of it were the best.
func (b *Booster) Save(w io.Writer) error {
	return write(w, &saved{Model: b.model, Best: b.best})
}

// Load reads what Save wrote, of a booster with the same settings and rows.
func (b *Booster) Load(r io.Reader) error {
	s, err := read(r)
	if err != nil {
		return err
	}
	if err := s.like(b.model); err != nil {
		return err
	}
	b.model, b.best = s.Model, s.Best
	b.restart()
	return nil
}

// Fit boosts until the loss of other rows has not fallen for patience rounds, at most so many; the
// model is that of the best round. Without other rows (an empty table) it is that of the last one.
func Fit(c Config, t *Table, y Target, valid *Table, validTarget Target, rounds, patience int) (*Model, error) {
	b, err := NewBooster(c, t, y)
	if err != nil {
		return nil, err
	}
	if valid != nil {
		if err := b.Watch(valid, validTarget); err != nil {
			return nil, err
		}
	}
	best, since := math.Inf(1), 0
	for range rounds {
		if err := b.Round(); err != nil {
			return nil, err
		}
		if valid == nil {
			continue
		}
		since++
		if l := b.ValidLoss(); l < best {
			best, since = l, 0
			b.KeepBest()
		}
		if patience > 0 && since >= patience {
			break
		}
	}
	return b.Best(), nil
}
