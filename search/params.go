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
			out = append(out, fmt.Sprintf("%s=%.4g", k, x))
		} else {
			out = append(out, fmt.Sprintf("%s=%v", k, v))
		}
	}
	return strings.Join(out, " ")
}

// FormatNumber writes a number with four digits, a whole one with all of its digits.
func FormatNumber(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e12 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
