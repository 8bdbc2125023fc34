package trees

import (
	"fmt"
	"sync"
)

// Model is what was learned: trees whose leaves are added up. Whoever has one must not
// change it.
type Model struct {
	Kind    string // "boosting", "forest" or "linear"
	Loss    string // of boosting: see Losses; it says how outputs become predictions. Forests predict shares of classes, or values
	Classes int    // 0: regression
	Columns []Column

	Outputs int       // of a row: margins of boosting, or shares of classes or a value
	Width   int       // values of a leaf: 1, of output number (tree modulo Outputs); or Outputs
	Start   []float64 // by output: what is predicted without a tree
	Trees   []Tree
	Values  []float32 // of the leaves of all trees, Width each

	Ordered []Ordered // statistics that stand for columns of categories
	Weights []float64 // linear: see Linear

	once sync.Once
	flat *flat
}

// Check reports whether rows of some values can be predicted.
func (m *Model) Check(x []float32) error {
	if n := len(m.Columns); n == 0 || len(x)%n != 0 {
		return fmt.Errorf("trees: %d values are no whole rows of %d columns", len(x), n)
	}
	return nil
}

// Predictions is the number of values that [Model.Predict] makes of a row: one for each class, or one.
func (m *Model) Predictions() int { return max(m.Classes, 1) }

// Predict predicts rows: for each the probabilities of the classes, or a value. x is row-major, as
// in [Table].
func (m *Model) Predict(x []float32) ([]float64, error) {
	f, err := m.Margins(x)
	if err != nil {
		return nil, err
	}
	n := len(f) / m.Outputs
	out, w := make([]float64, n*m.Predictions()), m.Predictions()
	link := m.link()
	for i := range n {
		link(f[i*m.Outputs:][:m.Outputs], out[i*w:][:w])
	}
	return out, nil
}

// link turns the outputs of a row into what is predicted.
func (m *Model) link() func(f, out []float64) {
	if m.Loss != "" {
		return losses[m.Loss].link
	}
	return func(f, out []float64) {
		copy(out, f)
		if m.Classes > 0 {
			smooth(out, len(m.Trees))
		}
	}
}

// smooth makes shares of classes that some trees agree on probabilities, as if one more tree knew nothing: no class is
// impossible.
func smooth(shares []float64, trees int) {
	for k, v := range shares {
		shares[k] = (v*float64(trees) + 1/float64(len(shares))) / float64(trees+1)
	}
}

// Margins are the outputs of rows before the link, row-major.
func (m *Model) Margins(x []float32) ([]float64, error) {
	if err := m.Check(x); err != nil {
		return nil, err
	}
	n := len(x) / len(m.Columns)
	f := make([]float64, n*m.Outputs)
	for i := range n {
		copy(f[i*m.Outputs:], m.Start)
	}
	if m.Kind == "linear" {
		m.linear(x, f)
		return f, nil
	}
	m.once.Do(func() { m.flat = m.flatten() })
	m.flat.add(m.encoded(x), f)
	if m.Kind == "forest" {
		for i := range f {
			f[i] /= float64(max(len(m.Trees), 1))
		}
	}
	return f, nil
}

// Rounds is the number of rounds that were trained: a tree for each output in each.
func (m *Model) Rounds() int {
	if m.Width == 1 {
		return len(m.Trees) / max(m.Outputs, 1)
	}
	return len(m.Trees)
}

// Head is the model of the first rounds. It shares their trees.
func (m *Model) Head(rounds int) *Model {
	per := 1
	if m.Width == 1 {
		per = m.Outputs
	}
	return &Model{Kind: m.Kind, Loss: m.Loss, Classes: m.Classes, Columns: m.Columns, Outputs: m.Outputs, Width: m.Width,
		Start: m.Start, Trees: m.Trees[:min(per*rounds, len(m.Trees))], Values: m.Values, Ordered: m.Ordered, Weights: m.Weights}
}

// Leaves is the number of leaves of all trees.
func (m *Model) Leaves() (n int) {
	for _, t := range m.Trees {
		n += (len(t.Nodes) + 1) / 2
	}
	return n
}

// Splits is the number of splits that a row passes, of all trees, at most.
func (m *Model) Splits() (n int) {
	for i := range m.Trees {
		n += m.Trees[i].depth()
	}
	return n
}
