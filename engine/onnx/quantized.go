package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"budwood/engine"
	"budwood/engine/quant"
)

// WriteQ writes a network in integers as QuantizeLinear and DequantizeLinear around the
// operators of ONNX (the form QDQ), which onnxruntime computes in integers. Weights are
// int8 with a scale for each output channel, biases int32.
func WriteQ(w io.Writer, n *quant.Net, o Options) error {
	if n == nil {
		return errors.New("onnx: there is no network")
	}
	if o.Weights != engine.F32 {
		return errors.New("onnx: the weights of a network in integers have 8 bits, not 16")
	}
	g := &graph{dtype: o.Weights.Dtype(), made: map[string]string{}}
	q := &quantized{graph: g}
	q.values, q.steps, q.out = n.Steps()
	return g.write(w, n.In(), n.Out(), o, q.network)
}

// quantized writes the steps of a network in integers.
type quantized struct {
	*graph
	values   []quant.Value
	steps    []quant.Step
	out      int
	asFloats []operand // of each value, as floats
	scales   []string  // names of scale and zero point of each value
	zeros    []string
}

// network adds all nodes.
func (q *quantized) network(x operand) (operand, error) {
	q.asFloats, q.scales, q.zeros = make([]operand, len(q.values)), make([]string, len(q.values)), make([]string, len(q.values))
	q.asFloats[0] = q.pair(0, x)
	for i := range q.steps {
		s := &q.steps[i]
		q.path = strings.Split(s.Path, ".")
		y, err := q.step(s)
		if err != nil {
			return x, fmt.Errorf("%s: %w", s.Path, err)
		}
		if s.ReLU {
			y = y.same(q.apply("Relu", []string{y.name}))
		}
		if q.values[s.Out].Coded {
			y = q.pair(s.Out, y)
		}
		q.asFloats[s.Out] = y
	}
	return q.value(q.out), nil
}

// value is a value as floats; another shape of one has codes of its own around it, which
// onnxruntime wants to see behind a flattening.
func (q *quantized) value(v int) operand {
	of := &q.values[v]
	if of.View < 0 || q.asFloats[v].name != "" {
		return q.asFloats[v]
	}
	x := q.asFloats[of.View]
	switch {
	case len(of.Shape) == 1:
		x = q.flat(x)
	case !x.shape.Equal(of.Shape):
		x = operand{name: q.reshape(q.last(x).name, of.Shape...), shape: of.Shape}
	}
	if of.Coded {
		x = q.pair(v, x)
	}
	q.asFloats[v] = x
	return x
}

// pair rounds a value to its codes and back.
func (q *quantized) pair(v int, x operand) operand {
	of := &q.values[v]
	if !of.Coded {
		return x
	}
	root := v
	if of.View >= 0 {
		root = of.View
	}
	if q.scales[root] == "" {
		q.scales[root] = q.floats([]float32{of.Codes.Scale})
		q.zeros[root] = q.constant(uint8Type, []byte{of.Codes.Zero})
	}
	codes := q.apply("QuantizeLinear", []string{x.name, q.scales[root], q.zeros[root]})
	return x.same(q.apply("DequantizeLinear", []string{codes, q.scales[root], q.zeros[root]}))
}

// constant makes a constant of raw bytes.
func (q *quantized) constant(kind int64, raw []byte, dims ...int) string {
	name := q.fresh("c")
	q.constants = append(q.constants, tensor(name, kind, dims, raw))
	return name
}

// step adds the nodes of a step, without what rounds its output.
func (q *quantized) step(s *quant.Step) (operand, error) {
	xs := make([]operand, len(s.In))
	for i, v := range s.In {
		xs[i] = q.value(v)
	}
	shape := q.values[s.Out].Shape
	switch s.Op {
	case "dense":
		return q.dense(s, xs[0]), nil
	case "conv":
		return q.conv(s, xs[0]), nil
	case "sum":
		if len(xs) == 1 {
			return xs[0], nil
		}
		y := xs[0]
		for _, x := range xs[1:] {
			y = q.sum("Add", []operand{y, x}, shape)
		}
		return y, nil
	case "concat":
		return q.concat(xs, shape), nil
	case "float":
		q.weights = map[string][]float32{}
		for _, t := range slices.Concat(s.Net.Tensors(), s.Net.Statistics()) {
			q.weights[strings.Trim(s.Path+"."+t.Name, ".")] = t.Data
		}
	}
	return q.layer(s.Layer, xs[0]) // has no tensors, or those
}

// product adds a product of codes: weights by the layer's channels of the output along an
// axis.
func (q *quantized) product(op string, s *quant.Step, x operand, codes []int8, axis int, dims []int, attrs ...attr) string {
	raw, zeros := make([]byte, len(codes)), make([]byte, len(s.Scales))
	for i, c := range codes {
		raw[i] = byte(c)
	}
	n := len(s.Scales)
	w := q.apply("DequantizeLinear", []string{q.constant(int8Type, raw, dims...), q.floats32(s.Scales), q.constant(int8Type, zeros, n)}, attr{"axis", axis})
	var bias []byte
	scales := make([]float32, n)
	of := q.values[s.In[0]].Codes
	for i, b := range s.Bias {
		bias = binary.LittleEndian.AppendUint32(bias, uint32(b))
		scales[i] = of.Scale * s.Scales[i]
	}
	b := q.apply("DequantizeLinear", []string{q.constant(int32Type, bias, n), q.floats32(scales)}, attr{"axis", 0})
	if op == "MatMul" {
		return q.apply("Add", []string{q.apply(op, []string{x.name, w}), b})
	}
	return q.apply(op, []string{x.name, w, b}, attrs...)
}

// floats32 makes a constant that stays in 32 bits.
func (q *quantized) floats32(x []float32) string { return q.floats(x, len(x)) }

// dense adds a Dense: a Gemm, or a MatMul of every step.
func (q *quantized) dense(s *quant.Step, x operand) operand {
	n := len(s.Scales)
	rows := len(s.Codes) / n
	shape := q.values[s.Out].Shape
	if l := s.Layer.(engine.Dense); l.PerStep && len(x.shape) > 1 {
		x = q.last(x)
		return operand{name: q.product("MatMul", s, x, s.Codes, 1, []int{rows, n}), shape: shape}
	}
	codes := s.Codes
	if len(x.shape) > 1 {
		x = q.flat(x)
		x = q.pair(s.In[0], x)
	}
	if x.of != nil {
		codes = inOrder(codes, n, x.of)
	}
	return operand{name: q.product("Gemm", s, x, codes, 1, []int{rows, n}), shape: shape}
}

// conv adds a convolution.
func (q *quantized) conv(s *quant.Step, x operand) operand {
	shape := q.values[s.Out].Shape
	var c window
	switch l := s.Layer.(type) {
	case engine.Conv:
		c = convolution(l, x.shape, shape)
	case engine.Conv1D:
		c = convolution1D(l, x.shape, shape)
	}
	x = q.first(x)
	return operand{q.product("Conv", s, x, turned(s.Codes, c), 0, c.dims, c.attrs...), shape, shape}
}
