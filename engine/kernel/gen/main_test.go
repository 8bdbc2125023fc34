package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The files in the repository are those that gen writes.
func TestGenerated(t *testing.T) {
	kernel, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := run(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(kernel, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not up to date: run go generate ./engine/kernel (%v)", name, err)
		}
	}
}
