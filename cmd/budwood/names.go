package main

import (
	"cmp"
	"slices"
	"strings"

	"budwood/learn/network"
	"budwood/search"
	"budwood/study"
)

type namesCmd struct {
	Of string `arg:"" optional:"" enum:"samplers,architecture-samplers,schedulers,metrics,hyperparameters,numbers" default:"samplers" help:"${enum}; default: samplers."`
	output
}

// Run prints one of the tables that a study file is checked against.
func (c *namesCmd) Run(a *app) error {
	var t table
	switch c.Of {
	case "samplers":
		t = methods(study.Samplers)
	case "architecture-samplers":
		t = methods(study.ArchitectureSamplers)
	case "schedulers":
		t = methods(study.Schedulers)
	case "metrics":
		t.head = []string{"NAME", "GOAL", "DATA", "WHAT"}
		for _, m := range study.Metrics {
			t.add(m.Name, string(m.Goal), cmp.Or(string(m.Of), "any"), unmarked(m.Is))
		}
	case "hyperparameters":
		t.head = []string{"NAME", "DEFAULT", "VALUES", "WHAT"}
		seen := map[string]bool{} // both networks have some
		for _, h := range slices.Concat(network.RecipeTable, study.NetworkTable, study.TextTable, study.LearnerTable) {
			if seen[h.Name] {
				continue
			}
			seen[h.Name] = true
			t.add(h.Name, cmp.Or(h.Varies, search.FormatExact(h.Default)), h.Values(), unmarked(h.Is))
		}
	case "numbers":
		t.head = []string{"KEY", "DEFAULT", "VALUES", "WHAT"}
		for _, s := range study.Settings {
			t.add(s.Key, unmarked(cmp.Or(s.Varies, search.FormatExact(s.Default))), unmarked(s.Values()), unmarked(s.Is))
		}
	}
	return c.write(a.stdout, t, t.objects())
}

func methods(all study.Methods) table {
	t := table{head: []string{"NAME", "OBJECTIVES", "WHAT", "WHEN"}}
	for _, m := range all {
		objectives := "one"
		if m.Several {
			objectives = "any"
		}
		t.add(strings.Join(append([]string{m.Name}, m.Aliases...), ", "), objectives, unmarked(m.Is), unmarked(m.When))
	}
	return t
}

// unmarked is a text of a table without the marks of its page: code and links.
func unmarked(s string) string {
	s = strings.ReplaceAll(s, "`", "")
	for {
		before, rest, ok := strings.Cut(s, " ([")
		_, after, closed := strings.Cut(rest, "))")
		if !ok || !closed {
			return s
		}
		s = before + after
	}
}

// objects are the rows of a table by the names of its columns.
func (t table) objects() []map[string]string {
	out := []map[string]string{}
	for _, row := range t.rows {
		o := map[string]string{}
		for i, cell := range row {
			o[strings.ToLower(t.head[i])] = cell
		}
		out = append(out, o)
	}
	return out
}
