package plan

import (
	"math/rand/v2"

	"budwood/data"
)

// Tensor is a value of the network while it is built, and its gradient.
type Tensor struct {
	Shape data.Shape // of one sample
	Data  *Block     // rows × Shape
	Grad  *Block     // rows × Shape; nil: nothing at or before it is trained
	Need  Need       // what the op that made it reads of Data in its backward pass
	// Maker is the op that made it, if that op leaves its gradient to the only
	// layer that reads it, as a convolution before a batch norm does; else nil.
	Maker Op
}

// Need says what of an op's output must survive until its backward pass.
type Need int

const (
	NeedNothing Need = iota // its memory may be overwritten at once
	NeedSign                // whether each value is above 0
	NeedValues              // all of them, as they are
)

// Pass is one run through the plan.
type Pass struct {
	Rows  int     // samples, at most the batch that the plan is for
	Train bool    // dropout drops, and norms use the statistics of the batch
	Key   uint64  // of this step's random choices
	Share float32 // of this batch in running statistics; 0 means as in training
	Again bool    // the ops have run on these rows before: running statistics stay as they are
	// Record takes the statistics of the batch, each at its parameter's place in all
	// of them, instead of the running ones, which an op's Settle brings up to date
	// later; nil: they take them at once.
	Record *[]float32
}

// Op is one step of the plan. Forward reads the inputs' data and writes the
// outputs'. Backward reads the outputs' gradient, which it may overwrite, and
// writes (does not add to) the gradients of inputs and parameters.
type Op interface {
	// Bind takes slices of the arena. It is called once, when the arena exists.
	Bind()
	Forward(Pass)
	Backward(Pass)
}

// Settler is an op with running statistics.
type Settler interface {
	// Settle brings them up to date with what a pass has recorded.
	Settle(Pass)
}

// Param is a trained tensor, a running statistic or a table.
type Param struct {
	Name  string    // the path of its layer, then its own: "0.weight"
	Owner int       // row of its layer
	Shape []int     // its axes
	Size  int64     // the product of Shape
	At    int       // its place in the flat slice of all tensors of its kind
	First Filler    // of its first values
	Piece *Piece    // what it is of a larger tensor; nil: all
	W, G  []float32 // values and gradient, Size long, once the arena exists; only what is trained has a gradient
}

// Row is a layer of the plan, as the summary prints it.
type Row struct {
	Path, Layer string     // where it is ("2.body.0"), and what: "Conv(16, 3×3)"
	Out         data.Shape // of one sample
	Params      int64      // trained numbers
	MACs        int64      // multiply-accumulates of one sample, forward
	Data        *Block     // its output; nil if that is nowhere in memory
	Note        string     // "in place", "in the layer above"
}

// Filler sets the first values of a tensor of rows × cols: of that many inputs of
// one output, and outputs. The gain makes up for the activation behind.
type Filler struct {
	Init interface {
		Fill(r *rand.Rand, w []float32, rows, cols int, gain float64)
	}
	Rows, Cols int
	Gain       float64
}

// Fill sets w, which is Rows × Cols long, with choices of r.
func (f Filler) Fill(r *rand.Rand, w []float32) { f.Init.Fill(r, w, f.Rows, f.Cols, f.Gain) }
