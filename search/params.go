package search

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Params is one point of a space: the value of each parameter that exists
// there, by name. Values are float64, int, string or bool; a genome rides along
// under [ArchitectureKey]. After a trip through JSON every number is a float64:
// [Space.Check] restores the types, and the typed keys read both.
type Params map[string]any

// ArchitectureKey is the name under which params carry a genome.
const ArchitectureKey = "architecture"

// Value returns the value of a parameter, nil if there is none.
func (p Params) Value(name string) any { return p[name] }

// Names lists the parameters in alphabetical order.
func (p Params) Names() []string {
	out := make([]string, 0, len(p))
	//workflowcheck:ignore sorted below
	for k := range p {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Key is the same for the same point and different for different ones, whatever
// way the values came.
func (p Params) Key() string {
	var b strings.Builder
	for _, k := range p.Names() {
		v := p[k]
		if x, ok := Number(v); ok {
			v = x
		}
		if s, ok := v.(string); ok { // "3" is not 3
			v = strconv.Quote(s)
		}
		fmt.Fprintf(&b, "%s=%v;", k, v)
	}
	return b.String()
}

// String lists the params in alphabetical order, numbers with four digits.
func (p Params) String() string {
	out := make([]string, 0, len(p))
	for _, k := range p.Names() {
		v := p[k]
		if x, ok := v.(float64); ok {
			out = append(out, k+"="+FormatNumber(x))
		} else {
			out = append(out, fmt.Sprintf("%s=%v", k, v))
		}
	}
	return strings.Join(out, " ")
}

// FormatNumber writes a number with four digits, a whole one and a large one with all
// digits before the point.
func FormatNumber(x float64) string {
	switch size := math.Abs(x); {
	case x == math.Trunc(x) && size < 1e12, size >= 1e4 && size < 1e12:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// FormatExact writes a value such as a bound with every digit that it has: 1000000,
// 0.0001. What is long and no number is cut.
func FormatExact(v any) string {
	x, ok := Number(v)
	switch {
	case v == "":
		return `""`
	case !ok:
		return Brief(fmt.Sprint(v), mostQuoted)
	}
	if size := math.Abs(x); size != 0 && (size < 1e-7 || size >= 1e16) {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// mostQuoted is how much of a text an error repeats.
const mostQuoted = 60

// Quoted is a text in quotes, cut where it is long.
func Quoted(s string) string { return strconv.Quote(Brief(s, mostQuoted)) }

// Brief cuts a text to n characters, the last of which says that there were more.
func Brief(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := 0 // of the text whose last character is the ellipsis
	for i := range s {
		switch n--; n {
		case 0:
			cut = i
		case -1:
			return s[:cut] + "…"
		}
	}
	return s
}
