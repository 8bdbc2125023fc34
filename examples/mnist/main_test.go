package main

import (
	"errors"
	"strings"
	"testing"

	"budwood/internal/bench"
)

// One epoch of the MLP's recipe is enough to see that all of it works.
func TestMNIST(t *testing.T) {
	d, err := load(t.Context(), bench.Need(t, "data", "mnist"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 55000 || d.Valid.Len() != 5000 || d.Test.Len() != 10000 {
		t.Errorf("parts of %d, %d, %d rows", d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
	r := recipes["mlp"]
	r.epochs = 1
	accuracy, err := r.train(d, 1)
	if err != nil || accuracy < 0.95 {
		t.Errorf("accuracy %v, %v", accuracy, err)
	}
}

func TestNoData(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-data", t.TempDir()}, &out); !errors.Is(err, errNoData) {
		t.Errorf("got %v", err)
	}
	if err := run(t.Context(), []string{"-net", "rnn"}, &out); err == nil {
		t.Error("no error of an unknown network")
	}
}
