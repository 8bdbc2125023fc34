package report

import (
	"fmt"
	"strings"
)

// entry is a name in a legend, with its colour.
type entry struct{ name, color string }

// legend is as many lines of entries as they need, 18 pixels each.
func legend(entries []entry, width float64) (svg string, lines float64) {
	var b strings.Builder
	at := width + 1
	for _, e := range entries {
		name := fit(e.name, width-18)
		wide := 18 + breadth(name)
		if at+wide > width {
			at = 0
			lines++
		}
		y := 18 * (lines - 1)
		fmt.Fprintf(&b, `<rect x="%s" y="%s" width="14" height="4" fill="%s"/>`, px(at), px(y-8), e.color)
		fitted(&b, at+18, y-2, "start", "", e.name, width-18)
		at += wide + 14
	}
	return b.String(), lines
}
