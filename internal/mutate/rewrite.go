package main

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// wrap puts text around the bytes [from, to) of a file, or replaces them if
// replace is set. The byte 0 stands for the number of the mutant. No text has a
// line break, so that the lines of the file keep their numbers.
type wrap struct {
	from, to      int
	before, after string
	replace       bool
}

// rewrite returns a file in which all of some mutants can be switched on. Wraps
// of the same bytes nest: those that come first lie outside.
func rewrite(text []byte, mutants []*mutant) []byte {
	type insertion struct {
		at, drop int // drop so many bytes behind the text
		text     string
		order    int // among those at the same place
	}
	var all []insertion
	n := 0
	for _, m := range mutants {
		id := strconv.Itoa(m.id)
		for _, w := range m.wraps {
			n++
			before := strings.ReplaceAll(w.before, "\x00", id)
			if w.replace {
				all = append(all, insertion{w.from, w.to - w.from, before, n})
				continue
			}
			all = append(all,
				insertion{w.from, 0, before, n},
				insertion{w.to, 0, strings.ReplaceAll(w.after, "\x00", id), -n}) // what ends comes before what begins
		}
	}
	slices.SortStableFunc(all, func(a, b insertion) int { return cmp.Or(a.at-b.at, a.order-b.order) })
	var out bytes.Buffer
	at := 0
	for _, in := range all {
		out.Write(text[at:in.at])
		out.WriteString(in.text)
		at = in.at + in.drop
	}
	out.Write(text[at:])
	return out.Bytes()
}
