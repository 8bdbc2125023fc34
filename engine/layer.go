package engine

import (
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Layer is a description of a part of a network: output sizes are written,
// input sizes inferred. The set of layers is closed; they are plain structs
// whose zero fields mean documented defaults.
type Layer interface {
	// Infer is the output shape for an input shape, or an error that names the
	// layer and the shape.
	Infer(in data.Shape) (data.Shape, error)
	// String is the layer's name with its sizes: "Conv(16, 3×3)".
	String() string

	build(b *plan.Builder, x plan.Tensor) plan.Tensor // for a shape that Infer accepted
}

// Cost is what a network costs for one sample, known before anything is
// allocated. A number too large for an int64 stops there.
type Cost struct {
	Params      int64 // trained numbers
	MACs        int64 // multiply-accumulates of dense layers and convolutions, forward
	Activations int64 // floats that forward keeps for backward, without the input
}

// Measure infers the output shape of a network and what it costs. The error
// names the layer and the shapes that do not fit.
func Measure(l Layer, in data.Shape) (out data.Shape, c Cost, err error) {
	if out, err = fitting(l, in); err != nil {
		return nil, Cost{}, err
	}
	plan.Outline(in, 1, F32.format(), false, l.build, func(b *plan.Builder, _ plan.Tensor) { c = Cost(b.Cost()) })
	return out, c, nil
}

// fitting is the output shape of a network that can be planned.
func fitting(l Layer, in data.Shape) (out data.Shape, err error) {
	if l == nil {
		return nil, fmt.Errorf("network: no layers")
	}
	if in.Size() == 0 {
		return nil, fmt.Errorf("network: input shape %v has no values", in)
	}
	if slices.Max(in) > maxDim {
		return nil, fmt.Errorf("network: input shape %v is larger than %d", in, maxDim)
	}
	return l.Infer(in)
}

// maxDim bounds every size that a description can ask for, so that sizes
// cannot overflow one by one.
const maxDim = 1 << 24

// The checks below are generic so that a layer that passes is not copied to the
// heap: architecture search infers shapes by the million.

// sized checks a size written in a description.
func sized[L Layer](l L, what string, n, least int) error {
	if n < least || n > maxDim {
		return fmt.Errorf("%v: %s %d is outside [%d, %d]", l, what, n, least, maxDim)
	}
	return nil
}

// image checks that a shape is {height, width, channels}.
func image[L Layer](l L, in data.Shape) error {
	if len(in) != 3 || in.Size() == 0 {
		return fmt.Errorf("%v: needs height×width×channels, got %v", l, in)
	}
	return nil
}

// sequence checks that a shape is {steps, features}.
func sequence[L Layer](l L, in data.Shape) error {
	if len(in) != 2 || in.Size() == 0 {
		return fmt.Errorf("%v: needs steps×features, got %v", l, in)
	}
	return nil
}

// spread checks that a shape has steps or pixels.
func spread[L Layer](l L, in data.Shape) error {
	if len(in) != 2 && len(in) != 3 || in.Size() == 0 {
		return fmt.Errorf("%v: needs steps×features or height×width×channels, got %v", l, in)
	}
	return nil
}

// values checks that a shape has values.
func values[L Layer](l L, in data.Shape) error {
	if in.Size() == 0 {
		return fmt.Errorf("%v: input shape %v has no values", l, in)
	}
	return nil
}

// title is the name of a layer in the summary, where that is not its String: of
// what has rows of its own below it.
type title string

func (t title) String() string { return string(t) }
