package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// rounded are the operands of a convolution's products in a number format, where
// the products do not round them by themselves: the weights, and the gradient of
// one sample out.
type rounded struct {
	format  kernel.Format
	w       *plan.Param
	operand *plan.Block // weights in the format; nil if that is float32, or no product needs them
	slope   *plan.Block // gradient in the format; likewise
}

// round brings the weights to the format, for one pass.
func (r *rounded) round() {
	if r.operand != nil {
		kernel.Round(r.operand.Floats, r.w.W, r.format)
	}
}

// taps are the weights as an operand of products.
func (r *rounded) taps() []float32 {
	if r.operand == nil {
		return r.w.W
	}
	return r.operand.Floats
}

// sloped is the gradient of one sample out as an operand of products.
func (r *rounded) sloped(dy []float32) []float32 {
	if r.slope == nil {
		return dy
	}
	kernel.Round(r.slope.Floats, dy, r.format)
	return r.slope.Floats
}
