package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart is a diagram of some series over two axes.
type Chart struct {
	Title      string
	X, Y       string // names of the axes
	LogX, LogY bool
	WholeX     bool // the values along X are whole numbers
	WholeY     bool
	Width      int // pixels; 0 means 440
	Height     int // 0 means 300; a legend of several lines and long names add to it
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

// upTo keeps the last value until x.
func (s *Series) upTo(x float64) {
	if n := len(s.X); x > s.X[n-1] {
		s.X, s.Y = append(s.X, x), append(s.Y, s.Y[n-1])
	}
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
	w, h := float64(or(c.Width, 440)), float64(or(c.Height, 300))
	var xs, ys [][]float64
	for _, s := range c.Series {
		xs = append(xs, s.X)
		ys = append(ys, s.Y, s.Low, s.High)
	}
	x, y := newAxis(c.LogX, xs...), newAxis(c.LogY, ys...)
	x.whole, y.whole = c.WholeX, c.WholeY
	legend, lines := c.legend(w - 24)
	h += 18 * max(lines-1, 0)
	y.to = 14 + 18*lines
	if c.Title != "" {
		y.to += 18
	}
	y.from = h - 46
	x.from, x.to = 34+broadest(y.labels(y.ticks(6))), w-12
	turned := 0. // room for names that stand upright
	if slot := (x.to - x.from) / float64(max(len(c.Names), 1)); broadest(c.Names) > .9*slot {
		turned = min(broadest(c.Names), 90) + 6
		h += turned - 18
	}
	var b strings.Builder
	begin(&b, w, h, "")
	if c.Title != "" {
		fitted(&b, 12, 18, "start", bold, c.Title, (w-24)/broader)
	}
	fmt.Fprintf(&b, `<g transform="translate(12 %s)">%s</g>`, px(y.to+8-18*lines), legend)
	c.frame(&b, x, y, w, h, turned)
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

// legend names the series that have a name.
func (c Chart) legend(width float64) (svg string, lines float64) {
	var entries []entry
	for i, s := range c.Series {
		if s.Color == "" {
			s.Color = c.color(i)
		}
		if s.Name != "" {
			entries = append(entries, entry{s.Name, s.Color})
		}
	}
	return legend(entries, width)
}

// frame draws the grid, the ticks and the names of the axes.
func (c Chart) frame(b *strings.Builder, x, y axis, w, h, turned float64) {
	ticks := y.ticks(6)
	for i, l := range y.labels(ticks) {
		at := y.at(ticks[i])
		fmt.Fprintf(b, `<line x1="%s" x2="%s" y1="%[3]s" y2="%[3]s" stroke="#e5e7eb"/>`, px(x.from), px(x.to), px(at))
		text(b, x.from-6, at+4, "end", "", l)
	}
	if c.Names != nil {
		c.categories(b, x, y.from, turned)
	} else {
		ticks := x.ticks(max(int(x.to-x.from)/80, 3))
		free := 0. // where the next label has room
		for i, l := range x.labels(ticks) {
			fmt.Fprintf(b, `<line x1="%[1]s" x2="%[1]s" y1="%s" y2="%s" stroke="#e5e7eb"/>`, px(x.at(ticks[i])), px(y.from), px(y.to))
			half := breadth(l) / 2
			if at := min(x.at(ticks[i]), w-2-half); at-half >= free {
				text(b, at, y.from+16, "middle", "", l)
				free = at + half + 6
			}
		}
	}
	fmt.Fprintf(b, `<path d="M%s %sV%sH%s" fill="none" stroke="#6b7280"/>`, px(x.from), px(y.to), px(y.from), px(x.to))
	fitted(b, (x.from+x.to)/2, h-8, "middle", "", c.X, x.to-x.from)
	fitted(b, 0, 0, "middle", fmt.Sprintf(`transform="translate(14 %s) rotate(-90)"`, px((y.from+y.to)/2)), c.Y, y.from-y.to)
}

// categories writes the names along x, upright where they have no room side by
// side, and not all of them where there are too many for that.
func (c Chart) categories(b *strings.Builder, x axis, y, turned float64) {
	every := 1
	if turned > 0 {
		every = apart(x.at(1)-x.at(0), 14)
	}
	for i, name := range c.Names {
		switch at := x.at(float64(i)); {
		case i%every > 0:
		case turned > 0:
			fitted(b, 0, 0, "end", fmt.Sprintf(`transform="translate(%s %s) rotate(-90)"`, px(at+4), px(y+6)), name, turned-6)
		default:
			text(b, at, y+16, "middle", "", name)
		}
	}
}

// apart says which of some labels to write so that they are at least room pixels
// apart: each, each second, ….
func apart(pitch, room float64) int { return max(1, int(math.Ceil(room/math.Abs(pitch)))) }

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

// begin opens a picture; more are attributes.
func begin(b *strings.Builder, w, h float64, more string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" font-family="system-ui, sans-serif" font-size="12" fill="#1f2937" %[3]s>`, px(w), px(h), more)
	fmt.Fprintf(b, `<rect width="%s" height="%s" fill="#fff"/>`, px(w), px(h))
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
