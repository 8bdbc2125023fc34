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
	Width   int       // pixels; 0 means 960
}

// Column is an axis, with a value of each row; NaN leaves a gap.
type Column struct {
	Name   string
	Log    bool
	Whole  bool // the values are whole numbers
	Values []float64
	Labels []string // of the values 0, 1, 2, … of a categorical column
}

// SVG is the diagram as an svg element.
func (p Parallel) SVG() string {
	w, h := float64(or(p.Width, 960)), 340.
	var b strings.Builder
	begin(&b, w, h)
	text(&b, 12, 18, "start", `font-weight="600"`, p.Title)
	axes, at := make([]axis, len(p.Columns)), make([]float64, len(p.Columns))
	for k, c := range p.Columns {
		axes[k] = newAxis(c.Log, c.Values)
		axes[k].whole = c.Whole
		if c.Labels != nil {
			axes[k] = newAxis(false, []float64{0, float64(len(c.Labels) - 1)})
		}
		axes[k].from, axes[k].to = h-24, 52
		at[k] = 60 + (w-140)*float64(k)/float64(max(len(p.Columns)-1, 1))
	}
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
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="%s">%s</path>`, d, rgb(p.Order[i]), pick(p.Order[i] < .1, "1.8", "1"), title)
	}
	for k, c := range p.Columns {
		fmt.Fprintf(&b, `<line x1="%[1]s" x2="%[1]s" y1="%s" y2="%s" stroke="#6b7280"/>`, px(at[k]), px(axes[k].from), px(axes[k].to))
		text(&b, at[k], 42, "middle", `font-weight="600"`, c.Name)
		if c.Labels != nil {
			for i, l := range c.Labels {
				text(&b, at[k]+5, axes[k].at(float64(i))+4, "start", halo, l)
			}
			continue
		}
		for _, v := range axes[k].ticks(5) {
			text(&b, at[k]+5, axes[k].at(v)+4, "start", halo, label(v))
		}
	}
	b.WriteString("</svg>")
	return b.String()
}

// halo keeps letters readable over lines.
const halo = `font-size="11" stroke="#fff" stroke-width="3" paint-order="stroke"`
