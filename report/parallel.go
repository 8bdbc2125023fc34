package report

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Parallel is a diagram of parallel coordinates: an axis for each column, a line
// for each row.
type Parallel struct {
	Title   string
	Columns []Column
	Order   []float64 // of the rows, 0 the best and in front, 1 the worst
	Titles  []string  // of the rows
	Width   int       // pixels at least, more if the columns need it; 0 means 1160
}

// Column is an axis, with a value of each row; NaN leaves a gap.
type Column struct {
	Name   string
	Log    bool
	Whole  bool // the values are whole numbers
	Values []float64
	Labels []string // of the values 0, 1, 2, … of a categorical column
}

// mostName is how many pixels a name may have.
const mostName = 130.

// SVG is the diagram as an svg element.
func (p Parallel) SVG() string {
	const h = 340.
	axes, marks := make([]axis, len(p.Columns)), make([][]mark, len(p.Columns))
	for k, c := range p.Columns {
		axes[k] = newAxis(c.Log, c.Values)
		axes[k].whole = c.Whole
		if c.Labels != nil {
			axes[k] = newAxis(false, []float64{0, float64(len(c.Labels) - 1)})
		}
		axes[k].from, axes[k].to = h-24, 52
		marks[k] = c.marks(axes[k])
	}
	at, w := p.places(marks)
	var b strings.Builder
	begin(&b, w, h, fmt.Sprintf(`style="min-width:%spx"`, px(.72*w))) // narrower, its letters could not be read
	fitted(&b, 12, 18, "start", bold, p.Title, (w-24)/broader)
	rows := make([]int, len(p.Order))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int { // the best last, in front
		switch {
		case p.Order[a] > p.Order[b]:
			return -1
		case p.Order[a] < p.Order[b]:
			return 1
		}
		return 0
	})
	opacity := max(.1, min(1, 150/float64(len(rows)))) // where there are many, those behind shine through
	for _, i := range rows {
		pen, d := "M", ""
		for k, c := range p.Columns {
			if !axes[k].shows(c.Values[i]) {
				pen = "M"
				continue
			}
			d += pen + px(at[k]) + " " + px(axes[k].at(c.Values[i]))
			pen = "L"
		}
		title := ""
		if i < len(p.Titles) {
			title = "<title>" + html.EscapeString(p.Titles[i]) + "</title>"
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="%s" stroke-opacity="%.2f">%s</path>`, d, rgb(p.Order[i]), pick(p.Order[i] < .1, "1.8", "1"), opacity, title)
	}
	for k, c := range p.Columns {
		fmt.Fprintf(&b, `<line x1="%[1]s" x2="%[1]s" y1="%s" y2="%s" stroke="#6b7280"/>`, px(at[k]), px(axes[k].from), px(axes[k].to))
		fitted(&b, at[k], 42, "middle", bold, c.Name, mostName)
		for _, m := range marks[k] {
			fitted(&b, at[k]+5, m.y+4, "start", halo, m.name, mostName)
		}
	}
	b.WriteString("</svg>")
	return b.String()
}

// mark is a label beside an axis.
type mark struct {
	y    float64
	name string
}

// marks are the labels of a column: its values, if they have names and as many as
// there is room for, or its ticks.
func (c Column) marks(a axis) (out []mark) {
	if c.Labels == nil {
		ticks := a.ticks(5)
		for i, l := range a.labels(ticks) {
			out = append(out, mark{a.at(ticks[i]), l})
		}
		return out
	}
	every := apart(a.at(1)-a.at(0), 14)
	for i := 0; i < len(c.Labels); i += every {
		out = append(out, mark{a.at(float64(i)), c.Labels[i]})
	}
	return out
}

// places are the columns' positions, so far apart that neither names nor labels
// meet, and the width of all.
func (p Parallel) places(marks [][]mark) (at []float64, width float64) {
	at = make([]float64, len(p.Columns))
	name, labels := 0., 0. // of the column before: half of its name, and its labels
	x := 12.
	for k, c := range p.Columns {
		half := broader * min(breadth(c.Name), mostName) / 2
		at[k] = x + max(name+half, labels+8, 20)
		if k == 0 {
			at[k] = x + half
		}
		name, labels, x = half+10, 0, at[k]
		for _, m := range marks[k] {
			labels = max(labels, 5+min(breadth(m.name), mostName))
		}
	}
	width = x + max(name, labels) + 12
	if more := float64(or(p.Width, 1160)) - width; more > 0 { // spread them
		for k := range at {
			at[k] += more * float64(k) / float64(max(len(at)-1, 1))
		}
		width += more
	}
	return at, width
}
