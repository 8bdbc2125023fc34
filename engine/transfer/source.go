package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// Source is a trained network that another one starts from: layers in a row, and all
// their weights and running statistics by name.
type Source struct {
	Layers  engine.Seq
	In      data.Shape // of one sample
	Tensors map[string][]float32
}

// SourceOf is a network as a source. It shares no memory with it.
func SourceOf(n *engine.Net) (Source, error) {
	layers, ok := n.Layer().(engine.Seq)
	if !ok {
		return Source{}, fmt.Errorf("transfer: the network is %v, not layers in a row", n.Layer())
	}
	s := Source{Layers: layers, In: n.In(), Tensors: map[string][]float32{}}
	for name, t := range tensorsOf(n) {
		s.Tensors[name] = slices.Clone(t.Data)
	}
	return s, nil
}

// Head is the place of the layer that gives the outputs: the last Dense, or a 1×1 Conv
// before global pooling.
func (s Source) Head() (int, error) {
	pooled := false
	for i, l := range slices.Backward(s.Layers) {
		switch l := l.(type) {
		case engine.Dense:
			return i, nil
		case engine.Conv:
			if pooled && l.Kernel == 1 && l.Columns == (engine.Along{}) {
				return i, nil
			}
			return 0, fmt.Errorf("transfer: the last layer with weights, %d %v, is no head: read are a Dense, and a 1×1 convolution before global pooling", i, l)
		case engine.GlobalAvgPool, engine.GlobalMaxPool:
			pooled = true
		case engine.Flatten, engine.Dropout, engine.Reshape, engine.ReLU, engine.Sigmoid, engine.Tanh:
		default:
			return 0, fmt.Errorf("transfer: the last layer with weights, %d %v, is no head: read are a Dense, and a 1×1 convolution before global pooling", i, l)
		}
	}
	return 0, errors.New("transfer: the network has no layer with weights")
}

// Blocks are the places at which blocks begin: a block is a layer with weights, and the
// norms, activations and poolings behind it. The first begins at 0, the last one with the
// head.
func (s Source) Blocks() ([]int, error) {
	head, err := s.Head()
	if err != nil {
		return nil, err
	}
	var starts []int
	for i, l := range s.Layers[:head] {
		switch l.(type) {
		case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm, engine.Dropout, engine.Flatten, engine.Reshape, engine.MaxPool, engine.AvgPool,
			engine.GlobalAvgPool, engine.GlobalMaxPool, engine.LastStep, engine.Upsample, engine.ReLU, engine.LeakyReLU, engine.GELU, engine.SiLU, engine.Tanh,
			engine.Sigmoid, engine.Clip, engine.HardSigmoid, engine.HardSwish, engine.ClassToken, engine.Positional, engine.SqueezeExcite:
			if i > 0 {
				continue
			}
		}
		starts = append(starts, i)
	}
	return append(starts, head), nil
}

// place is the number of the layer, in the row, that a tensor belongs to, and its name
// behind that.
func place(name string) (int, string) {
	first, rest, _ := strings.Cut(name, ".")
	i, err := strconv.Atoi(first)
	if err != nil {
		return -1, name
	}
	return i, rest
}

// piece is the layers lo … hi−1 of a source, for samples as they come there.
func (s Source) piece(lo, hi int) (Source, error) {
	in, err := s.Layers[:lo].Infer(s.In)
	if err != nil {
		return Source{}, err
	}
	p := Source{Layers: s.Layers[lo:hi], In: in, Tensors: map[string][]float32{}}
	for name, t := range s.Tensors {
		if i, rest := place(name); i >= lo && i < hi {
			p.Tensors[inside(strconv.Itoa(i-lo), rest)] = t
		}
	}
	return p, nil
}

// fill gives a network the source's tensors, but for those of layers from new on.
func (s Source) fill(n *engine.Net, new int) (came []string, err error) {
	for name, t := range tensorsOf(n) {
		if i, _ := place(name); i == new {
			continue
		}
		own, ok := s.Tensors[name]
		if !ok || len(own) != len(t.Data) {
			return nil, fmt.Errorf("transfer: tensor %s of %v: the source has %d numbers for it", name, t.Shape, len(own))
		}
		copy(t.Data, own)
		came = append(came, name)
	}
	slices.Sort(came)
	return came, nil
}

// Compile is the source as a network.
func (s Source) Compile(cfg engine.Config) (*engine.Net, error) {
	n, err := engine.Compile(s.Layers, s.In, cfg)
	if err != nil {
		return nil, err
	}
	_, err = s.fill(n, -1)
	return n, err
}
