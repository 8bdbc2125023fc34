// Package onnx writes networks of package engine as ONNX files, for inference
// elsewhere: onnxruntime and whatever else reads the format.
//
// The file has one input, "input", of any number of rows with the shape of the
// network's input, channels last, and one output, "output": what Net.Predict
// computes, in float32. Between them images have channels first, as ONNX wants them:
// there is a Transpose where the input has several channels, and where a layer works on
// pixels or steps. Batch norm is folded into the layer before it, if that has weights
// ([compress.Fold]); dropout is left out.
// [Options] put the preparation of the data in front, and weights into 16 bits.
package onnx

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
	"budwood/engine/safetensors"
)

// The versions of the format and of its set of operators that are written.
const (
	irVersion = 8
	opset     = 17
	opsetML   = 3 // of ai.onnx.ml, for trees
)

// Options say what a file holds beside the network. The zero value: nothing.
type Options struct {
	// Weights is the number format of large constants. In 16 bits the file has
	// about half the size; whoever runs it computes in float32 all the same.
	Weights engine.Precision
	// Data is the preparation of the data that the network learned from; nil: none.
	// With it a row of the input holds the values of the columns as they are in the
	// table, in their order: numbers, NaN where one is missing, and for a category
	// its number in the column's list of levels (any other number: a category that
	// was not there in training). Images are pixels. The output of a regression is
	// in the target's unit; a classification has a second output, "probabilities".
	// The names of columns, levels and classes are in the file's metadata under
	// "budwood.data", as the JSON of [data.Preparation].
	Data *data.Preparation
}

// Write writes a network with the weights it has.
func Write(w io.Writer, n *engine.Net, o Options) error {
	if n == nil || n.Layer() == nil {
		return errors.New("onnx: there is no network")
	}
	layer, weights, err := compress.FoldedLayers(n)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	g := &graph{weights: weights, dtype: o.Weights.Dtype(), made: map[string]string{}}
	return g.write(w, n.In(), n.Out(), o, func(x operand) (operand, error) { return g.layer(layer, x) })
}

// write writes the file of a network with these inputs and outputs, whose nodes network
// adds.
func (g *graph) write(w io.Writer, in, out data.Shape, o Options, network func(operand) (operand, error)) error {
	x := operand{name: "input", shape: in}
	raw := in
	if o.Data != nil {
		raw = o.Data.Raw()
		if err := g.prepare(o.Data, &x); err != nil {
			return fmt.Errorf("onnx: %w", err)
		}
	}
	y, err := network(x)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	y = g.last(y)
	outputs := []string{"output"}
	if o.Data != nil {
		y.name = g.unscale(o.Data, y.name)
	}
	g.node("Identity", []string{"output"}, []string{y.name})
	if o.Data != nil && len(o.Data.Classes) > 0 {
		g.node("Softmax", []string{"probabilities"}, []string{y.name}, attr{"axis", -1})
		outputs = append(outputs, "probabilities")
	}
	var body, set, model message
	for _, node := range g.nodes {
		body.bytes(1, node)
	}
	body.text(2, "network")
	for _, t := range g.constants {
		body.bytes(5, t)
	}
	body.bytes(11, value("input", raw))
	for _, name := range outputs {
		body.bytes(12, value(name, out))
	}
	set.text(1, "")
	set.int(2, opset)
	model.int(1, irVersion)
	model.text(2, "budwood")
	model.bytes(7, body)
	model.bytes(8, set)
	if g.ml {
		var set message
		set.text(1, "ai.onnx.ml")
		set.int(2, opsetML)
		model.bytes(8, set)
	}
	if o.Data != nil {
		about, err := json.Marshal(o.Data)
		if err != nil {
			return fmt.Errorf("onnx: %w", err)
		}
		var entry message
		entry.text(1, "budwood.data")
		entry.text(2, string(about))
		model.bytes(14, entry)
	}
	if _, err := w.Write(model); err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	return nil
}

// graph collects nodes and constants.
type graph struct {
	weights   map[string][]float32
	dtype     safetensors.Dtype // of large constants
	path      []string          // of the layer, as in the names of its tensors
	nodes     []message
	constants []message
	made      map[string]string // values that were brought into another order
	count     int
	ml        bool // it has operators of ai.onnx.ml
}

// fresh is a name that nothing has.
func (g *graph) fresh(what string) string {
	g.count++
	return fmt.Sprintf("%s_%d", what, g.count)
}

// attr is an attribute of a node.
type attr struct {
	name  string
	value any
}

// node adds a node with the names of its outputs and inputs.
func (g *graph) node(op string, outputs, inputs []string, attrs ...attr) {
	g.nodeOf("", op, outputs, inputs, attrs...)
}

// nodeOf is node for an operator of another set than ONNX's own.
func (g *graph) nodeOf(domain, op string, outputs, inputs []string, attrs ...attr) {
	var m message
	for _, s := range inputs {
		m.text(1, s)
	}
	for _, s := range outputs {
		m.text(2, s)
	}
	m.text(3, g.fresh(strings.Join(append(g.path[:len(g.path):len(g.path)], op), ".")))
	m.text(4, op)
	for _, a := range attrs {
		m.bytes(5, attribute(a.name, a.value))
	}
	if domain != "" {
		m.text(7, domain)
	}
	g.nodes = append(g.nodes, m)
}

// apply adds a node with one output and returns its name.
func (g *graph) apply(op string, inputs []string, attrs ...attr) string {
	out := g.fresh("v")
	g.node(op, []string{out}, inputs, attrs...)
	return out
}

// floats makes a constant.
func (g *graph) floats(data []float32, dims ...int) string {
	dtype := safetensors.F32
	if len(data) >= large && !slices.ContainsFunc(data, func(v float32) bool { return !g.dtype.Fits(v) }) {
		dtype = g.dtype
	}
	name := g.fresh("c")
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = dtype.Append(raw, v)
	}
	switch dtype {
	case safetensors.F16:
		g.constants = append(g.constants, tensor(name, float16Type, dims, raw))
	case safetensors.BF16:
		g.constants = append(g.constants, tensor(name, bfloat16Type, dims, raw))
	default:
		g.constants = append(g.constants, tensor(name, float32Type, dims, raw))
		return name
	}
	return g.apply("Cast", []string{name}, attr{"to", float32Type})
}

// large is the size from which on constants are stored in 16 bits.
const large = 64

// number makes a constant without axes.
func (g *graph) number(v float64) string { return g.floats([]float32{float32(v)}) }

// ints makes a constant list of whole numbers.
func (g *graph) ints(data ...int) string {
	name := g.fresh("c")
	var raw []byte
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	g.constants = append(g.constants, tensor(name, int64Type, []int{len(data)}, raw))
	return name
}

// weight is a tensor of the current layer.
func (g *graph) weight(name string) []float32 {
	return g.weights[strings.Join(append(g.path[:len(g.path):len(g.path)], name), ".")]
}

// has reports whether the current layer has a tensor.
func (g *graph) has(name string) bool { return g.weight(name) != nil }

// within runs a layer under one more element of the path.
func (g *graph) within(name string, l engine.Layer, x operand) (operand, error) {
	g.path = append(g.path, name)
	y, err := g.layer(l, x)
	g.path = g.path[:len(g.path)-1]
	return y, err
}

func (g *graph) seq(s engine.Seq, x operand) (operand, error) {
	var err error
	for i, l := range s {
		if x, err = g.within(strconv.Itoa(i), l, x); err != nil {
			return x, err
		}
	}
	return x, nil
}

// layer adds the nodes of a layer.
func (g *graph) layer(l engine.Layer, x operand) (operand, error) {
	shape, err := l.Infer(x.shape)
	if err != nil {
		return x, err
	}
	switch l := l.(type) { // what consists of layers
	case engine.Seq:
		return g.seq(l, x)
	case engine.Transformer:
		return g.seq(l.Layers(x.shape[1]), x)
	case engine.Residual:
		return g.residual(l, x)
	case engine.Par:
		return g.par(l, x)
	case engine.SqueezeExcite:
		return g.squeezeExcite(l, x)
	case engine.Flatten:
		return g.flat(x), nil
	case engine.GroupNorm:
		return g.groupNorm(l, x), nil
	case engine.BatchNorm:
		return g.batchNorm(l, x), nil
	case engine.LayerNorm:
		return g.layerNorm(l, x), nil
	case engine.Dense:
		return g.dense(l, x), nil
	case engine.Cell:
		return g.cell(l, x)
	case engine.FPN:
		return g.fpn(l, x)
	case engine.Dropout:
		return x, nil
	}
	if y, ok := g.activation(l, x.name); ok {
		return x.same(y), nil
	}
	if y, ok := g.image(l, x, shape); ok {
		return y, nil
	}
	if y, ok := g.plain(l, g.last(x), shape); ok {
		return operand{name: y, shape: shape}, nil
	}
	return x, fmt.Errorf("layer %s %v: has no form in ONNX here", strings.Join(g.path, "."), l)
}

// image adds the nodes of a layer that has channels first in ONNX; false if the layer
// is another.
func (g *graph) image(l engine.Layer, x operand, shape data.Shape) (operand, bool) {
	y := ""
	switch l := l.(type) {
	case engine.Conv:
		y = g.conv(l, g.first(x), shape)
	case engine.Conv1D:
		y = g.conv1D(l, g.first(x), shape)
	case engine.MaxPool:
		y = g.maxPool(l, g.first(x))
	case engine.AvgPool:
		y = g.pool("AveragePool", l.Size, g.first(x))
	case engine.Upsample:
		if l.Height > 0 || l.Width > 0 {
			return g.enlarge(x, shape), true
		}
		y = g.upsample(l, g.first(x))
	case engine.GlobalAvgPool:
		return g.global("GlobalAveragePool", "ReduceMean", x, shape), true
	case engine.GlobalMaxPool:
		return g.global("GlobalMaxPool", "ReduceMax", x, shape), true
	default:
		return x, false
	}
	return operand{y, shape, shape}, true
}

// plain adds the nodes of a layer that has the engine's order in ONNX; false if the
// layer is another.
func (g *graph) plain(l engine.Layer, x operand, shape data.Shape) (string, bool) {
	switch l := l.(type) {
	case engine.Embedding:
		index := g.apply("Cast", []string{x.name}, attr{"to", int64Type})
		return g.apply("Gather", []string{g.floats(g.weight("weight"), l.Vocab, l.Out), index}), true
	case engine.Positional:
		return g.positional(l, x), true
	case engine.ClassToken:
		return g.classToken(x), true
	case engine.Attention:
		return g.attention(l, x), true
	case engine.GRU:
		return g.gru(l, x), true
	case engine.Reshape:
		return g.reshape(x.name, shape...), true
	case engine.LastStep:
		return g.reshape(g.apply("Gather", []string{x.name, g.ints(x.shape[0] - 1)}, attr{"axis", 1}), shape...), true
	}
	return "", false
}

// places are the axes of a batch that hold steps or pixels.
func places(s data.Shape) (axes []int) {
	for i := range len(s) - 1 {
		axes = append(axes, i+1)
	}
	return axes
}

// reshape gives a value another shape; the number of rows stays.
func (g *graph) reshape(x string, to ...int) string {
	return g.apply("Reshape", []string{x, g.ints(append([]int{0}, to...)...)})
}

// activation adds the nodes of an activation; false if the layer is another.
func (g *graph) activation(l engine.Layer, x string) (string, bool) {
	switch l := l.(type) {
	case engine.ReLU:
		return g.apply("Relu", []string{x}), true
	case engine.LeakyReLU:
		return g.apply("LeakyRelu", []string{x}, attr{"alpha", float32(cmp.Or(l.Slope, 0.01))}), true
	case engine.Tanh:
		return g.apply("Tanh", []string{x}), true
	case engine.Sigmoid:
		return g.apply("Sigmoid", []string{x}), true
	case engine.Clip:
		lo, hi := l.Bounds()
		return g.apply("Clip", []string{x, g.number(float64(lo)), g.number(float64(hi))}), true
	case engine.HardSigmoid:
		alpha, beta := l.Line()
		return g.apply("HardSigmoid", []string{x}, attr{"alpha", alpha}, attr{"beta", beta}), true
	case engine.HardSwish:
		return g.apply("HardSwish", []string{x}), true
	case engine.SiLU:
		return g.apply("Mul", []string{x, g.apply("Sigmoid", []string{x})}), true
	case engine.GELU: // x·(1 + erf(x/√2))·½, as onnxruntime knows it
		erf := g.apply("Erf", []string{g.apply("Div", []string{x, g.number(math.Sqrt2)})})
		twice := g.apply("Mul", []string{x, g.apply("Add", []string{erf, g.number(1)})})
		return g.apply("Mul", []string{twice, g.number(0.5)}), true
	}
	return "", false
}
