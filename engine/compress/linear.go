package compress

import (
	"cmp"
	"fmt"
	"slices"

	"budwood/engine"
)

// product is what a Dense, Conv or Conv1D has: weights of taps × in/groups × out.
type product struct {
	taps, groups, out int
	noBias            bool
}

func productOf(l engine.Layer) (p product, ok bool) {
	side := func(kernel int) int {
		if kernel == 0 {
			return 3
		}
		return kernel
	}
	switch l := l.(type) {
	case engine.Dense:
		return product{1, 1, l.Out, l.NoBias}, true
	case engine.Conv:
		k := side(l.Kernel)
		return product{k * cmp.Or(l.Columns.Size, k), max(l.Groups, 1), l.Out, l.NoBias}, true
	case engine.Conv1D:
		return product{side(l.Kernel), max(l.Groups, 1), l.Out, l.NoBias}, true
	}
	return p, false
}

// like is the layer with other sizes.
func (p product) like(l engine.Layer) engine.Layer {
	was, _ := productOf(l)
	switch l := l.(type) {
	case engine.Dense:
		l.Out, l.NoBias = p.out, p.noBias
		return l
	case engine.Conv:
		if l.Out, l.NoBias = p.out, p.noBias; p.groups != was.groups {
			l.Groups = p.groups
		}
		return l
	case engine.Conv1D:
		if l.Out, l.NoBias = p.out, p.noBias; p.groups != was.groups {
			l.Groups = p.groups
		}
		return l
	}
	return l
}

// linear goes through a Dense, Conv or Conv1D. Its output begins a set of channels, or
// belongs to out; that of a depthwise convolution, of one channel a group, stays with
// its input. norm says that a batch norm is right behind the layer.
func (w *walk) linear(l engine.Layer, at string, x value, out []int, norm bool) (built, value, error) {
	shape, err := l.Infer(x.shape)
	if err != nil {
		return built{}, x, err
	}
	if d, ok := l.(engine.Dense); ok && !d.PerStep {
		x = x.flat()
	}
	p, _ := productOf(l)
	name := title(at, l)
	per, perOut := len(x.el)/p.groups, p.out/p.groups
	depthwise := p.groups > 1 && per == 1
	switch {
	case depthwise:
		for i := range p.out {
			out = append(out, x.el[i/perOut])
		}
	case out == nil:
		out = w.fresh(name, p.out, 1)
	}
	w.touch(at, x.el, out)
	w.member(inside(at, "weight"), kernel, out)
	if !depthwise {
		w.reader(inside(at, "weight"), p, x.el)
	}
	if !p.noBias {
		w.member(inside(at, "bias"), bias, out)
	}
	y := made(shape, out)
	now := product{p.taps, p.groups, len(w.places(out)), p.noBias}
	if now.out == 0 {
		return built{}, y, fmt.Errorf("%s: no channel would be left", name)
	}
	if depthwise {
		now.groups = len(w.places(x.el))
	} else if p.groups > 1 {
		ins, outs := slices.Collect(slices.Chunk(x.el, per)), slices.Collect(slices.Chunk(out, perOut))
		w.even(name, ins)
		w.even(name, outs)
		for _, side := range [][][]int{ins, outs} {
			if err := w.isEven(name, side); err != nil {
				return built{}, y, err
			}
		}
	}
	b := built{}
	some := !depthwise && w.leaves(x)
	now.noBias = p.noBias && (!some || norm)
	if w.old != nil {
		var rest []float32
		if some {
			rest = w.leftover(inside(at, "weight"), x, p)
		}
		if weight := w.weights(inside(at, "weight"), x.el, out, p, depthwise); weight != nil {
			b.put("weight", built{tensors: map[string][]float32{"": weight}})
		}
		switch {
		case p.noBias && rest != nil && norm:
			w.shift = rest
		case p.noBias && rest != nil:
			b.put("bias", built{tensors: map[string][]float32{"": w.these(rest, out)}})
		case !p.noBias:
			own := slices.Clone(w.old[inside(at, "bias")])
			for i, v := range rest {
				own[i] += v
			}
			b.put("bias", built{tensors: map[string][]float32{"": w.these(own, out)}})
		}
	}
	b.layer = now.like(l)
	return b, y, nil
}

// isEven tells whether the same number is kept of every block.
func (w *walk) isEven(layer string, blocks [][]int) error {
	least, most := len(blocks[0]), 0
	for _, b := range blocks {
		n := len(w.places(b))
		least, most = min(least, n), max(most, n)
	}
	if least != most {
		return fmt.Errorf("%s: its groups would have between %d and %d channels: the same number must go from each", layer, least, most)
	}
	return nil
}

// these are the values at the kept places of an axis.
func (w *walk) these(x []float32, el []int) []float32 {
	var out []float32
	for _, i := range w.places(el) {
		out = append(out, x[i])
	}
	return out
}

// weights are those of taps × in/groups × out that are left.
func (w *walk) weights(name string, in, out []int, p product, depthwise bool) []float32 {
	if depthwise || p.groups == 1 {
		if depthwise {
			return w.cut(name, out)
		}
		return w.cut(name, in, out)
	}
	per, perOut := len(in)/p.groups, len(out)/p.groups
	kept := make([][]int, p.groups) // inputs of each group
	for g := range kept {
		kept[g] = w.places(in[g*per : (g+1)*per])
	}
	var to []float32
	for t := range p.taps {
		for k := range kept[0] {
			for o, e := range out {
				if w.keeps(e) {
					to = append(to, w.old[name][(t*per+kept[o/perOut][k])*len(out)+o])
				}
			}
		}
	}
	return to
}

// leaves reports whether inputs that are cut leave constants.
func (w *walk) leaves(x value) bool {
	for i, e := range x.el {
		if !w.keeps(e) && (w.mean || x.rest[i] != 0) {
			return true
		}
	}
	return false
}

// leftover is what the inputs that are cut add to each output as constants: Σ w·c, in
// which c is the mean of the input if it is known, else what is left of a masked
// channel. It is exact but for the zeros of a padding.
func (w *walk) leftover(name string, x value, p product) []float32 {
	weights, n := w.old[name], len(x.el)
	per, perOut := n/p.groups, p.out/p.groups
	sums := make([]float64, p.out)
	for i, e := range x.el {
		c := w.constant(name, x, i)
		if w.keeps(e) || c == 0 {
			continue
		}
		for t := range p.taps {
			for o := i / per * perOut; o < (i/per+1)*perOut; o++ {
				sums[o] += c * float64(weights[(t*per+i%per)*p.out+o])
			}
		}
	}
	out := make([]float32, p.out)
	for i, v := range sums {
		out[i] = float32(v)
	}
	return out
}

// constant stands for an input of weights that is cut.
func (w *walk) constant(weight string, x value, i int) float64 {
	means, ok := w.means[weight]
	if !ok {
		return float64(x.rest[i])
	}
	n, sum := len(x.el), 0.
	for j := i; j < len(means); j += n {
		sum += means[j]
	}
	return sum * float64(n) / float64(len(means))
}
