package engine

import (
	"strings"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/layout"
)

// Outline is a network as a list of its top-level layers, with what each computes,
// keeps and takes on a machine, before anything is allocated. The first layer has the
// gathering of rows with it, the last the loss. m nil leaves the times out. The error is
// that of [Footprint].
func Outline(l Layer, in data.Shape, c Config, m *Machine) ([]layout.Layer, error) {
	out, err := fitting(l, in)
	if err != nil {
		return nil, err
	}
	c = c.defaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.level().Enter() // it decides what is computed in pairs
	defer kernel.Leave()
	b, _, _ := plan.New(in, c.Batch, c.Precision.format(), l.build)
	return layersOf(b, in, out, &c, c.Batch, m), nil
}

// layersOf is [Outline] of a network that is planned, for micro-batches of about so many rows.
func layersOf(b *plan.Builder, in, out data.Shape, c *Config, rows int, m *Machine) []layout.Layer {
	kept := b.Kept()
	var list []layout.Layer
	var of []layerWork
	before := in
	for i, w := range works(b, rows) {
		r := &b.Rows[i]
		top, _, within := strings.Cut(r.Path, ".")
		name := top
		if !within {
			name = strings.TrimSpace(top + " " + r.Layer)
		}
		if n := len(list); n == 0 || first(list[n-1].Name) != top {
			list = append(list, layout.Layer{Name: name, Rows: float64(plan.Places(r.Out)), Input: 4 * float64(before.Size())})
			of = append(of, layerWork{})
			if r.Note == "in the layer above" {
				list[n].Joined = true
			}
		}
		n := len(list) - 1
		l := &list[n]
		l.Params += float64(r.Params)
		l.Kept += 4 * float64(kept[i])
		l.Bytes += w.forward[1].Bytes
		if isAttention(b, i) {
			l.Scores += float64(r.MACs)
		} else if l.Products += float64(r.MACs); r.MACs > 0 {
			l.Width = max(l.Width, float64(r.Out[len(r.Out)-1]))
		}
		of[n].add(&w)
		if !within {
			before = r.Out
		}
	}
	if len(list) == 0 { // nothing is computed
		list, of = append(list, layout.Layer{Name: "input", Input: 4 * float64(in.Size())}), append(of, layerWork{})
	}
	feed := feedWork(in, out, c)
	of[0].addForward(&feed)
	of[len(of)-1].addBackward(&feed)
	if m == nil {
		return list
	}
	for i := range list {
		list[i].Forward = layout.Seconds{Once: m.seconds(of[i].forward[0], c.Precision), Each: m.seconds(of[i].forward[1], c.Precision)}
		list[i].Backward = layout.Seconds{Once: m.seconds(of[i].backward[0], c.Precision), Each: m.seconds(of[i].backward[1], c.Precision)}
	}
	return list
}

// first is the first word.
func first(s string) string {
	s, _, _ = strings.Cut(s, " ")
	return s
}

// isAttention reports whether the ops of a row multiply samples with themselves.
func isAttention(b *plan.Builder, row int) bool {
	for i, at := range b.Owner {
		if _, is := b.Ops[i].(*attention); is && at == row {
			return true
		}
	}
	return false
}

func (w *layerWork) add(o *layerWork) {
	w.addForward(o)
	w.addBackward(o)
}

func (w *layerWork) addForward(o *layerWork) {
	for i := range o.forward {
		w.forward[i].add(o.forward[i], 1)
	}
}

func (w *layerWork) addBackward(o *layerWork) {
	for i := range o.backward {
		w.backward[i].add(o.backward[i], 1)
	}
}
