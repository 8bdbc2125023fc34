package engine

import (
	"strconv"

	"budwood/engine/internal/plan"
)

// A network is a chain of layers: those of its [Seq], and of every Seq in that. It is
// cut into segments, which are what is computed again (recompute.go) and what stages of
// a pipeline consist of. A segment begins at a layer that does products or has layers of
// its own; what follows without (activations, norms, dropout, pools, shapes) belongs to
// it, so that no cut is inside of what is computed in one: a convolution and its batch
// norm, a layer and its activation, a norm and its pool.

// link is a layer of the chain.
type link struct {
	path  []string // its name, from the outside
	layer Layer
	next  []Layer // those behind it in its Seq
}

// chain are the layers of a network in their order.
func chain(l Layer) []link { return appendChain(nil, nil, link{layer: l}) }

func appendChain(links []link, path []string, l link) []link {
	s, ok := l.layer.(Seq)
	if !ok {
		l.path = path
		return append(links, l)
	}
	for i, inner := range s {
		links = appendChain(links, append(path[:len(path):len(path)], strconv.Itoa(i)), link{layer: inner, next: s[i+1:]})
	}
	return links
}

// segments are the first layers of the segments of a chain, and its length.
func segments(links []link) []int {
	starts := []int{0}
	for i := range links {
		if i > 0 && begins(links[i].layer) {
			starts = append(starts, i)
		}
	}
	return append(starts, len(links))
}

// begins reports whether a segment begins at a layer.
func begins(l Layer) bool {
	switch l.(type) {
	case ReLU, LeakyReLU, GELU, SiLU, Tanh, Sigmoid, Clip, HardSigmoid, HardSwish, Dropout, Flatten, Reshape, LastStep, Positional,
		BatchNorm, LayerNorm, GroupNorm, MaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool:
		return false
	}
	return true
}

// buildChain builds layers of a chain, as [Seq] does: a layer takes those behind it
// along that its kernels have built in.
func buildChain(b *plan.Builder, links []link, x plan.Tensor) plan.Tensor {
	for i := 0; i < len(links); i++ {
		l, taken := &links[i], 0
		within(b, l.path, func() {
			if f, ok := l.layer.(fuser); ok {
				x, taken = f.fuse(b, x, l.next)
			} else {
				x = l.layer.build(b, x)
			}
		})
		for range taken {
			i++
			within(b, links[i].path, func() { b.Rows[b.Layer(links[i].layer, x.Shape, 0)].Note = "in the layer above" })
		}
	}
	return x
}

// within runs f below a path of names.
func within(b *plan.Builder, path []string, f func()) {
	if len(path) == 0 {
		f()
		return
	}
	b.Within(path[0], func() { within(b, path[1:], f) })
}
