package layout

import (
	"fmt"
	"math"
	"slices"
)

// Model is a network as a list of layers, and what is trained of it in a step.
type Model struct {
	Layers    []Layer
	Batch     int       // samples of a step, of all devices together
	Precision Precision // "" means f32

	// State is the bytes that a parameter takes; the zero value means what the
	// precision needs with Adam.
	State State

	// Even says that the layers between the first and the last are equal, and that
	// every stage gets as many of them; otherwise cuts lie where they balance best.
	Even bool

	// Chunks says that a stage may have several separate pieces of the network
	// (interleaved 1F1B).
	Chunks bool

	// What older programs do, other than those of today.
	Late    bool // nothing is sent while something is computed
	OneCard bool // zero 3 gathers over one network card of each machine
}

// Layer is what a piece of a network costs for one sample that runs forward. A
// backward pass takes twice the products.
type Layer struct {
	Name     string  `json:"name"`
	Products float64 `json:"macs"`     // multiply-adds of products of a sample with weights
	Scores   float64 `json:"scores"`   // multiply-adds of products of a sample with itself: attention
	Width    float64 `json:"width"`    // columns of those products, before tensor cuts them; 0: no products
	Rows     float64 `json:"rows"`     // rows of those products: steps of a sequence, positions of an image; 0 means 1
	Bytes    float64 `json:"bytes"`    // bytes read or written by everything else
	Whole    float64 `json:"whole"`    // of these, bytes that every lane of a tensor group moves
	Params   float64 `json:"params"`   // parameters
	Tied     bool    `json:"tied"`     // they are those of the first layer: a copy, if that is in another stage
	Kept     float64 `json:"kept"`     // bytes kept from forward to backward
	KeptAll  float64 `json:"kept_all"` // of these, bytes that every lane of a tensor group keeps
	Input    float64 `json:"input"`    // bytes of its input: what recompute keeps and a stage receives
	Sums     int     `json:"sums"`     // sums over the tensor group in a forward pass; a backward pass has as many
	Summed   float64 `json:"summed"`   // bytes of all of them
	Heads    int     `json:"heads"`    // what tensor has to divide; 0: the layer is not cut
	Joined   bool    `json:"joined"`   // no stage begins here: it is fused with, or inside of, the one before

	// Forward and Backward are what the layer takes on the machine that a plan is made
	// for, where that is known better than by the constants; zero: it is not.
	Forward  Seconds `json:"forward,omitzero"`
	Backward Seconds `json:"backward,omitzero"`
}

// Seconds is the time of a micro-batch of b samples: Once + b·Each.
type Seconds struct {
	Once float64 `json:"once"`
	Each float64 `json:"each"`
}

// Precision is the format of the products.
type Precision string

// The precisions.
const (
	F32  Precision = "f32"
	BF16 Precision = "bf16"
	FP16 Precision = "fp16"
	FP8  Precision = "fp8" // dense products; the rest is in bf16
)

// element is the size of an activation in bytes.
func (p Precision) element() float64 {
	if p == "" || p == F32 {
		return 4
	}
	return 2
}

// State is the bytes a parameter takes.
type State struct {
	Weights   float64 `json:"weights"`
	Gradients float64 `json:"gradients"`
	Optimizer float64 `json:"optimizer"` // with masters, averages and the like
}

// state is what a precision needs with Adam: in float32 two moments; otherwise the
// weights in 2 bytes with masters in 4. Gradients of bf16 and fp8 are summed in
// float32; those of fp16 are in 2 bytes, and once more in float32 beside the masters
// (the table in docs/source/api-guide/dist_optimizer.md of Megatron-LM: 18 and 20
// bytes a parameter).
func (p Precision) state() State {
	switch p {
	case FP16:
		return State{2, 2, 16}
	case BF16, FP8:
		return State{2, 4, 12}
	}
	return State{4, 4, 8}
}

func (m *Model) state() State {
	if m.State == (State{}) {
		return m.Precision.state()
	}
	return m.State
}

// Params is the number of parameters; tied ones count once.
func (m *Model) Params() (n float64) {
	for _, l := range m.Layers {
		if !l.Tied {
			n += l.Params
		}
	}
	return n
}

// Validate returns an error for a model that cannot be planned.
func (m *Model) Validate() error {
	if len(m.Layers) == 0 {
		return &FieldError{"layers", fmt.Errorf("there are none")}
	}
	if len(m.Layers) > mostLayers {
		return &FieldError{"layers", fmt.Errorf("%d: at most %d can be planned", len(m.Layers), mostLayers)}
	}
	if m.Batch < 1 || m.Batch > 1<<30 {
		return &FieldError{"batch", fmt.Errorf("%d: a step has at least 1 sample", m.Batch)}
	}
	if !slices.Contains([]Precision{"", F32, BF16, FP16, FP8}, m.Precision) {
		return &FieldError{"precision", fmt.Errorf("%q: there are f32, bf16, fp16 and fp8", m.Precision)}
	}
	for i, l := range m.Layers {
		for _, x := range []float64{l.Products, l.Scores, l.Width, l.Rows, l.Bytes, l.Params, l.Kept, l.Input, l.Summed, l.Bytes - l.Whole, l.Kept - l.KeptAll, l.Forward.Once, l.Forward.Each, l.Backward.Once, l.Backward.Each} {
			if !(x >= 0) || math.IsInf(x, 0) {
				return &FieldError{"layers", fmt.Errorf("layer %d (%s) has an amount below 0 or none at all", i, l.Name)}
			}
		}
	}
	return nil
}

const mostLayers = 4096
