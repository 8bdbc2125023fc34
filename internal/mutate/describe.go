package main

import (
	"fmt"
	"strings"
)

// place is where a mutant is: file.go:line:column.
func (m *mutant) place() string { return fmt.Sprintf("%s:%d:%d", m.base(), m.at.Line, m.at.Column) }

// describe is one line about a mutant and the tests that ran with it.
func (m *mutant) describe() string {
	how := "no test reaches it"
	if len(m.tests) > 0 {
		how = "not noticed by " + m.testNames()
	}
	if m.noticed != "" {
		how = "noticed (" + m.noticed + ")"
	}
	return fmt.Sprintf("%s: %s → %s: %s: %s", m.place(), m.before, m.after, m.kind, how)
}

// testNames lists the tests that reach a mutant, the first few by name.
func (m *mutant) testNames() string {
	var names []string
	for i, t := range m.tests {
		if i == 6 {
			names = append(names, fmt.Sprintf("%d more", len(m.tests)-i))
			break
		}
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}
