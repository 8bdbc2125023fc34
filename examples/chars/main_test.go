package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A text that repeats itself is learned by heart.
func TestChars(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("the cat sat on the mat. ", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, net := range []string{"gru", "transformer"} {
		var out strings.Builder
		if err := run(t.Context(), []string{"-text", file, "-net", net, "-steps", "25", "-size", "32", "-epochs", "30", "-write", "48"}, &out); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, "sat on the mat") || !strings.Contains(got, "test: perplexity 1.") {
			t.Errorf("%s", got)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"-text", "none.txt"}, &out); err == nil {
		t.Error("no error of a missing file")
	}
	if err := run(t.Context(), []string{"-text", file, "-net", "lstm"}, &out); err == nil {
		t.Error("no error of an unknown network")
	}
}
