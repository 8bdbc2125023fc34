package engine

import (
	"math"

	"budwood/data"

	"budwood/engine/internal/plan"
)

// FoldNorm takes a batch norm, in its inference form, into the weights and the bias of
// the layer before it, in place: with a = γ/√(σ² + ε) they become W·a and (b − μ)·a + β.
// The weights end in the axis of the outputs, of which all others have a value each. eps is
// ε, 0 the default.
func FoldNorm(weights, bias, gamma, beta, mean, variance []float32, eps float64) {
	eps = Eps(eps)
	for i := range bias {
		a := float64(gamma[i]) / math.Sqrt(float64(variance[i])+eps)
		bias[i] = float32(float64(beta[i]) + (float64(bias[i])-float64(mean[i]))*a)
		for j := i; j < len(weights); j += len(bias) {
			weights[j] = float32(float64(weights[j]) * a)
		}
	}
}

// absorbed is what a layer with weights computes of those behind it in inference.
type absorbed struct {
	layers int     // how many
	norm   *normOf // of the first of them that is no Dropout; or nil
	relu   bool
	pool   bool // the maximum of 2×2 windows of an image
}

// normOf is the tensors of a batch norm.
type normOf struct {
	gamma, beta, mean, variance *plan.Param
	eps                         float64
}

// absorb finds out what can be computed along with a layer whose output has this shape:
// batch norm, ReLU, and, if the layer can, a maximum of windows. Dropout does nothing.
func absorb(b *plan.Builder, next []Layer, shape data.Shape, pool bool) (a absorbed) {
	for i, l := range next {
		switch l := l.(type) {
		case Dropout:
			continue // taken along if something behind it is
		case BatchNorm:
			if a.norm != nil || a.relu {
				return a
			}
			a.norm = &normOf{eps: l.Eps}
			c := shape[len(shape)-1]
			b.Behind(i+1, func() {
				a.norm.gamma, a.norm.beta = b.Param("weight", ones, c), b.Param("bias", zeros, c)
				a.norm.mean, a.norm.variance = b.Stat("running_mean", zeros, c), b.Stat("running_var", ones, c)
			})
		case ReLU:
			a.relu = true
		default:
			if a.pool = pool && pools(next[i:], shape); a.pool {
				a.layers = i + 1
			}
			return a
		}
		a.layers = i + 1
	}
	return a
}

// biased makes the bias that a layer with a norm behind it has in inference, even if it
// has none otherwise.
func (a *absorbed) biased(b *plan.Builder, own *plan.Param, out int) *plan.Param {
	if a.norm == nil || own != nil {
		return own
	}
	p := b.Param("bias", zeros, out)
	p.Name = "" // the network has none
	return p
}

// fold takes the norm in.
func (a *absorbed) fold(w, b *plan.Param) {
	if n := a.norm; n != nil {
		FoldNorm(w.W, b.W, n.gamma.W, n.beta.W, n.mean.W, n.variance.W, n.eps)
	}
}

// folder is an op that takes a norm in, once the tensors are there.
type folder interface{ fold() }
