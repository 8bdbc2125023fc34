// Package reader reads ONNX files as networks of package engine: it folds what is
// constant, recognises the layers in what is left, and brings images from channels first
// to channels last by transposing weights. What it does not know is refused with the node
// and the operator, never guessed.
//
// The graph is followed value by value. Operators that only move numbers (Reshape,
// Transpose, Gather, …) change nothing but the order in which a value sees what a layer
// gives; so it does not matter how an exporter writes a flattening or the heads of an
// attention. Arithmetic is an expression until it is a whole pattern (a GELU, a layer
// norm, a hard swish).
package reader

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// Options say what a file does not.
type Options struct {
	// In is the shape of one sample, in the file's order, where the file leaves some of
	// its axes free: {channels, height, width} for most models of images; nil: as the file
	// says.
	In data.Shape
}

// Model is a network as it was read.
type Model struct {
	Layer    engine.Seq
	In       data.Shape           // of one sample, images with channels last
	Tensors  map[string][]float32 // by the names that the network has for them
	FileIn   data.Shape           // of one sample, as the file has it
	First    bool                 // the file has the channels of its input first: see Rows
	Softmax  bool                 // the file's output is the softmax of the network's: see Outputs
	Opset    int
	Producer string
	Ignored  []string // nodes and outputs that were left out, and why
	Notes    []string // what the network does not have as the file's author knew it

	order []int32 // where number i of the file's output is in the network's; nil: at i
}

// Read reads a file.
func Read(src []byte, o Options) (*Model, error) {
	f, err := parse(src)
	if err != nil {
		return nil, err
	}
	r := &reading{f: f, values: map[string]*value{}, uses: map[string]int{}, readers: map[string][]*node{}, ops: readOps()}
	return r.read(o)
}

// reading is the state while a file is read.
type reading struct {
	f       *file
	values  map[string]*value
	uses    map[string]int // of each value, by nodes
	readers map[string][]*node
	batch   int // samples that values have: those that the file fixes, or 2, so that the batch can be told from what is 1
	start   *op
	ops     map[string]reads
	model   Model
}

func (r *reading) read(o Options) (*Model, error) {
	m := &r.model
	m.Opset, m.Producer = r.f.opset, r.f.producer
	out, err := r.output()
	if err != nil {
		return nil, err
	}
	needed := r.needed(out)
	if err := r.input(o, needed); err != nil {
		return nil, err
	}
	for name, t := range r.f.constants {
		r.values[name] = &value{dims: t.dims, c: t}
	}
	for _, n := range r.f.nodes {
		if !needed[n] {
			m.Ignored = append(m.Ignored, fmt.Sprintf("%s, %s: the output does not depend on it", n.title(), n.op))
			continue
		}
		if err := r.node(n); err != nil {
			return nil, err
		}
	}
	v := r.values[out]
	if v == nil || v.c != nil {
		return nil, fmt.Errorf("output %q does not depend on the input", out)
	}
	if v.op.kind == expression && v.op.what == "softmax" && v.plain() {
		m.Softmax = true
		v = v.op.args[0]
	}
	if v, err = r.layers(v); err != nil {
		return nil, err
	}
	if size := v.op.shape.Size(); v.size() != size*r.batch {
		return nil, fmt.Errorf("output %q is %d of the %d values that the last layer gives: a part of its output is not read", out, v.size()/r.batch, size)
	}
	if !v.plain() {
		m.order = make([]int32, v.size()/r.batch)
		seen := make([]bool, len(m.order))
		for i := range m.order {
			at := v.at(i)
			if at >= len(seen) || seen[at] {
				return nil, fmt.Errorf("output %q mixes the samples of a batch", out)
			}
			m.order[i], seen[at] = int32(at), true
		}
	}
	b := assembler{tensors: map[string][]float32{}, built: map[*op]bool{}}
	if m.Layer, err = b.chain(r.start, v.op, ""); err != nil {
		return nil, err
	}
	m.Tensors = b.tensors
	got, err := m.Layer.Infer(m.In)
	if err != nil {
		return nil, err
	}
	if got.Size() != v.op.shape.Size() {
		return nil, fmt.Errorf("the layers give %v, the file %v", got, v.op.shape)
	}
	return m, nil
}

// output is the name of the value that is the network's output. Of a classifier of
// scikit-learn that is the probabilities.
func (r *reading) output() (string, error) {
	var names []string
	for _, v := range r.f.outputs {
		names = append(names, v.name)
	}
	var maps []string
	for _, n := range r.f.nodes {
		if n.op == "ZipMap" && len(n.inputs) == 1 && len(n.outputs) == 1 && slices.Contains(names, n.outputs[0]) {
			maps = append(maps, n.inputs[0])
		}
	}
	switch {
	case len(maps) == 1:
		for _, name := range names {
			r.model.Ignored = append(r.model.Ignored, fmt.Sprintf("output %q: the probabilities before it are taken", name))
		}
		return maps[0], nil
	case len(names) == 1:
		return names[0], nil
	}
	if i := slices.Index(names, "probabilities"); i >= 0 {
		for k, name := range names {
			if k != i {
				r.model.Ignored = append(r.model.Ignored, fmt.Sprintf("output %q: the probabilities are taken", name))
			}
		}
		return names[i], nil
	}
	return "", fmt.Errorf("it has %d outputs (%s); a network has one", len(names), strings.Join(names, ", "))
}

// needed are the nodes that a value depends on. It counts who reads each value.
func (r *reading) needed(out string) map[*node]bool {
	maker := map[string]*node{}
	for _, n := range r.f.nodes {
		for _, o := range n.outputs {
			maker[o] = n
		}
	}
	needed, open := map[*node]bool{}, []string{out}
	for len(open) > 0 {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		if n := maker[name]; n != nil && !needed[n] {
			needed[n] = true
			open = append(open, n.inputs...)
		}
	}
	for _, n := range r.f.nodes {
		if !needed[n] {
			continue
		}
		for _, in := range n.inputs {
			r.uses[in]++
			r.readers[in] = append(r.readers[in], n)
		}
	}
	r.uses[out]++
	return needed
}

// input is the one that is no constant.
func (r *reading) input(o Options, needed map[*node]bool) error {
	var list []info
	for _, v := range r.f.inputs {
		if r.f.constants[v.name] == nil {
			list = append(list, v)
		}
	}
	if len(list) != 1 {
		var names []string
		for _, v := range list {
			names = append(names, v.name)
		}
		return fmt.Errorf("it has %d inputs (%s); a network has one", len(list), strings.Join(names, ", "))
	}
	v := list[0]
	if v.seq || v.elem != 1 && v.elem != 10 && v.elem != 11 && v.elem != 16 {
		return fmt.Errorf("input %q is no tensor of floating-point numbers", v.name)
	}
	if len(v.dims) < 2 {
		return fmt.Errorf("input %q has the shape %v; it needs an axis of rows and one of values", v.name, v.dims)
	}
	if r.batch = 2; v.dims[0] != 0 {
		r.batch = int(v.dims[0])
		r.model.Notes = append(r.model.Notes, fmt.Sprintf("the file fixes the batch at %d rows; the network takes any number", r.batch))
	}
	dims := []int{r.batch}
	for i, d := range v.dims[1:] {
		switch {
		case o.In != nil && len(o.In) != len(v.dims)-1:
			return fmt.Errorf("input %q has %d axes, the shape %v given for it has %d", v.name, len(v.dims)-1, o.In, len(o.In))
		case o.In != nil && d != 0 && int64(o.In[i]) != d:
			return fmt.Errorf("input %q has the shape %v, not the %v given for it", v.name, v.dims[1:], o.In)
		case o.In != nil:
			d = int64(o.In[i])
		}
		if d < 0 || d > maxValues {
			return fmt.Errorf("input %q has the shape %v, which is none", v.name, v.dims)
		}
		if d == 0 {
			return fmt.Errorf("input %q leaves the size of its axis %d free; say the shape of a sample (without the batch, in the file's order)", v.name, i+1)
		}
		dims = append(dims, int(d))
	}
	if r.batch < 1 || !small(dims) {
		return errLarge
	}
	m := &r.model
	m.FileIn = slices.Clone(data.Shape(dims[1:]))
	m.In = m.FileIn
	r.start = &op{kind: input}
	x := &value{dims: dims, op: r.start, only: r.uses[v.name] == 1}
	if len(dims) >= 3 && len(dims) <= 4 && r.wantsPlanes(v.name) {
		m.First = true
		m.In = slices.Concat(m.FileIn[1:], m.FileIn[:1])
		x.planes = true
		x.settledPlanes()
	}
	r.start.shape = m.In
	r.values[v.name] = x
	return nil
}

// wantsPlanes reports whether what reads a value first, behind operators that work value
// by value, wants channels first.
func (r *reading) wantsPlanes(name string) bool {
	for range len(r.f.nodes) {
		list := slices.DeleteFunc(slices.Clone(r.readers[name]), func(n *node) bool { return n.op == "Shape" })
		if len(list) == 0 {
			return false
		}
		switch n := list[0]; n.op {
		case "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization":
			return true
		case "Add", "Sub", "Mul", "Div", "Cast", "Identity", "Relu", "Clip", "Dropout":
			name = n.outputs[0]
		default:
			return false
		}
	}
	return false
}

// fail says which node cannot be read, and why.
func (r *reading) fail(n *node, format string, args ...any) error {
	return fmt.Errorf("%s: operator %s (opset %d): %s", n.title(), n.op, r.f.opset, fmt.Sprintf(format, args...))
}

// unread says that a node cannot be read.
func (r *reading) unread(n *node) error {
	if n.domain != "" {
		return r.fail(n, "the domain %s is not read", n.domain)
	}
	return fmt.Errorf("%s: operator %s (opset %d) is not read%s; read are %s", n.title(), n.op, r.f.opset, map[bool]string{true: " here"}[r.ops[n.op] != nil], strings.Join(Operators(), ", "))
}

// Operators are the names of those that are read, of values that are not constant.
func Operators() []string {
	list := slices.Collect(maps.Keys(readOps()))
	for name := range moves {
		list = append(list, name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// node reads a node.
func (r *reading) node(n *node) error {
	if len(n.outputs) == 0 {
		return errBroken
	}
	for _, a := range n.attrs {
		if a.graph {
			return r.fail(n, "control flow is not read")
		}
	}
	if n.domain != "" {
		return r.unread(n)
	}
	for _, in := range n.inputs {
		if in != "" && r.values[in] == nil {
			return r.fail(n, "it reads %q, which no node before it gives", in)
		}
	}
	folded, known, err := r.fold(n)
	if err != nil {
		return r.fail(n, "%v", err)
	}
	if known {
		for i, t := range folded {
			if i < len(n.outputs) {
				r.values[n.outputs[i]] = &value{dims: t.dims, c: t}
			}
		}
		return nil
	}
	var out []*value
	switch x := r.arg(n, 0); {
	case x == nil:
		return r.unread(n)
	case moves[n.op] && x.c == nil && (n.op != "Gather" || r.arg(n, 1) == nil || r.arg(n, 1).c != nil):
		list, err := r.move(n, x.dims)
		if err != nil {
			return r.fail(n, "%v", err)
		}
		for _, m := range list {
			if !small(m.dims) || product(m.dims) == 0 {
				return r.fail(n, "%v", errLarge)
			}
			out = append(out, r.simpler(n, x.moved(m)))
		}
	default:
		f := r.ops[n.op]
		if f == nil {
			return r.unread(n)
		}
		v, err := f(r, n)
		if err != nil {
			return err
		}
		if v == nil {
			return r.unread(n)
		}
		out = []*value{v}
	}
	for i, v := range out {
		if i < len(n.outputs) {
			c := *v
			c.only = r.uses[n.outputs[i]] == 1 && (v.only || !moves[n.op])
			r.values[n.outputs[i]] = &c
		}
	}
	return nil
}

// arg is an input of a node; nil if it has none there.
func (r *reading) arg(n *node, i int) *value {
	if i >= len(n.inputs) || n.inputs[i] == "" {
		return nil
	}
	return r.values[n.inputs[i]]
}

// optional is a constant input of a node; nil if it has none there.
func (r *reading) optional(n *node, i int) (*tensor, error) {
	v := r.arg(n, i)
	if v == nil {
		return nil, nil
	}
	if v.c == nil {
		return nil, fmt.Errorf("its input %q is computed, not constant", n.inputs[i])
	}
	return v.c, nil
}

// constant is a constant input that must be there.
func (r *reading) constant(n *node, i int) (*tensor, error) {
	t, err := r.optional(n, i)
	if t == nil && err == nil {
		err = fmt.Errorf("its input %d is missing", i)
	}
	return t, err
}
