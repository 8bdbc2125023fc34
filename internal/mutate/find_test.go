package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// All mutants of all packages at once leave code that compiles, and every line
// where it was.
func TestAllPackagesCompile(t *testing.T) {
	t.Chdir("../..")
	pattern := "./..."
	if testing.Short() {
		pattern = "./search/..."
	}
	found, err := load(pattern)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, s := range found {
		mutants := s.find()
		for _, m := range mutants {
			kinds[m.kind]++
		}
		changed := &source{path: s.path, dir: s.dir, fset: s.fset}
		for i, f := range s.file {
			text := rewrite(f.text, slices.DeleteFunc(slices.Clone(mutants), func(m *mutant) bool { return m.file != i }))
			if strings.Count(string(text), "\n") != strings.Count(string(f.text), "\n") {
				t.Errorf("%s: other lines", f.name)
			}
			if err := changed.add(f.name, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := changed.add(filepath.Join(s.dir, "zz_mutants.go"), hookFor(s)); err != nil {
			t.Fatal(err)
		}
		if err := changed.check(s.imports); err != nil {
			t.Errorf("%s: %v", s.path, err)
		}
	}
	for _, kind := range strings.Fields("arithmetic boolean boundary branch call comparison condition constant error extreme logic negation operand return statement step") {
		if kinds[kind] < 5 {
			t.Errorf("%d mutants of the kind %s", kinds[kind], kind)
		}
	}
}
