package compress

import (
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// Fold is the network for inference without the batch norms that stand right behind a
// Dense, Conv or Conv1D (or a Dropout behind that): with a = γ/√(σ² + ε) the weights
// are W·a and the bias (b − μ)·a + β. It computes what n computes in inference, up to
// rounding; trained further, it would be another network. Other batch norms stay.
func Fold(n *engine.Net) (*engine.Net, error) {
	b, err := fold(n)
	if err != nil {
		return nil, err
	}
	return b.compile(n)
}

// FoldedLayers is what the network of [Fold] consists of, without that network: layers,
// and tensors by their names in them.
func FoldedLayers(n *engine.Net) (engine.Layer, map[string][]float32, error) {
	b, err := fold(n)
	return b.layer, b.tensors, err
}

func fold(n *engine.Net) (built, error) {
	out, err := rewrite(func(s engine.Seq, ts []map[string][]float32, _ data.Shape) (int, []built) {
		p, ok := productOf(s[0])
		if !ok {
			return 0, nil
		}
		at := 1
		for at < len(s) {
			if _, drop := s[at].(engine.Dropout); !drop {
				break
			}
			at++
		}
		if at == len(s) {
			return 0, nil
		}
		norm, ok := s[at].(engine.BatchNorm)
		if !ok {
			return 0, nil
		}
		w, b := folded(ts[0]["weight"], ts[0]["bias"], ts[at], norm.Eps)
		p.noBias = false
		parts := []built{{p.like(s[0]), map[string][]float32{"weight": w, "bias": b}}}
		for i := 1; i < at; i++ {
			parts = append(parts, built{layer: s[i]})
		}
		return at + 1, parts
	}).of(n)
	if err != nil {
		return built{}, fmt.Errorf("fold batch norms: %w", err)
	}
	return out, nil
}

// folded is weights and bias with the batch norm behind them taken in. They end in the
// axis of the outputs; b may be nil.
func folded(w, b []float32, norm map[string][]float32, eps float64) (weights, bias []float32) {
	weights, bias = slices.Clone(w), make([]float32, len(norm["bias"]))
	copy(bias, b)
	engine.FoldNorm(weights, bias, norm["weight"], norm["bias"], norm["running_mean"], norm["running_var"], eps)
	return weights, bias
}
