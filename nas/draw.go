package nas

import (
	"fmt"
	"html"
	"io"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// Draw writes a network as an SVG graph, from the input at the top to the output:
// every layer with weights, with the layers behind it that only transform values,
// with its output shape, its parameters and its multiply-accumulates a sample. It
// is an error if the network does not fit the input.
func Draw(w io.Writer, net engine.Seq, in data.Shape) error {
	out, cost, err := engine.Measure(net, in)
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	d := &drawing{}
	wide := columns(net)
	middle := margin + float64(wide)*columnWidth/2
	from := d.box(middle, "Input", in.String(), "in")
	from = d.seq(net, in, middle, from)
	d.box(middle, "Output", fmt.Sprintf("%v · %s parameters, %s MACs in all", out, thousands(cost.Params), brief(cost.MACs)), "in")
	d.arrow(from, len(d.nodes)-1)
	_, err = io.WriteString(w, d.svg(2*margin+float64(wide)*columnWidth))
	return err
}

const (
	columnWidth = 324.
	boxWidth    = 300.
	boxHeight   = 44.
	rowHeight   = 72.
	margin      = 20.
	joinRadius  = 13.
)

type drawing struct {
	nodes  []drawn
	arrows [][2]int
	y      float64 // where the next row begins
}

// drawn is a box with two lines, or a circle with a sign.
type drawn struct {
	x, y          float64 // of its middle and its top
	title, detail string
	class         string
}

func (d *drawing) box(x float64, title, detail, class string) int {
	d.nodes = append(d.nodes, drawn{x, d.y, title, detail, class})
	d.y += rowHeight
	return len(d.nodes) - 1
}

func (d *drawing) join(x float64, sign string, shape data.Shape) int {
	d.nodes = append(d.nodes, drawn{x, d.y, sign, shape.String(), "join"})
	d.y += 2*joinRadius + rowHeight - boxHeight
	return len(d.nodes) - 1
}

func (d *drawing) arrow(from, to int) { d.arrows = append(d.arrows, [2]int{from, to}) }

// seq draws layers in a row below a node and returns the last node.
func (d *drawing) seq(s engine.Seq, in data.Shape, x float64, from int) int {
	for i := 0; i < len(s); {
		var group engine.Seq
		for ; i < len(s) && !branches(s[i]) && (len(group) == 0 || !weighs(s[i])); i++ {
			group = append(group, s[i])
		}
		if len(group) > 0 {
			from = d.group(group, in, x, from)
			in, _ = group.Infer(in)
			continue
		}
		out, _ := s[i].Infer(in)
		switch l := s[i].(type) {
		case engine.Residual:
			from = d.parallel([]engine.Seq{l.Body, {}}, in, out, "+", x, from)
		case engine.Par:
			sign := "+"
			if l.Concat {
				sign = "∥"
			}
			from = d.parallel(l.Branches, in, out, sign, x, from)
		case engine.Cell:
			from = d.cell(l, in, x, from)
		case engine.Seq:
			from = d.seq(l, in, x, from)
		}
		in = out
		i++
	}
	return from
}

// group draws a layer with those behind it that have no place of their own.
func (d *drawing) group(s engine.Seq, in data.Shape, x float64, from int) int {
	out, cost, _ := engine.Measure(s, in) // the whole network fits
	names := make([]string, len(s))
	for i, l := range s {
		names[i] = l.String()
	}
	detail := out.String()
	if cost.Params > 0 {
		detail += fmt.Sprintf(" · %s parameters · %s MACs", thousands(cost.Params), brief(cost.MACs))
	}
	to := d.box(x, strings.Join(names, " · "), detail, "layer")
	d.arrow(from, to)
	return to
}

// parallel draws branches side by side and where they meet.
func (d *drawing) parallel(all []engine.Seq, in, out data.Shape, sign string, x float64, from int) int {
	left := x - columnWidth/2*float64(width(all))
	top, bottom := d.y, d.y
	var ends []int
	for _, s := range all {
		if len(s) == 0 {
			ends = append(ends, from)
			continue
		}
		d.y = top
		w := columnWidth * float64(columns(s))
		ends = append(ends, d.seq(s, in, left+w/2, from))
		left += w
		bottom = max(bottom, d.y)
	}
	d.y = bottom
	to := d.join(x, sign, out)
	for _, e := range ends {
		d.arrow(e, to)
	}
	return to
}

// cell draws the nodes of a cell below each other, each below the edges that
// lead to it.
func (d *drawing) cell(c engine.Cell, in data.Shape, x float64, from int) int {
	nodes, shapes := make([]int, c.Nodes), make([]data.Shape, c.Nodes)
	nodes[0], shapes[0] = from, in
	for n := 1; n < c.Nodes; n++ {
		var bodies []engine.Seq
		for _, e := range c.Edges {
			if e.To == n {
				bodies = append(bodies, e.Body)
			}
		}
		left := x - columnWidth/2*float64(width(bodies))
		top, bottom := d.y, d.y
		var ends []int
		for _, e := range c.Edges {
			if e.To != n {
				continue
			}
			out, _ := e.Body.Infer(shapes[e.From])
			if shapes[n] == nil || len(e.Body) > 0 {
				shapes[n] = out
			}
			if len(e.Body) == 0 {
				ends = append(ends, nodes[e.From])
				continue
			}
			d.y = top
			w := columnWidth * float64(columns(e.Body))
			ends = append(ends, d.seq(e.Body, shapes[e.From], left+w/2, nodes[e.From]))
			left += w
			bottom = max(bottom, d.y)
		}
		d.y = bottom
		nodes[n] = d.join(x, "+", shapes[n])
		for _, e := range ends {
			d.arrow(e, nodes[n])
		}
	}
	return nodes[c.Nodes-1]
}

// branches reports whether a layer is drawn as several.
func branches(l engine.Layer) bool {
	switch l.(type) {
	case engine.Residual, engine.Par, engine.Cell, engine.Seq:
		return true
	}
	return false
}

// weighs reports whether a layer begins a box of its own.
func weighs(l engine.Layer) bool {
	switch l.(type) {
	case engine.BatchNorm, engine.LayerNorm, engine.Dropout, engine.ReLU, engine.LeakyReLU, engine.GELU, engine.SiLU, engine.Tanh, engine.Sigmoid,
		engine.Clip, engine.HardSigmoid, engine.HardSwish, engine.ClassToken, engine.Flatten, engine.Reshape:
		return false
	}
	return true
}

// columns is how many boxes stand side by side at most.
func columns(s engine.Seq) int {
	most := 1
	for _, l := range s {
		switch l := l.(type) {
		case engine.Residual:
			most = max(most, columns(l.Body))
		case engine.Par:
			most = max(most, width(l.Branches))
		case engine.Cell:
			into := make([][]engine.Seq, max(l.Nodes, 0))
			for _, e := range l.Edges {
				into[e.To] = append(into[e.To], e.Body)
				most = max(most, width(into[e.To]))
			}
		case engine.Seq:
			most = max(most, columns(l))
		}
	}
	return most
}

// width is the columns of branches together.
func width(all []engine.Seq) int {
	n := 0
	for _, s := range all {
		if len(s) > 0 {
			n += columns(s)
		}
	}
	return max(n, 1)
}

// paint is how nodes look, by class. It stands in attributes, not in a style sheet,
// which would hold for the whole of a page that the picture is part of.
var paint = map[string]string{
	"in":    `fill="#f4f1e8" stroke="#8a7a4a"`,
	"layer": `fill="#eaf3ec" stroke="#3d7a52"`,
	"join":  `fill="#fff" stroke="#3d7a52"`,
}

// svg is the picture.
func (d *drawing) svg(wide float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]v %[2]v" width="%[1]v" height="%[2]v" font-family="system-ui, sans-serif" font-size="12">`+"\n",
		wide, d.y+margin/2)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	b.WriteString(`<defs><marker id="budwood-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#666"/></marker></defs>` + "\n")
	b.WriteString(`<g transform="translate(0 20)" text-anchor="middle" fill="#222">` + "\n")
	for _, a := range d.arrows {
		d.edge(&b, a[0], a[1])
	}
	for _, n := range d.nodes {
		if n.class == "join" {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="%.0f" %s/><text x="%.1f" y="%.1f">%s</text><text %s text-anchor="start" x="%.1f" y="%.1f">%s</text>`+"\n",
				n.x, n.y+joinRadius, joinRadius, paint[n.class], n.x, n.y+joinRadius+4, html.EscapeString(n.title), detail, n.x+joinRadius+6, n.y+joinRadius+4, html.EscapeString(n.detail))
			continue
		}
		fmt.Fprintf(&b, `<rect %s x="%.1f" y="%.1f" width="%.0f" height="%.0f" rx="6"/><text x="%.1f" y="%.1f">%s</text><text %s%s x="%.1f" y="%.1f">%s</text>`+"\n",
			paint[n.class], n.x-boxWidth/2, n.y, boxWidth, boxHeight, n.x, n.y+18, clipped(n.title), detail, squeezed(n.detail), n.x, n.y+35, html.EscapeString(n.detail))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// detail is the style of small letters.
const detail = `font-size="10" fill="#555"`

// edge is a line down to the next row, or around what lies between.
func (d *drawing) edge(b *strings.Builder, from, to int) {
	a, z := d.nodes[from], d.nodes[to]
	y := a.y + boxHeight
	if a.class == "join" {
		y = a.y + 2*joinRadius
	}
	if z.y-y > rowHeight && a.x == z.x { // something lies between
		side := a.x - boxWidth/2 - 14
		fmt.Fprintf(b, `<path fill="none" stroke="#666" marker-end="url(#budwood-tip)" d="M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f L%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f"/>`+"\n",
			a.x, y, a.x, y+16, side, y+4, side, y+24, side, z.y-16, side, z.y+joinRadius, side+20, z.y+joinRadius, z.x-joinRadius, z.y+joinRadius)
		return
	}
	fmt.Fprintf(b, `<path fill="none" stroke="#666" marker-end="url(#budwood-tip)" d="M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f"/>`+"\n", a.x, y, a.x, y+14, z.x, z.y-14, z.x, z.y)
}

// clipped fits a title into its box; the browser shows the whole.
func clipped(s string) string {
	r := []rune(s)
	if len(r) <= 40 {
		return html.EscapeString(s)
	}
	return html.EscapeString(string(r[:39])) + "…<title>" + html.EscapeString(s) + "</title>"
}

// squeezed fits small letters into a box by bringing them closer together.
func squeezed(s string) string {
	if 6.2*float64(len([]rune(s))) <= boxWidth-12 {
		return ""
	}
	return fmt.Sprintf(` textLength="%.0f" lengthAdjust="spacingAndGlyphs"`, boxWidth-12)
}

// brief writes a number, from a million on with three digits: 12,345, 1.23M, 45.6G.
func brief(n int64) string {
	if n < 1e6 {
		return thousands(n)
	}
	v, unit := float64(n)/1e6, "M"
	for _, next := range []string{"G", "T"} {
		if v >= 999.5 {
			v, unit = v/1e3, next
		}
	}
	return fmt.Sprintf("%.3g%s", v, unit)
}

// thousands writes a number with a comma after every three digits.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
