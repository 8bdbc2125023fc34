package history

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

// write makes files in a folder of the test's own.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func must(t testing.TB, path string, o Options) *History {
	t.Helper()
	h, err := Read(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// last is the value of the main objective at the end of a trial.
func (h *History) last(i int) float64 {
	m, _ := h.Trials[i].Last()
	return m.Metrics[h.Objectives[0].Metric]
}

func noted(h *History, part string) bool {
	return slices.ContainsFunc(h.Notes, func(n string) bool { return strings.Contains(n, part) })
}

func names(s search.Space) (out []string) {
	for _, p := range s {
		out = append(out, p.Dim().Name)
	}
	return out
}
