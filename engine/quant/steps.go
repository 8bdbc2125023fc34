package quant

import (
	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
)

// Value is a value between steps, for who writes the network in another form.
type Value struct {
	Shape data.Shape
	View  int           // the value of which it is another shape; -1: it is made by a step, or the input
	Coded bool          // steps read codes of it
	Codes *kernel.Codes // if Coded
}

// Step is one operation on values, by their numbers; 0 is the input.
type Step struct {
	Op    string       // "dense", "conv", "sum", "concat", "max", "mean" or "float"
	Path  string       // of the layer
	Layer engine.Layer // nil of a sum or concatenation
	In    []int
	Out   int
	ReLU  bool // at the end

	Net *engine.Net // of "float": the layer by itself

	Codes  []int8    // weights of "dense" and "conv", as in the layer's
	Scales []float32 // of each output channel
	Bias   []int32   // of scale input·Scales
}

// Steps are the values and the steps of the network, and the number of its output.
func (n *Net) Steps() (values []Value, steps []Step, out int) {
	for i, v := range n.values {
		to := Value{Shape: v.shape, View: v.view}
		if r := &n.values[n.root(i)]; r.coded {
			to.Coded, to.Codes = true, &r.codes
		}
		values = append(values, to)
	}
	names := []string{"float", "dense", "conv", "sum", "concat", "max", "mean"}
	for _, s := range n.steps {
		to := Step{Op: names[s.kind], Path: s.path, Layer: s.layer, In: s.in, Out: s.out, ReLU: s.relu, Net: s.net}
		if s.w != nil {
			to.Codes, to.Scales, to.Bias = s.w.codes, s.w.scales, s.w.sums
		}
		steps = append(steps, to)
	}
	return values, steps, n.result
}
