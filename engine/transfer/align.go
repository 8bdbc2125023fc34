package transfer

import (
	"fmt"
	"reflect"

	"budwood/engine"
)

// walk aligns two sequences of layers and hands the weights over. Layers between
// aligned ones are gone or new.
func (m *transfer) walk(p, c []item, f featureMap) featureMap {
	var gone, fresh []item
	for _, pair := range align(p, c) {
		switch {
		case pair.c == nil:
			gone = append(gone, *pair.p)
		case pair.p == nil:
			fresh = append(fresh, *pair.c)
		default:
			f = m.layer(*pair.p, *pair.c, m.replace(gone, fresh, f))
			gone, fresh = nil, nil
		}
	}
	return m.replace(gone, fresh, f)
}

// replace puts new layers in the place of some that are gone. What a new residual
// goes around, or a residual that is gone went around, is aligned once more.
func (m *transfer) replace(gone, fresh []item, f featureMap) featureMap {
	for i, c := range fresh {
		r, ok := c.layer.(engine.Residual)
		if !ok || !related(gone, items(r.Body, inside(c.path, "body"))) {
			continue
		}
		f = m.insertAll(fresh[:i], f)
		in := f.now
		f = m.walk(gone, items(r.Body, inside(c.path, "body")), f)
		if l, _ := engine.Projection(in, f.now); l != nil {
			m.fill(inside(c.path, "projection.weight"), 0)
		} else {
			f.exact, f.positive, f.cut = false, false, false
		}
		return m.insertAll(fresh[i+1:], f)
	}
	for i, p := range gone {
		if r, ok := p.layer.(engine.Residual); ok {
			body := items(r.Body, inside(p.path, "body"))
			if related(body, fresh) {
				f.exact, f.cut = false, false
				return m.walk(append(append(append([]item{}, gone[:i]...), body...), gone[i+1:]...), fresh, f)
			}
		}
	}
	for _, p := range gone {
		f = f.without(p.layer)
	}
	return m.insertAll(fresh, f)
}

// related reports whether two sequences share layers with weights.
func related(p, c []item) bool {
	for _, pair := range align(p, c) {
		if pair.p != nil && pair.c != nil && weighty(pair.c.layer) {
			return true
		}
	}
	return false
}

// without is the feature map when the parent goes through a layer that the child lacks.
func (f featureMap) without(l engine.Layer) featureMap {
	if _, ok := l.(engine.Dropout); ok {
		return f
	}
	was, err := l.Infer(f.was)
	f.exact, f.positive, f.cut = false, false, false
	if err == nil && last(was) != last(f.was) {
		f.src = prefix(last(f.now), last(was))
	}
	f.was = was
	return f
}

// pair is two aligned layers, or one that the other side lacks.
type pair struct{ p, c *item }

// align finds the alignment that keeps most (Needleman & Wunsch 1970), and of
// equal ones the earliest.
func align(p, c []item) []pair {
	best := make([][]int, len(p)+1)
	for i := range best {
		best[i] = make([]int, len(c)+1)
	}
	for i := len(p) - 1; i >= 0; i-- {
		for j := len(c) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if s := likeness(p[i].layer, c[j].layer); s > 0 {
				best[i][j] = max(best[i][j], s+best[i+1][j+1])
			}
		}
	}
	var out []pair
	i, j := 0, 0
	for i < len(p) && j < len(c) {
		s := likeness(p[i].layer, c[j].layer)
		switch {
		case s > 0 && best[i][j] == s+best[i+1][j+1]:
			out = append(out, pair{&p[i], &c[j]})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			out = append(out, pair{p: &p[i]})
			i++
		default:
			out = append(out, pair{c: &c[j]})
			j++
		}
	}
	for ; i < len(p); i++ {
		out = append(out, pair{p: &p[i]})
	}
	for ; j < len(c); j++ {
		out = append(out, pair{c: &c[j]})
	}
	return out
}

// likeness is what it is worth to align two layers; 0: not to be aligned.
func likeness(p, c engine.Layer) int {
	_, _, oneSum := legs(p, "", nil)
	_, _, otherSum := legs(c, "", nil)
	if reflect.TypeOf(p) != reflect.TypeOf(c) && !(oneSum && otherSum) {
		return 0
	}
	s := 2
	if weighty(c) {
		s = 4
	}
	if a, ok := p.(engine.Conv); ok && (a.Groups > 1) != (c.(engine.Conv).Groups > 1) {
		return 0
	}
	if fmt.Sprint(p) == fmt.Sprint(c) {
		s++
	}
	return s
}

// weighty reports whether a layer has weights of its own that matter.
func weighty(l engine.Layer) bool {
	switch l.(type) {
	case engine.Dense, engine.Conv, engine.Conv1D, engine.Attention, engine.GRU, engine.Embedding,
		engine.Residual, engine.Par, engine.Cell, engine.Transformer, engine.FPN:
		return true
	}
	return false
}
