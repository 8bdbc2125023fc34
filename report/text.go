package report

import (
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// bold is the style of titles; halo keeps letters readable over lines.
const (
	bold = `font-weight="600"`
	halo = `stroke="#fff" stroke-width="3" paint-order="stroke"`
)

// broader is how much more room bold letters take.
const broader = 1.12

// text writes s at a position.
func text(b *strings.Builder, x, y float64, anchor, more, s string) {
	fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="%s" %s>%s</text>`, px(x), px(y), anchor, more, html.EscapeString(s))
}

// fitted is text in no more than width pixels: what is too long ends in "…", and
// the browser shows the whole.
func fitted(b *strings.Builder, x, y float64, anchor, more, s string, width float64) {
	cut := fit(s, width)
	if cut == s {
		text(b, x, y, anchor, more, s)
		return
	}
	fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="%s" %s>%s<title>%s</title></text>`, px(x), px(y), anchor, more, html.EscapeString(cut), html.EscapeString(s))
}

// fit is as much of s as has room in width pixels.
func fit(s string, width float64) string {
	if breadth(s) <= width+.5 {
		return s
	}
	for s != "" && breadth(s)+breadth("…") > width {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimRight(s, " ") + "…"
}

// breadth is about how wide a text is at 12 pixels, rather too much than too little:
// it has the widths of DejaVu Sans, which is broader than most.
func breadth(s string) float64 {
	var sum float64
	for _, r := range s {
		switch {
		case strings.ContainsRune("ijlI|'.,:;! ", r):
			sum += 3.9
		case strings.ContainsRune("frt()[]/-", r):
			sum += 5
		case strings.ContainsRune("mMwW@%…+=<>", r):
			sum += 11.5
		case r >= 0x1100: // Chinese, Japanese and Korean, and pictures
			sum += 12.5
		case unicode.IsUpper(r):
			sum += 8.6
		default:
			sum += 7.7
		}
	}
	return sum
}

// broadest is the breadth of the longest of some texts.
func broadest(list []string) float64 {
	most := 0.
	for _, s := range list {
		most = max(most, breadth(s))
	}
	return most
}
