package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Transformer is one transformer block over {steps, features}: attention, then
// two linear layers on each step with an activation between, each around a
// residual connection with layer normalisation (Vaswani et al. 2017). The norm
// stands before each of the two (Xiong et al. 2020), which trains without
// warm-up; with PostNorm it stands behind the sum, as in the original paper and
// in PyTorch's TransformerEncoderLayer. A causal block is the decoder of a
// language model. Blocks before the head of a pre-norm network want a
// [LayerNorm] behind the last.
type Transformer struct {
	Heads      int     // divides the features; 0 means 1
	Hidden     int     // width between the two linear layers; 0 means 4·features
	Activation Layer   // between them; nil means GELU{}
	Causal     bool    // a step sees itself and the steps before it alone
	PostNorm   bool    // x = norm(x + f(x)) instead of x = x + f(norm(x))
	Dropout    float64 // of what the two halves add, in training
	Eps        float64 // ε of the norms; 0 means 1e-5
}

// Infer gives the input shape.
func (t Transformer) Infer(in data.Shape) (data.Shape, error) {
	if err := sequence(t, in); err != nil {
		return nil, err
	}
	if err := sized(t, "hidden width", t.Hidden, 0); err != nil {
		return nil, err
	}
	out, err := t.Layers(in[1]).Infer(in)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", t, err)
	}
	if !out.Equal(in) {
		return nil, fmt.Errorf("%v: the activation makes %v of %v", t, out, in)
	}
	return out, nil
}

// String is Transformer(heads Heads).
func (t Transformer) String() string {
	s := fmt.Sprintf("Transformer(heads %d", max(t.Heads, 1))
	if t.Causal {
		s += ", causal"
	}
	if t.PostNorm {
		s += ", post-norm"
	}
	s += describeEps(", ", t.Eps, "")
	return s + ")"
}

// Layers writes the block, for steps of so many features, in other layers.
func (t Transformer) Layers(features int) Seq {
	hidden := t.Hidden
	if hidden == 0 {
		hidden = min(4*features, maxDim)
	}
	act := t.Activation
	if act == nil {
		act = GELU{}
	}
	attend := Seq{Attention{Heads: t.Heads, Causal: t.Causal}}
	mlp := Seq{Dense{Out: hidden, PerStep: true}, act, Dense{Out: features, PerStep: true}}
	if t.Dropout != 0 {
		attend, mlp = append(attend, Dropout{P: t.Dropout}), append(mlp, Dropout{P: t.Dropout})
	}
	norm := LayerNorm{Eps: t.Eps}
	if t.PostNorm {
		return Seq{Residual{attend}, norm, Residual{mlp}, norm}
	}
	return Seq{Residual{append(Seq{norm}, attend...)}, Residual{append(Seq{norm}, mlp...)}}
}

func (t Transformer) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	b.Layer(t, x.Shape, 0)
	return t.Layers(x.Shape[1]).build(b, x)
}
