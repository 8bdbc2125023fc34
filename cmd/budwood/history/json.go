package history

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
)

// lenient is a line of JSON as Python writes it, with null where it says NaN or
// Infinity, which JSON does not have.
func lenient(line []byte) []byte {
	if !bytes.Contains(line, []byte("NaN")) && !bytes.Contains(line, []byte("Infinity")) {
		return line
	}
	out := make([]byte, 0, len(line))
	for i, quoted := 0, false; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			out = append(out, c)
			i++
			c = line[i]
		case c == '"':
			quoted = !quoted
		case !quoted:
			for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
				if bytes.HasPrefix(line[i:], []byte(word)) {
					out = append(out, "nul"...)
					i += len(word) - 1
					c = 'l'
					break
				}
			}
		}
		out = append(out, c)
	}
	return out
}

// orNaN is a number, NaN if there is none.
func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// sortedKeys are the keys in their order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
