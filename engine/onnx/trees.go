package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"

	"budwood/data"
	"budwood/trees"
)

// WriteTrees writes a model of trees, or a linear one, that learned from encoded rows of so many values, as laid out by
// [trees.LayoutOf] of their preparation p. It has the inputs and outputs of a network ([Options]): the output of a classification are
// logits, of which the second output, "probabilities", is the softmax. All trees are one node TreeEnsembleRegressor of
// the operators ai.onnx.ml; whether a category belongs to the set of a split is computed before it.
func WriteTrees(w io.Writer, m *trees.Model, p *data.Preparation, values int, o Options) error {
	l, err := trees.LayoutOf(p, values)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	if len(l) != len(m.Columns) {
		return fmt.Errorf("onnx: the model has %d columns, the data %d", len(m.Columns), len(l))
	}
	if len(m.Ordered) > 0 {
		return errors.New("onnx: ordered statistics of categories have no form in ONNX here: train with categories: optimal")
	}
	in := data.Shape{values}
	if p != nil && len(p.Raw()) > 1 {
		in = p.Raw()
	}
	g := &graph{made: map[string]string{}}
	return g.write(w, in, data.Shape{m.Predictions()}, o, func(x operand) (operand, error) {
		x.name = g.reshape(g.last(x).name, values)
		if m.Kind == "linear" {
			return operand{name: g.link(m, g.weighted(m, l, x.name, values)), shape: data.Shape{m.Predictions()}}, nil
		}
		y := g.trees(m, l, x.name)
		return operand{name: y, shape: data.Shape{m.Predictions()}}, nil
	})
}

// split of a set of categories, as a column of 0 and 1.
type membership struct {
	column  int
	words   string // of the set
	missing bool
}

// trees adds the nodes of a model, from encoded rows to logits or a value.
func (g *graph) trees(m *trees.Model, l trees.Layout, x string) string {
	var blocks []string
	width := 0
	at := make([]int, len(l)) // of the columns of numbers in what the trees get
	for _, missing := range []bool{false, true} {
		var numbers, flags []int
		for j, c := range l {
			if c.Levels == 0 && (c.Missing >= 0) == missing {
				at[j] = width + len(numbers)
				numbers, flags = append(numbers, c.At), append(flags, c.Missing)
			}
		}
		if len(numbers) == 0 {
			continue
		}
		width += len(numbers)
		v := g.apply("Gather", []string{x, g.ints(numbers...)}, attr{"axis", 1})
		if missing {
			flag := g.apply("Greater", []string{g.apply("Gather", []string{x, g.ints(flags...)}, attr{"axis", 1}), g.number(.5)})
			v = g.apply("Where", []string{flag, g.number(math.NaN()), v})
		}
		blocks = append(blocks, v)
	}
	sets := map[membership]int{}
	for j, c := range l {
		if c.Levels == 0 {
			continue
		}
		var columns [][]float32
		for _, t := range m.Trees {
			for _, n := range t.Nodes {
				if int(n.Column) != j || n.Set < 0 {
					continue
				}
				key := membership{j, fmt.Sprint(t.Sets[n.Set]), n.Missing}
				if _, ok := sets[key]; ok {
					continue
				}
				sets[key] = width + len(columns)
				column := make([]float32, c.Width) // 1: it does not go where missing values go
				for k := range column {
					if left := t.Sets[n.Set][k/64]>>(k%64)&1 != 0; left != n.Missing {
						column[k] = 1
					}
				}
				columns = append(columns, column)
			}
		}
		if len(columns) == 0 {
			continue
		}
		table := make([]float32, 0, c.Width*len(columns))
		slots := make([]int, c.Width)
		for k := range c.Width {
			slots[k] = c.At + k
			for _, column := range columns {
				table = append(table, column[k])
			}
		}
		v := g.apply("Gather", []string{x, g.ints(slots...)}, attr{"axis", 1})
		blocks = append(blocks, g.apply("MatMul", []string{v, g.floats(table, c.Width, len(columns))}))
		width += len(columns)
	}
	table := x
	if len(blocks) > 0 {
		table = g.apply("Concat", blocks, attr{"axis", 1})
	}
	return g.link(m, g.ensemble(m, table, at, sets))
}

// ensemble adds the node of all trees.
func (g *graph) ensemble(m *trees.Model, x string, at []int, sets map[membership]int) string {
	var tree, node, feature, yes, no, tracks, leafTree, leafNode, leafTarget []int
	var values, weights []float32
	var modes []string
	for i, t := range m.Trees {
		for k, n := range t.Nodes {
			tree, node = append(tree, i), append(node, k)
			if n.Column < 0 {
				modes = append(modes, "LEAF")
				feature, values, yes, no, tracks = append(feature, 0), append(values, 0), append(yes, 0), append(no, 0), append(tracks, 0)
				for j := range m.Width {
					target := j
					if m.Width == 1 {
						target = i % m.Outputs
					}
					leafTree, leafNode, leafTarget = append(leafTree, i), append(leafNode, k), append(leafTarget, target)
					v := m.Values[int(n.Value)*m.Width+j]
					if m.Kind == "forest" {
						v /= float32(len(m.Trees))
					}
					weights = append(weights, v)
				}
				continue
			}
			modes = append(modes, "BRANCH_LEQ")
			low, high, track := int(n.Left), int(n.Left)+1, 0
			if n.Set >= 0 {
				feature = append(feature, sets[membership{int(n.Column), fmt.Sprint(t.Sets[n.Set]), n.Missing}])
				values = append(values, .5)
				if !n.Missing { // 0 is where missing values go: to the right
					low, high = high, low
				}
			} else {
				feature, values = append(feature, at[n.Column]), append(values, n.At)
				if n.Missing {
					track = 1
				}
			}
			yes, no, tracks = append(yes, low), append(no, high), append(tracks, track)
		}
	}
	base := make([]float32, m.Outputs)
	for k, v := range m.Start {
		base[k] = float32(v)
	}
	if len(m.Trees) == 0 { // the operator wants a tree
		tree, node, feature, values, modes, yes, no, tracks = []int{0}, []int{0}, []int{0}, []float32{0}, []string{"LEAF"}, []int{0}, []int{0}, []int{0}
		leafTree, leafNode, leafTarget, weights = []int{0}, []int{0}, []int{0}, []float32{0}
	}
	g.ml = true
	y := g.fresh("v")
	g.nodeOf("ai.onnx.ml", "TreeEnsembleRegressor", []string{y}, []string{x},
		attr{"nodes_treeids", tree}, attr{"nodes_nodeids", node}, attr{"nodes_featureids", feature}, attr{"nodes_modes", modes}, attr{"nodes_values", values},
		attr{"nodes_truenodeids", yes}, attr{"nodes_falsenodeids", no}, attr{"nodes_missing_value_tracks_true", tracks},
		attr{"target_treeids", leafTree}, attr{"target_nodeids", leafNode}, attr{"target_ids", leafTarget}, attr{"target_weights", weights},
		attr{"base_values", base}, attr{"n_targets", m.Outputs}, attr{"post_transform", "NONE"}, attr{"aggregate_function", "SUM"})
	return y
}

// weighted adds a linear model, as weights of the encoded values.
func (g *graph) weighted(m *trees.Model, l trees.Layout, x string, values int) string {
	matrix, bias := make([]float32, values*m.Outputs), make([]float32, m.Outputs)
	at := 0
	for k := range m.Outputs {
		sum := m.Start[k]
		put := func(value int, w float64) { matrix[value*m.Outputs+k] = float32(w) }
		for _, c := range l {
			if c.Levels == 0 {
				put(c.At, m.Weights[at])
				if c.Missing >= 0 { // the number is 0 then
					put(c.Missing, m.Weights[at+1])
				}
				at += 2
				continue
			}
			missing := m.Weights[at+c.Levels] // all its values are 0
			sum += missing
			for level := range c.Levels {
				put(c.At+level, m.Weights[at+level]-missing)
			}
			at += c.Levels + 1
		}
		bias[k] = float32(sum)
	}
	return g.apply("Add", []string{g.apply("MatMul", []string{x, g.floats(matrix, values, m.Outputs)}), g.floats(bias, m.Outputs)})
}

// link turns outputs into logits, or a value.
func (g *graph) link(m *trees.Model, y string) string {
	switch {
	case m.Loss == "logistic":
		return g.apply("Concat", []string{g.apply("Mul", []string{y, g.number(0)}), y}, attr{"axis", 1})
	case m.Loss == "poisson":
		return g.apply("Exp", []string{y})
	case m.Loss == "" && m.Classes > 0: // shares of a forest, smoothed as by Model.Predict
		n := float64(len(m.Trees))
		shares := g.apply("Add", []string{g.apply("Mul", []string{y, g.number(n / (n + 1))}), g.number(1 / (n + 1) / float64(m.Classes))})
		return g.apply("Log", []string{shares})
	}
	return y
}
