package compress

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"budwood/engine"
)

// built is a layer of a new network with its tensors: their names are those within
// the layer.
type built struct {
	layer   engine.Layer
	tensors map[string][]float32
}

// put takes over the tensors of a part of the layer under its name.
func (b *built) put(name string, part built) {
	if b.tensors == nil {
		b.tensors = map[string][]float32{}
	}
	for n, t := range part.tensors {
		b.tensors[inside(name, n)] = t
	}
}

func inside(path, name string) string { return strings.Trim(path+"."+name, ".") }

// tensorsOf are parameters and running statistics by name.
func tensorsOf(n *engine.Net) map[string][]float32 {
	out := map[string][]float32{}
	for _, t := range slices.Concat(n.Tensors(), n.Statistics()) {
		out[t.Name] = t.Data
	}
	return out
}

// within are the tensors of a layer, by their names in it.
func within(all map[string][]float32, path string) map[string][]float32 {
	if path == "" {
		return maps.Clone(all)
	}
	out := map[string][]float32{}
	for name, t := range all {
		if own, ok := strings.CutPrefix(name, path+"."); ok {
			out[own] = t
		}
	}
	return out
}

// compile makes the network of a layer and its tensors, with the inputs and the
// configuration of another.
func (b built) compile(of *engine.Net) (*engine.Net, error) {
	n, err := engine.Compile(b.layer, of.In(), of.Config())
	if err != nil {
		return nil, err
	}
	count := 0
	for _, t := range slices.Concat(n.Tensors(), n.Statistics()) {
		from, ok := b.tensors[t.Name]
		if !ok || len(from) != len(t.Data) {
			return nil, fmt.Errorf("tensor %s has %d values, %d are known", t.Name, len(t.Data), len(from))
		}
		copy(t.Data, from)
		count++
	}
	if count != len(b.tensors) {
		return nil, fmt.Errorf("%d tensors for the %d of the network", len(b.tensors), count)
	}
	return n, nil
}

// alive tells whether there is a network.
func alive(n *engine.Net) error {
	if n == nil || n.Layer() == nil {
		return fmt.Errorf("there is no network")
	}
	return nil
}
