package report

import (
	"fmt"
	"strings"
)

// Bars is a diagram of horizontal bars, several a name.
type Bars struct {
	Title  string
	Names  []string // of the rows
	Groups []Group
	Width  int // pixels; 0 means 440
}

// Group is one bar for each row.
type Group struct {
	Name   string
	Values []float64 // at least 0
}

// SVG is the diagram as an svg element.
func (c Bars) SVG() string {
	const bar, gap = 12., 8.
	w := float64(or(c.Width, 440))
	row := gap + bar*float64(max(len(c.Groups), 1))
	left, most := min(max(44, broadest(c.Names)), .38*w)+18, 0.
	var entries []entry
	for k, g := range c.Groups {
		entries = append(entries, entry{g.Name, palette[k%len(palette)]})
		for _, v := range g.Values {
			most = max(most, v)
		}
	}
	legend, lines := legend(entries, w-24)
	head := 32 + 18*lines
	var b strings.Builder
	begin(&b, w, head+row*float64(len(c.Names))+2, "")
	fitted(&b, 12, 18, "start", bold, c.Title, (w-24)/broader)
	fmt.Fprintf(&b, `<g transform="translate(12 40)">%s</g>`, legend)
	for i, name := range c.Names {
		y := head + row*float64(i)
		fitted(&b, left-8, y+(row-gap)/2+4, "end", "", name, left-18)
		for k, g := range c.Groups {
			if i >= len(g.Values) {
				continue
			}
			wide := 0.
			if most > 0 {
				wide = g.Values[i] / most * (w - left - 60)
			}
			top := y + bar*float64(k)
			fmt.Fprintf(&b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`, px(left), px(top), px(wide), px(bar-1), palette[k%len(palette)])
			text(&b, left+wide+5, top+bar-2, "start", `font-size="11"`, fmt.Sprintf("%.0f %%", 100*g.Values[i]))
		}
	}
	b.WriteString("</svg>")
	return b.String()
}
