package reader

import (
	"fmt"
	"math"

	"budwood/engine"
	"budwood/engine/safetensors"
)

// Compile makes the network, with the weights of the file.
func (m *Model) Compile(cfg engine.Config) (*engine.Net, error) {
	n, err := engine.Compile(m.Layer, m.In, cfg)
	if err != nil {
		return nil, err
	}
	return n, Fill(n, m.Tensors)
}

// Fill sets all tensors and statistics of a network. It is an error if one is missing, of
// another size, or left over.
func Fill(n *engine.Net, tensors map[string][]float32) error {
	used := 0
	for _, list := range [][]safetensors.Tensor{n.Tensors(), n.Statistics()} {
		for _, t := range list {
			own, ok := tensors[t.Name]
			if !ok {
				return fmt.Errorf("the network has a tensor %s of %v, which there is not", t.Name, t.Shape)
			}
			if len(own) != len(t.Data) {
				return fmt.Errorf("tensor %s: %d numbers for the shape %v", t.Name, len(own), t.Shape)
			}
			copy(t.Data, own)
			used++
		}
	}
	if used != len(tensors) {
		return fmt.Errorf("the network has %d tensors, there are %d", used, len(tensors))
	}
	return nil
}

// Rows brings rows of the file's input into the order of the network's.
func (m *Model) Rows(x []float32) []float32 {
	if !m.First {
		return x
	}
	out := make([]float32, len(x))
	c, size := m.FileIn[0], m.FileIn.Size()
	p := size / c
	for i, v := range x {
		out[i/size*size+i%p*c+i/p%c] = v
	}
	return out
}

// Outputs brings rows of what the network predicts into the form of the file's output:
// its order, and the softmax if it has one.
func (m *Model) Outputs(y []float32) []float32 {
	out := y
	if m.order != nil {
		out = make([]float32, len(y))
		n := len(m.order)
		for i := range out {
			out[i] = y[i/n*n+int(m.order[i%n])]
		}
	}
	if !m.Softmax {
		return out
	}
	shape, _ := m.Layer.Infer(m.In)
	c := shape[len(shape)-1]
	soft := make([]float32, len(out))
	for at := 0; at < len(out); at += c {
		most, sum := math.Inf(-1), 0.
		for _, v := range out[at : at+c] {
			most = max(most, float64(v))
		}
		for i, v := range out[at : at+c] {
			e := math.Exp(float64(v) - most)
			soft[at+i], sum = float32(e), sum+e
		}
		for i := range c {
			soft[at+i] = float32(float64(soft[at+i]) / sum)
		}
	}
	return soft
}
