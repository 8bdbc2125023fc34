package quant

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
	"budwood/engine/kernel"
	"budwood/engine/safetensors"
)

// Options say how a network is quantized.
type Options struct {
	Calibration Calibration
	Rows        int      // for calibration; 0 means 512, or all if there are fewer
	Seed        uint64   // of their choice
	Float       []string // patterns of paths of layers that stay in float32, as "0" or "2.body.*", once batch norms are folded
}

// Quantize is the network in integers of 8 bits. The ranges of its values are those on
// some rows of a set, which should be training rows: as many of each class as there are,
// if it has classes.
func Quantize(n *engine.Net, calibration *data.Set, o Options) (*Net, error) {
	if n == nil || n.Layer() == nil {
		return nil, errors.New("quantize: there is no network")
	}
	if err := o.Calibration.check(); err != nil {
		return nil, fmt.Errorf("quantize: %w", err)
	}
	if calibration == nil || calibration.Len() == 0 {
		return nil, errors.New("quantize: there are no rows for calibration")
	}
	if !calibration.Shape.Equal(n.In()) {
		return nil, fmt.Errorf("quantize: rows for calibration are %v, the network's inputs %v", calibration.Shape, n.In())
	}
	q, err := prepared(n, o.Float)
	if err != nil {
		return nil, fmt.Errorf("quantize: %w", err)
	}
	if err := q.calibrate(rowsOf(calibration, cmp.Or(o.Rows, 512), o.Seed), o.Calibration); err != nil {
		return nil, fmt.Errorf("quantize: %w", err)
	}
	q.finish()
	return q, nil
}

// Layers are the layers that compute in integers if nothing is to stay in float32, in the
// order in which they do: their paths as [Options] name them, once batch norms are folded,
// and those in the network.
func Layers(n *engine.Net) (folded, own []string, err error) {
	q, err := prepared(n, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("quantize: %w", err)
	}
	without, err := compress.Fold(n)
	if err != nil {
		return nil, nil, fmt.Errorf("quantize: %w", err)
	}
	names := map[string]string{}
	before, after := matrices(n), matrices(without) // folding moves layers, and keeps their order
	for i, at := range after {
		names[at] = before[i]
	}
	for _, s := range q.steps {
		if s.w != nil {
			folded, own = append(folded, s.path), append(own, names[s.path])
		}
	}
	return folded, own, nil
}

// prepared is the graph of a network in float32, with nothing calibrated.
func prepared(n *engine.Net, keep []string) (*Net, error) {
	folded, err := compress.Fold(n)
	if err != nil {
		return nil, err
	}
	tensors := map[string][]float32{}
	for _, t := range engineTensors(folded) {
		tensors[t.Name] = t.Data
	}
	g, err := build(folded.Layer(), n.In(), tensors, keep)
	if err != nil {
		return nil, err
	}
	q := &Net{graph: *g, in: n.In(), out: n.Out(), keep: keep, cpu: n.Config().CPU}
	q.level, _ = kernel.LevelOf(q.cpu, true)
	for _, s := range q.steps {
		if s.kind != floatStep {
			continue
		}
		if s.net, err = single(s.layer, s.path, q.values[s.in[0]].shape, tensors, q.cpu); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return q, nil
}

// matrices are the paths of the tensors named weight that have two axes at least.
func matrices(n *engine.Net) (paths []string) {
	for _, t := range n.Tensors() {
		if at, ok := strings.CutSuffix(t.Name, "weight"); ok && len(t.Shape) > 1 {
			paths = append(paths, strings.TrimSuffix(at, "."))
		}
	}
	return paths
}

// engineTensors are parameters and running statistics.
func engineTensors(n *engine.Net) []safetensors.Tensor {
	return slices.Concat(n.Tensors(), n.Statistics())
}

// single is the network of one layer, with its tensors, on an instruction set.
func single(l engine.Layer, at string, in data.Shape, tensors map[string][]float32, cpu string) (*engine.Net, error) {
	n, err := engine.Compile(l, in, engine.Config{Batch: chunk, Inference: true, CPU: cpu})
	if err != nil {
		return nil, err
	}
	for _, t := range engineTensors(n) {
		from := tensors[inside(at, t.Name)]
		if len(from) != len(t.Data) {
			return nil, fmt.Errorf("tensor %s has %d values, %d are known", t.Name, len(t.Data), len(from))
		}
		copy(t.Data, from)
	}
	return n, nil
}

// rowsOf are the inputs of n rows of a set, chosen by a seed: classes take turns.
func rowsOf(s *data.Set, n int, seed uint64) []float32 {
	order := rand.New(rand.NewPCG(seed, 0x63616c6962)).Perm(s.Len())
	if s.Labels() == 1 && s.Classes > 0 {
		turns := make([]int, s.Classes) // how many of each class have come
		turn := make([]int, s.Len())
		for _, r := range order {
			turn[r] = turns[s.Class[r]]
			turns[s.Class[r]]++
		}
		slices.SortStableFunc(order, func(a, b int) int { return turn[a] - turn[b] })
	}
	order = order[:min(n, len(order))]
	slices.Sort(order)
	size := s.Shape.Size()
	x := make([]float32, len(order)*size)
	for i, r := range order {
		s.Read(x[i*size:(i+1)*size], r)
	}
	return x
}

// calibrate runs rows through the steps in float32 and gives every value that is coded
// its codes; then the weights get theirs.
func (n *Net) calibrate(x []float32, c Calibration) error {
	rows := len(x) / n.in.Size()
	outputs := make([][]float32, len(n.values))
	outputs[0] = x
	last := n.lastReads()
	seen := make([][]float32, len(n.values)) // by group
	note := func(i int) error {
		v := &n.values[i]
		if !v.coded {
			return nil
		}
		if c.Method == "" || c.Method == "minmax" { // the extremes are enough
			var s spread
			if err := s.add(outputs[i]); err != nil {
				return err
			}
			seen[v.group] = append(seen[v.group], s.low, s.high)
			return nil
		}
		seen[v.group] = append(seen[v.group], outputs[i]...)
		return nil
	}
	if err := note(0); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	for i, s := range n.steps {
		in := make([][]float32, len(s.in))
		for k, v := range s.in {
			in[k] = outputs[n.root(v)]
		}
		var err error
		if outputs[s.out], err = s.inFloats(n, in, rows); err == nil {
			err = note(s.out)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for v, at := range last {
			if at == i {
				outputs[v] = nil
			}
		}
	}
	for i := range n.values {
		v := &n.values[i]
		if v.view >= 0 || !v.coded {
			continue
		}
		if v.group == i {
			s, err := c.choose(seen[i])
			if err != nil {
				return err
			}
			v.codes = s.codes()
		} else {
			v.codes = n.values[v.group].codes
		}
	}
	for _, s := range n.steps {
		if s.w != nil {
			s.w.quantize(n.values[n.root(s.in[0])].codes.Scale)
		}
	}
	return nil
}

// lastReads is the last step that reads each value; those of a view count for its root.
func (n *Net) lastReads() []int {
	last := make([]int, len(n.values))
	for i := range last {
		last[i] = len(n.steps)
	}
	for i, s := range n.steps {
		for _, v := range s.in {
			last[n.root(v)] = i
		}
	}
	last[n.root(n.result)] = len(n.steps)
	return last
}

func (g *graph) root(v int) int {
	if r := g.values[v].view; r >= 0 {
		return r
	}
	return v
}

// inFloats computes a step in float32.
func (s *step) inFloats(n *Net, in [][]float32, rows int) ([]float32, error) {
	y := make([]float32, rows*n.values[s.out].shape.Size())
	net := s.net
	switch s.kind {
	case sumStep, concatStep:
		part := &Net{graph: graph{values: slices.Clone(n.values)}, buffers: make([]buffer, len(n.values))}
		part.values[s.out].native = floats
		for k, v := range s.in {
			part.buffers[v].floats = in[k]
		}
		part.buffers[s.out].floats = y
		s.run(part, rows)
		return y, nil
	case denseStep, convStep, maxStep, meanStep:
		var err error
		tensors := map[string][]float32{}
		if s.w != nil {
			tensors["weight"], tensors["bias"] = s.w.kernel, s.w.bias
		}
		if net, err = single(s.layer, "", n.values[s.in[0]].shape, tensors, n.cpu); err != nil {
			return nil, err
		}
	}
	if err := net.Predict(in[0], y); err != nil {
		return nil, err
	}
	if s.relu {
		kernel.ReLU(y, y)
	}
	return y, nil
}

// finish lays out the weights of a network whose codes are known, and multiplies scales.
func (n *Net) finish() {
	for i := range n.values { // views show the codes of what they view
		n.values[i].codes = n.values[n.root(i)].codes
	}
	n.level.Enter()
	defer kernel.Leave()
	for _, s := range n.steps {
		x, y := n.values[s.in[0]].codes, &n.values[s.out]
		scale := float32(1)
		if y.native == codes {
			scale = y.codes.Scale
		}
		switch s.kind {
		case denseStep, convStep:
			s.w.pack(x.Zero, s.w.depthwise(&s.g))
			s.scale = s.w.scaled(x.Scale, scale)
		case meanStep:
			s.scale = make([]float32, s.g.c)
			for i := range s.scale {
				s.scale[i] = x.Scale / (scale * float32(s.g.kh*s.g.kw))
			}
		}
		s.work = workspace{}
	}
	n.buffers = nil
}
