package trees

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
)

// ForestConfig are the settings of a [Forest]. The zero value is a random forest with the defaults that the fields
// name.
type ForestConfig struct {
	Classes int     // 0: regression
	Extra   bool    // extremely randomised trees: of all rows, each split at a threshold that is drawn
	Depth   int     // most splits above a leaf; 0 means no limit
	MinLeaf float64 // least weight of the rows of a leaf; 0 means 1
	Columns float64 // share of the columns that are tried for a split; 0 means √columns with classes, else all
	Bins    int     // most bins of a column; 0 means 255
	Seed    uint64
}

// Forest is a random forest (Breiman 2001), each tree grown from a bootstrap sample, or extremely randomised
// trees (Geurts, Ernst & Wehenkel 2006), whose thresholds are drawn among the bins of the node. [Forest.Round] grows one
// more tree; predictions are the mean of all. After [Forest.Load] it goes on with the same bits.
type Forest struct {
	c     ForestConfig
	bins  *binned
	train watched
	valid *watched
	model *Model
	best  int
	grow  *forester
}

// NewForest is a forest without a tree.
func NewForest(c ForestConfig, t *Table, y Target) (*Forest, error) {
	err := t.check()
	if err == nil {
		err = y.check(t.Rows(), c.Classes)
	}
	if c.Depth == 0 {
		c.Depth = maxDepth
	}
	if c.Bins == 0 {
		c.Bins = maxBins
	}
	if c.MinLeaf == 0 {
		c.MinLeaf = 1
	}
	if c.Columns == 0 {
		if c.Columns = 1; c.Classes > 0 {
			c.Columns = math.Sqrt(float64(len(t.Columns))) / float64(len(t.Columns))
		}
	}
	switch {
	case err != nil:
		return nil, err
	case c.Depth < 1 || c.Depth > maxDepth || c.Bins < 2 || c.Bins > maxBins || !(c.MinLeaf >= 0) || !(c.Columns > 0 && c.Columns <= 1) || c.Classes < 0:
		return nil, fmt.Errorf("trees: forest: depth %d, bins %d, least weight of a leaf %v or share of the columns %v is out of range", c.Depth, c.Bins, c.MinLeaf, c.Columns)
	}
	outputs := max(c.Classes, 1)
	f := &Forest{c: c, bins: fitBins(t, c.Bins), train: watched{x: t.X, y: y, n: t.Rows()}}
	f.model = &Model{Kind: "forest", Classes: c.Classes, Columns: t.Columns, Outputs: outputs, Width: outputs, Start: make([]float64, outputs)}
	f.grow = newForester(c, f.bins, &f.train.y)
	f.replay(&f.train)
	return f, nil
}

// Watch makes the forest keep the predictions of other rows up to date.
func (f *Forest) Watch(t *Table, y Target) error {
	if err := f.model.Check(t.X); err != nil {
		return err
	}
	if err := y.check(t.Rows(), f.c.Classes); err != nil {
		return err
	}
	f.valid = &watched{x: t.X, y: y, n: t.Rows()}
	f.replay(f.valid)
	return nil
}

// replay makes the sums of the trees anew.
func (f *Forest) replay(w *watched) {
	w.f = make([]float64, w.n*f.model.Outputs)
	for i := range f.model.Trees {
		f.add(w, &f.model.Trees[i])
	}
}

// add adds what a tree says.
func (f *Forest) add(w *watched, t *Tree) {
	columns, width := len(f.model.Columns), f.model.Width
	for i := range w.n {
		v := f.model.Values[int(t.find(w.x[i*columns:]).Value)*width:][:width]
		for k, v := range v {
			w.f[i*width+k] += float64(v)
		}
	}
}

// Round grows a tree.
func (f *Forest) Round() error {
	m := f.model
	r := rand.New(rand.NewPCG(f.c.Seed, uint64(len(m.Trees))))
	t := f.grow.tree(r, &m.Values, f.train.n)
	m.Trees = append(m.Trees, *t)
	f.add(&f.train, t)
	if f.valid != nil {
		f.add(f.valid, t)
	}
	return nil
}

// TrainLoss is the mean loss of the training rows: cross-entropy or squared error.
func (f *Forest) TrainLoss() float64 { return f.loss(&f.train) }

// ValidLoss is the mean loss of the rows of [Forest.Watch].
func (f *Forest) ValidLoss() float64 { return f.loss(f.valid) }

func (f *Forest) loss(w *watched) float64 {
	n := float64(max(len(f.model.Trees), 1))
	return w.y.mean(w.n, func(i int) float64 {
		if f.c.Classes == 0 {
			d := w.f[i]/n - float64(w.y.Value[i])
			return d * d
		}
		return -math.Log((w.f[i*f.c.Classes+int(w.y.Class[i])] + 1/float64(f.c.Classes)) / (n + 1)) // as by smooth
	})
}

// Margins are the shares of the classes, or the values, of the rows of [Forest.Watch].
func (f *Forest) Margins() []float64 {
	out := slices.Clone(f.valid.f)
	for i := range out {
		out[i] /= float64(max(len(f.model.Trees), 1))
	}
	return out
}

// KeepBest says that the model, as it is, is the best so far.
func (f *Forest) KeepBest() { f.best = len(f.model.Trees) }

// Model is what was learned so far.
func (f *Forest) Model() *Model { return f.model.Head(f.model.Rounds()) }

// Best is the model as it was at the last [Forest.KeepBest], or as it is if there was none.
func (f *Forest) Best() *Model {
	if f.best == 0 {
		return f.Model()
	}
	return f.model.Head(f.best)
}

// Save writes the model and which trees of it were the best.
func (f *Forest) Save(w io.Writer) error { return write(w, &saved{Model: f.model, Best: f.best}) }

// Load reads what Save wrote, of a forest with the same settings and rows.
func (f *Forest) Load(r io.Reader) error {
	s, err := read(r)
	if err == nil {
		err = s.like(f.model)
	}
	if err != nil {
		return err
	}
	f.model, f.best = s.Model, s.Best
	f.replay(&f.train)
	if f.valid != nil {
		f.replay(f.valid)
	}
	return nil
}
