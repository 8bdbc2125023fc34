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
	Width  int // pixels; 0 means 620
}

// Group is one bar for each row.
type Group struct {
	Name   string
	Values []float64 // at least 0
}

// SVG is the diagram as an svg element.
func (c Bars) SVG() string {
	const bar, gap = 11., 8.
	w := float64(or(c.Width, 620))
	row := gap + bar*float64(max(len(c.Groups), 1))
	h := 44 + row*float64(len(c.Names))
	left, most := 60., 0.
	for _, n := range c.Names {
		left = max(left, 16+6.8*float64(len([]rune(n))))
	}
	for _, g := range c.Groups {
		for _, v := range g.Values {
			most = max(most, v)
		}
	}
	var b strings.Builder
	begin(&b, w, h)
	text(&b, 12, 18, "start", `font-weight="600"`, c.Title)
	at := left
	for k, g := range c.Groups {
		fmt.Fprintf(&b, `<rect x="%s" y="27" width="14" height="6" fill="%s"/>`, px(at), palette[k%len(palette)])
		text(&b, at+18, 34, "start", "", g.Name)
		at += 34 + 6.8*float64(len([]rune(g.Name)))
	}
	for i, name := range c.Names {
		y := 42 + row*float64(i)
		text(&b, left-8, y+row/2, "end", "", name)
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
			text(&b, left+wide+5, top+bar-2, "start", `font-size="10"`, fmt.Sprintf("%.0f %%", 100*g.Values[i]))
		}
	}
	b.WriteString("</svg>")
	return b.String()
}
