package engine

import (
	"math/rand/v2"

	"budwood/data"
)

// tensor is a value of the network while it is built: rows × shape, and its
// gradient.
type tensor struct {
	shape data.Shape
	data  *block
	grad  *block // nil: nothing before it is trained
	need  need   // what the op that made it reads of data in backward
	// maker is the op that made it, if that op leaves its gradient to the only
	// layer that reads it, as a convolution before a batch norm does; else nil.
	maker op
}

// need says what of an op's output must survive until its backward pass.
type need int

const (
	needNothing need = iota
	needSign         // whether each value is above 0
	needValues
)

// pass is one run through the plan.
type pass struct {
	rows  int
	train bool
	key   uint64  // of this step's random choices
	share float32 // of this batch in running statistics; 0: as in training
}

// op is one step of the plan. Forward reads the inputs' data and writes the
// outputs'. Backward reads the outputs' gradient, which it may overwrite, and
// writes (does not add to) the gradients of inputs and parameters.
type op interface {
	Bind() // takes slices of the arena, once it exists
	Forward(pass)
	Backward(pass)
}

// param is a trained tensor, a running statistic or a table.
type param struct {
	name  string
	owner int // row of its layer
	shape []int
	first filler
	size  int64
	w, g  []float32 // once the arena exists; only what is trained has a gradient
}

// row is a layer of the plan, as the summary prints it.
type row struct {
	path, layer  string
	out          data.Shape
	params, macs int64
	data         *block
	note         string // "in place", "in the layer above"
}

// filler sets the first values of a tensor of rows × cols: of that many inputs of
// one output, and outputs. The gain makes up for the activation behind.
type filler struct {
	init interface {
		Fill(r *rand.Rand, w []float32, rows, cols int, gain float64)
	}
	rows, cols int
	gain       float64
}

func (f filler) fill(r *rand.Rand, w []float32) { f.init.Fill(r, w, f.rows, f.cols, f.gain) }
