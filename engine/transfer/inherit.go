package transfer

import (
	"fmt"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/safetensors"
)

// Inherited is what a network has taken over from another.
type Inherited struct {
	// Exact means that in inference the network computes what its parent does, up
	// to rounding.
	Exact   bool
	Tensors int // that took values of the parent, whole or in part
	Of      int // all tensors, running statistics included
}

// Inherit gives a fresh network the weights and running statistics of a trained
// one from which it differs by a few layers, so that it goes on from there. Layers
// are aligned in their order, and the changes between them are network morphisms
// (Chen et al. 2016, Net2Net; Wei et al. 2016; Cai et al. 2018) where there is one,
// so that the function stays the same:
//
//   - more units, channels or features: the new ones start at random, the
//     weights that lead out of them at 0;
//   - a larger kernel: zeros around the old one;
//   - one more dense layer or convolution of at least the width before it: the
//     identity; a batch norm with it; a ReLU or leaky ReLU with it if no value before
//     it is negative, as behind another ReLU, or if a ReLU follows;
//   - one more residual block, branch of a sum or transformer: what it adds starts
//     at 0, if it does not end in a ReLU, through which nothing would flow back;
//   - a residual around layers that are there, if the shortcut has a projection: at 0;
//   - one more branch of a concatenation: new features, as above; dropout.
//
// After other changes the network takes over every part of a tensor whose place and
// shape match (Real et al. 2017), and the rest stays as it was compiled. Batch norm
// keeps its function in inference alone: an inserted one starts with mean 0 and
// variance 1, and in training normalises by the batch at once.
//
// Inherit changes nothing of the parent. The error says that inputs or outputs have
// other shapes; then the child is unchanged too.
func Inherit(child, parent *engine.Net) (Inherited, error) {
	if !child.In().Equal(parent.In()) || !child.Out().Equal(parent.Out()) {
		return Inherited{}, fmt.Errorf("inherit weights: a network from %v to %v has no use for those of one from %v to %v",
			child.In(), child.Out(), parent.In(), parent.Out())
	}
	m := transfer{from: tensorsOf(parent), to: tensorsOf(child), taken: map[string]bool{}}
	in := child.In()
	f := featureMap{was: in, now: in, src: prefix(last(in), last(in)), exact: true}
	f = m.walk(items(parent.Layer(), ""), items(child.Layer(), ""), f)
	return Inherited{Exact: f.same(), Tensors: len(m.taken), Of: len(m.to)}, nil
}

// tensorsOf are the tensors of a network by name.
func tensorsOf(n *engine.Net) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, t := range n.Tensors() {
		out[t.Name] = t
	}
	for _, t := range n.Statistics() {
		out[t.Name] = t
	}
	return out
}

// transfer is a weight transfer from a parent to a child, tensor by tensor.
type transfer struct {
	from, to map[string]safetensors.Tensor
	taken    map[string]bool // of the child's tensors
}

// featureMap is what runs through both networks between two layers.
type featureMap struct {
	was, now data.Shape // of a sample in the parent and the child
	src      []int      // for each feature of the child (the last axis) that of the parent, or -1: a new one
	// exact means that the features with a source have its values, and that each of
	// the parent's is the source of one.
	exact    bool
	positive bool // no value of the parent is negative
	// cut means that it would be exact behind a ReLU: the features have the parent's
	// values where those are positive, else 0.
	cut bool
}

// same means that the child has the parent's values and no others.
func (f featureMap) same() bool {
	for i, s := range f.src {
		if s != i {
			return false
		}
	}
	return f.exact && f.was.Equal(f.now)
}

// after is the feature map behind a layer of the child whose features are as those of the
// parent, as far as there are.
func (f featureMap) after(was, now data.Shape) featureMap {
	f.was, f.now, f.positive, f.cut = was, now, false, false
	f.src = prefix(last(now), last(was))
	f.exact = f.exact && last(now) >= last(was)
	return f
}

// flat is the feature map behind a flattening.
func (f featureMap) flat() featureMap {
	if len(f.now) == 1 && len(f.was) == 1 {
		return f
	}
	places, features := f.now.Size()/last(f.now), last(f.was)
	same := f.now[:len(f.now)-1].Equal(f.was[:len(f.was)-1])
	var src []int
	for at := range places {
		for _, s := range f.src {
			if s >= 0 && same {
				s += at * features
			} else {
				s = -1
			}
			src = append(src, s)
		}
	}
	f.was, f.now, f.src, f.exact = data.Shape{f.was.Size()}, data.Shape{f.now.Size()}, src, f.exact && same
	return f
}

// prefix maps the first features to their like.
func prefix(now, was int) []int {
	src := make([]int, now)
	for i := range src {
		src[i] = i
		if i >= was {
			src[i] = -1
		}
	}
	return src
}

func last(s data.Shape) int { return s[len(s)-1] }

// item is a layer with the path of its tensors.
type item struct {
	layer engine.Layer
	path  string
}

// items are a layer, or the layers of a sequence.
func items(l engine.Layer, path string) []item {
	s, ok := l.(engine.Seq)
	if !ok {
		return []item{{l, path}}
	}
	var out []item
	for i, l := range s {
		out = append(out, items(l, inside(path, strconv.Itoa(i)))...)
	}
	return out
}

func inside(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }
