package compress

import (
	"slices"

	"budwood/data"
)

// value is what runs between two layers of the network before the cut.
type value struct {
	shape data.Shape
	el    []int // of each place on the last axis, the element that it belongs to
	// rest is what is left at each place on the last axis, if its element is cut: the
	// constant that a masked channel has there.
	rest []float32
}

// flat is a value as a single axis.
func (v value) flat() value {
	n := v.shape.Size() / len(v.el)
	return value{data.Shape{v.shape.Size()}, slices.Repeat(v.el, n), slices.Repeat(v.rest, n)}
}

// as is the same channels in another shape.
func (v value) as(shape data.Shape) value { return value{shape, v.el, v.rest} }

// made is what a layer makes of elements: nothing is left of those that are cut.
func made(shape data.Shape, el []int) value { return value{shape, el, make([]float32, len(el))} }

// channels is the size of the last axis.
func channels(s data.Shape) int { return s[len(s)-1] }
