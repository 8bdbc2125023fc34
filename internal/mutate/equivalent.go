package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// equivalentList has one mutant a line that no test can notice, as the code does
// the same with it. Its fields are separated by tabs: file, function, what the
// mutant changes, the line of the source, and why nothing changes.
//
//go:embed equivalent.txt
var equivalentList string

// key names a mutant in the list. It stays the same when lines above it change
// and when its file moves into another package.
func (m *mutant) key() string {
	change := m.before + " → " + m.after
	if m.again > 1 {
		change += fmt.Sprintf(" (%d)", m.again)
	}
	return strings.Join([]string{m.base(), m.inside, change, m.line}, "\t")
}

// without drops the mutants of a list.
func without(all []*mutant, known map[string]bool) []*mutant {
	return slices.DeleteFunc(slices.Clone(all), func(m *mutant) bool { return known[m.key()] })
}

// stale are the mutants of a list that are not among all those of a package, though
// it has their function in a file of that name.
func stale(all []*mutant, known map[string]bool) (gone []string) {
	functions, there := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		functions[m.base()+"\t"+m.inside], there[m.key()] = true, true
	}
	for k := range known {
		if place := strings.SplitN(k, "\t", 3); functions[place[0]+"\t"+place[1]] && !there[k] {
			gone = append(gone, k)
		}
	}
	slices.Sort(gone)
	return gone
}

// equivalents reads the list.
func equivalents(text string) (map[string]bool, error) {
	known := map[string]bool{}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 5 || strings.TrimSpace(fields[4]) == "" {
			return nil, fmt.Errorf("equivalent.txt: %q is not file, function, change, line and reason, separated by tabs", line)
		}
		known[strings.Join(fields[:4], "\t")] = true
	}
	return known, nil
}
