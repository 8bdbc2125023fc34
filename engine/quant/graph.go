package quant

import (
	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
)

// graph is the steps of a network and the values between them.
type graph struct {
	values []value
	steps  []*step
	result int // the value that is the output
}

// form is how a value is made.
type form int

const (
	either form = iota // codes if anybody reads them, else floats: of a Dense
	codes
	floats
)

// value is what a step makes. Value 0 is the input.
type value struct {
	shape    data.Shape
	view     int  // the value of which it is another shape; -1: none
	group    int  // the first of the values that have the same codes
	native   form // never either once the graph is whole
	coded    bool // somebody reads codes
	floating bool // somebody reads floats
	codes    kernel.Codes
}

// kind is what a step does.
type kind int

const (
	floatStep kind = iota // any layer, in float32
	denseStep
	convStep
	sumStep
	concatStep
	maxStep
	meanStep
)

// step is one operation.
type step struct {
	kind  kind
	name  string // path and layer
	path  string // of its tensors
	in    []int
	out   int
	relu  bool
	layer engine.Layer // of a float step and of products

	net *engine.Net // of a float step

	w *weights // of products
	g geometry // of convolutions and pools

	scale []float32 // of sums of products and of means, for each output channel; of the values of a sum of branches
	work  workspace
}

// run computes a step that is not one in float32.
func (s *step) run(n *Net, rows int) {
	switch s.kind {
	case denseStep:
		s.dense(n, rows)
	case convStep:
		s.conv(n, rows)
	case sumStep:
		s.sum(n, rows)
	case concatStep:
		s.concat(n, rows)
	case maxStep:
		s.max(n, rows)
	case meanStep:
		s.mean(n, rows)
	}
}

// geometry is that of a convolution or a pool over {height, width, channels}; sequences
// have the height 1.
type geometry struct {
	h, w, c    int // in
	oh, ow, oc int // out
	kh, kw     int
	strideH    int
	strideW    int
	dilation   int // of the width; above 1 the taps of a row do not touch
	top, left  int // zeros before
	ph, pw     int // with zeros
	groups     int
}

// workspace is what a step needs beside its values.
type workspace struct {
	frame   []uint8 // an image with its zeros
	product kernel.ByteProduct
	tiled   []float32 // scales of some pixels
	codes   []uint8   // of whole panels
}
