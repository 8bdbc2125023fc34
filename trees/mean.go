package trees

import (
	"fmt"
	"reflect"
)

// Mean is one model whose outputs (before the link) are the mean of those of several of the same kind and the same
// columns: of a cross-validation, one for each fold. Forests count by their trees.
func Mean(models ...*Model) (*Model, error) {
	if len(models) == 0 {
		return nil, fmt.Errorf("trees: the mean of no models")
	}
	first := models[0]
	if len(models) == 1 {
		return first, nil
	}
	out := first.Head(0)
	out.Trees, out.Values, out.Weights, out.Start = nil, nil, make([]float64, len(first.Weights)), make([]float64, first.Outputs)
	n := float64(len(models))
	for _, m := range models {
		if m.Kind != first.Kind || m.Loss != first.Loss || m.Outputs != first.Outputs || !reflect.DeepEqual(m.Columns, first.Columns) || m.Ordered != nil {
			return nil, fmt.Errorf("trees: the models are of different kinds or columns, or have ordered statistics of their own: they have no mean")
		}
		for k, v := range m.Start {
			out.Start[k] += v / n
		}
		for k, v := range m.Weights {
			out.Weights[k] += v / n
		}
		at := int32(len(out.Values) / max(m.Width, 1))
		for _, t := range m.Trees {
			nodes := append([]Node(nil), t.Nodes...)
			for i := range nodes {
				if nodes[i].leaf() {
					nodes[i].Value += at
				}
			}
			out.Trees = append(out.Trees, Tree{nodes, t.Sets})
		}
		for _, v := range m.Values {
			if m.Kind == "boosting" {
				v = float32(float64(v) / n)
			}
			out.Values = append(out.Values, v)
		}
	}
	return out, nil
}
