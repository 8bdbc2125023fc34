package report

import (
	"fmt"
	"html"
	"strings"
)

// Chart is a diagram of some series over two axes.
type Chart struct {
	Title      string
	X, Y       string // names of the axes
	LogX, LogY bool
	WholeX     bool // the values along X are whole numbers
	Width      int  // pixels; 0 means 620
	Height     int  // 0 means 320; a legend of several lines adds to it
	Series     []Series
	Names      []string // of the values 0, 1, 2, … of x, where those are categories
}

// Series are points of a chart. Points that cannot be shown leave a gap.
type Series struct {
	Name   string // in the legend; "" means not there
	X, Y   []float64
	Low    []float64 // with High: a band around the line
	High   []float64
	Kind   Kind
	Color  string   // "" means the next of the palette
	Faint  bool     // thin, behind
	Titles []string // of the points, shown by the browser
}

// Kind is how a series is drawn.
type Kind int

// The kinds of series.
const (
	Line  Kind = iota
	Steps      // a line that keeps its value until the next point
	Dots
)

// palette are colours that colour-blind readers can tell apart (Okabe & Ito 2008).
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"}

// SVG is the chart as an svg element.
func (c Chart) SVG() string {
	w, h := float64(or(c.Width, 620)), float64(or(c.Height, 320))
	var xs, ys [][]float64
	for _, s := range c.Series {
		xs = append(xs, s.X)
		ys = append(ys, s.Y, s.Low, s.High)
	}
	x, y := newAxis(c.LogX, xs...), newAxis(c.LogY, ys...)
	x.whole = c.WholeX
	legend, lines := c.legend(w - 76)
	h += 18 * max(lines-1, 0)
	x.from, x.to = 64, w-12
	y.from, y.to = h-46, 14
	if c.Title != "" {
		y.to += 18
	}
	y.to += 18 * lines
	var b strings.Builder
	begin(&b, w, h)
	if c.Title != "" {
		text(&b, x.from, 18, "start", `font-weight="600"`, c.Title)
	}
	fmt.Fprintf(&b, `<g transform="translate(%s %s)">%s</g>`, px(x.from), px(y.to+8-18*lines), legend)
	c.frame(&b, x, y, h)
	for pass := range 2 { // the faint ones first
		for i, s := range c.Series {
			if s.Faint != (pass == 0) {
				continue
			}
			if s.Color == "" {
				s.Color = c.color(i)
			}
			s.draw(&b, x, y)
		}
	}
	b.WriteString("</svg>")
	return b.String()
}

// color is that of series i.
func (c Chart) color(i int) string {
	n := 0
	for _, s := range c.Series[:i] {
		if s.Color == "" {
			n++
		}
	}
	return palette[n%len(palette)]
}

// legend is as many lines of names as they need.
func (c Chart) legend(width float64) (svg string, lines float64) {
	var b strings.Builder
	at := width + 1
	for i, s := range c.Series {
		if s.Name == "" {
			continue
		}
		wide := 30 + 6.9*float64(len([]rune(s.Name)))
		if at+wide > width && at > 0 {
			at = 0
			lines++
		}
		color := s.Color
		if color == "" {
			color = c.color(i)
		}
		y := 18 * (lines - 1)
		fmt.Fprintf(&b, `<rect x="%s" y="%s" width="14" height="4" fill="%s"/>`, px(at), px(y-8), color)
		text(&b, at+18, y-2, "start", "", s.Name)
		at += wide
	}
	return b.String(), lines
}

// frame draws the grid, the ticks and the names of the axes.
func (c Chart) frame(b *strings.Builder, x, y axis, h float64) {
	for _, v := range y.ticks(6) {
		fmt.Fprintf(b, `<line x1="%s" x2="%s" y1="%[3]s" y2="%[3]s" stroke="#e5e7eb"/>`, px(x.from), px(x.to), px(y.at(v)))
		text(b, x.from-6, y.at(v)+4, "end", "", label(v))
	}
	if c.Names != nil {
		for i, name := range c.Names {
			text(b, x.at(float64(i)), y.from+16, "middle", "", name)
		}
	} else {
		for _, v := range x.ticks(max(int(x.to-x.from)/80, 3)) {
			fmt.Fprintf(b, `<line x1="%[1]s" x2="%[1]s" y1="%s" y2="%s" stroke="#e5e7eb"/>`, px(x.at(v)), px(y.from), px(y.to))
			text(b, x.at(v), y.from+16, "middle", "", label(v))
		}
	}
	fmt.Fprintf(b, `<path d="M%s %sV%sH%s" fill="none" stroke="#6b7280"/>`, px(x.from), px(y.to), px(y.from), px(x.to))
	text(b, (x.from+x.to)/2, h-8, "middle", "", c.X)
	text(b, 0, 0, "middle", fmt.Sprintf(`transform="translate(12 %s) rotate(-90)"`, px((y.from+y.to)/2)), c.Y)
}

func (s Series) draw(b *strings.Builder, x, y axis) {
	if s.Low != nil && s.High != nil {
		var up, down []string
		for i := range s.X {
			if x.shows(s.X[i]) && y.shows(s.Low[i]) && y.shows(s.High[i]) {
				up = append(up, px(x.at(s.X[i]))+" "+px(y.at(s.High[i])))
				down = append([]string{px(x.at(s.X[i])) + " " + px(y.at(s.Low[i]))}, down...)
			}
		}
		if len(up) > 1 {
			fmt.Fprintf(b, `<path d="M%sZ" fill="%s" fill-opacity="0.12"/>`, strings.Join(append(up, down...), "L"), s.Color)
		}
	}
	if s.Kind == Dots {
		for i := range s.X {
			if !x.shows(s.X[i]) || !y.shows(s.Y[i]) {
				continue
			}
			title := ""
			if i < len(s.Titles) {
				title = "<title>" + html.EscapeString(s.Titles[i]) + "</title>"
			}
			fmt.Fprintf(b, `<circle cx="%s" cy="%s" r="%s" fill="%s" fill-opacity="0.75">%s</circle>`,
				px(x.at(s.X[i])), px(y.at(s.Y[i])), pick(s.Faint, "2.5", "4"), s.Color, title)
		}
		return
	}
	var d strings.Builder
	pen, n, last := "M", 0, 0
	for i := range s.X {
		if !x.shows(s.X[i]) || !y.shows(s.Y[i]) {
			pen = "M"
			continue
		}
		if s.Kind == Steps && pen == "L" {
			fmt.Fprintf(&d, "H%s", px(x.at(s.X[i])))
		}
		fmt.Fprintf(&d, "%s%s %s", pen, px(x.at(s.X[i])), px(y.at(s.Y[i])))
		pen, last = "L", i
		n++
	}
	if n == 1 { // no line to see
		fmt.Fprintf(b, `<circle cx="%s" cy="%s" r="2" fill="%s"/>`, px(x.at(s.X[last])), px(y.at(s.Y[last])), s.Color)
		return
	}
	title := ""
	if len(s.Titles) > 0 {
		title = "<title>" + html.EscapeString(s.Titles[0]) + "</title>"
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="%s" stroke-linejoin="round">%s</path>`,
		d.String(), s.Color, pick(s.Faint, "1", "2"), title)
}

func begin(b *strings.Builder, w, h float64) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" font-family="system-ui, sans-serif" font-size="12" fill="#1f2937">`, px(w), px(h))
	fmt.Fprintf(b, `<rect width="%s" height="%s" fill="#fff"/>`, px(w), px(h))
}

func text(b *strings.Builder, x, y float64, anchor, more, s string) {
	fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="%s" %s>%s</text>`, px(x), px(y), anchor, more, html.EscapeString(s))
}

func or(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
