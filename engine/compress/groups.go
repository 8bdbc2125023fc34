package compress

import (
	"fmt"
	"path"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// Group is channels of a network that can be cut one by one, but each only in all
// layers that share it (Fang et al. 2023, DepGraph): the outputs of a Dense or Conv,
// what follows up to the next such layer, and all that a residual or sum adds to them.
type Group struct {
	Name string // the path and name of the first layer that makes them: "0 Conv(8, 3×3)"; the heads of "2 Attention(4) heads"
	Size int    // channels, units or heads
}

// Groups are the sets of coupled channels of a network for inputs of a shape, in the
// order of their first layers. Inputs and outputs of the network are in none, nor is
// what protect holds: patterns of [path.Match] on the paths of layers ("0", "3.body.*"),
// which hold for everything within a layer. The error names the layer that does not
// fit its input.
func Groups(l engine.Layer, in data.Shape, protect ...string) ([]Group, error) {
	t, err := trace(l, in, protect)
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	return t.open(), nil
}

// traced is what one walk through a network has found out.
type traced struct {
	*walk
	layer   engine.Layer
	in      data.Shape
	groups  []Group
	roots   [][]int        // of each group: its elements
	each    map[Group]int  // features of one of them
	at      map[int]place  // of each root
	locked  map[int]string // roots that are never cut, and why
	sources []source       // with the roots of their elements
}

// place is an element of a group.
type place struct{ group, number int }

// trace finds the groups of a network.
func trace(l engine.Layer, in data.Shape, protect []string) (*traced, error) {
	if _, _, err := engine.Measure(l, in); err != nil {
		return nil, err
	}
	for _, p := range protect {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("protect: pattern %q: %w", p, err)
		}
	}
	w := &walk{protect: protect, used: make([]bool, len(protect))}
	if _, err := w.network(l, in); err != nil {
		return nil, err
	}
	for i, ok := range w.used {
		if !ok {
			return nil, fmt.Errorf("protect: %q is no layer with channels", protect[i])
		}
	}
	t := &traced{walk: w, layer: l, in: in, at: map[int]place{}, each: map[Group]int{}, locked: map[int]string{}}
	for _, k := range w.locks {
		for _, e := range k.el {
			if r := w.root(e); t.locked[r] == "" {
				t.locked[r] = k.why
			}
		}
	}
	t.gather()
	return t, nil
}

// network goes through the whole network.
func (w *walk) network(l engine.Layer, in data.Shape) (built, error) {
	w.count, w.shift = 0, nil
	el := w.fresh("input", channels(in), 1)
	w.lock(el, "it is the network's input")
	b, y, err := w.layer(l, "", made(in, el), false)
	if err != nil {
		return b, err
	}
	w.lock(y.el, "it is the network's output")
	return b, nil
}

// gather makes a group of the sources that share elements.
func (t *traced) gather() {
	var sets union
	sets.grow(len(t.walk.sources))
	first := map[int]int{} // source of each root
	for i, s := range t.walk.sources {
		roots := make([]int, len(s.el))
		for j, e := range s.el {
			roots[j] = t.root(e)
			if k, ok := first[roots[j]]; ok {
				sets.unite(i, k)
			} else {
				first[roots[j]] = i
			}
		}
		t.sources = append(t.sources, source{s.name, roots, s.each})
	}
	number := map[int]int{} // group of each set of sources
	for i, s := range t.sources {
		set := sets.root(i)
		g, ok := number[set]
		if !ok {
			g = len(t.groups)
			number[set] = g
			t.groups, t.roots = append(t.groups, Group{Name: s.name}), append(t.roots, nil)
		}
		for _, r := range s.el {
			if _, ok := t.at[r]; !ok {
				t.at[r] = place{g, len(t.roots[g])}
				t.roots[g] = append(t.roots[g], r)
			}
		}
		t.groups[g].Size = len(t.roots[g])
	}
	for i, s := range t.sources {
		g := t.groups[number[sets.root(i)]]
		t.each[g] = max(t.each[g], s.each)
	}
}

// fixed reports whether nothing of a group can be cut.
func (t *traced) fixed(g int) bool {
	return !slices.ContainsFunc(t.roots[g], func(r int) bool { return t.locked[r] == "" })
}

// open are the groups of which something can be cut.
func (t *traced) open() (out []Group) {
	for g, group := range t.groups {
		if !t.fixed(g) {
			out = append(out, group)
		}
	}
	return out
}

// index is the number of a group.
func (t *traced) index(g Group) (int, error) {
	i := slices.Index(t.groups, g)
	if i < 0 {
		return 0, fmt.Errorf("%q of %d is no group of this network", g.Name, g.Size)
	}
	return i, nil
}
