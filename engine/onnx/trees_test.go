package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"budwood/data"
	"budwood/trees"
)

// A file of trees says of raw rows, and of encoded ones, what the trees say.
func TestTrees(t *testing.T) {
	var requests []request
	var want [][]float32
	for _, c := range []struct {
		trees.Config
		target  string
		numeric data.Encoding
		rounds  int
		kind    string
	}{
		{trees.Config{MinChild: 1}, "kind", data.Standard, 20, ""}, {trees.Config{Growth: "leaf", Leaves: 9}, "price", data.Robust, 20, ""}, {trees.Config{Depth: 3}, "price", data.Piecewise, 0, ""},
		{trees.Config{}, "kind", data.Standard, 7, "forest"}, {trees.Config{}, "price", data.Standard, 7, "forest"}, {trees.Config{}, "kind", data.Standard, 1, "linear"}, {trees.Config{}, "price", data.Piecewise, 1, "linear"},
	} {
		path, cells := table(t)
		source := data.Source{CSV: path, Target: c.target, Numeric: c.numeric, Ignore: []string{map[string]string{"kind": "price", "price": "kind"}[c.target]}}
		d, fresh, err := data.LoadWith(t.Context(), source, path)
		if err != nil {
			t.Fatal(err)
		}
		values := d.Train.Shape.Size()
		l, err := trees.LayoutOf(d.Preparation, values)
		if err != nil {
			t.Fatal(err)
		}
		y := trees.Target{Class: d.Train.Class, Value: d.Train.Target}
		c.Classes = d.Classes
		m, err := trees.Fit(c.Config, l.Table(d.Train), y, nil, trees.Target{}, c.rounds, 0)
		switch c.kind {
		case "forest":
			f, bad := trees.NewForest(trees.ForestConfig{Classes: d.Classes, MinLeaf: 2}, l.Table(d.Train), y)
			for range c.rounds {
				bad = errors.Join(bad, f.Round())
			}
			m, err = f.Model(), bad
		case "linear":
			f, bad := trees.NewLinear(trees.LinearConfig{Classes: d.Classes, L2: 1}, l.Table(d.Train), y)
			bad = errors.Join(bad, f.Round())
			m, err = f.Model(), bad
		}
		if err != nil {
			t.Fatal(err)
		}
		margins, err := m.Margins(l.Table(fresh).X)
		if err != nil {
			t.Fatal(err)
		}
		var scaled, unscaled []float32
		for _, v := range margins {
			if m.Loss == "logistic" {
				scaled, unscaled = append(scaled, 0), append(unscaled, 0)
			}
			if m.Loss == "" && d.Classes > 0 {
				v = math.Log((v*7 + 1/float64(d.Classes)) / 8)
			}
			scaled = append(scaled, float32(v))
			if d.Classes == 0 {
				v = d.TargetMean + v*d.TargetScale
			}
			unscaled = append(unscaled, float32(v))
		}
		var raw []float32
		for _, row := range cells {
			for _, col := range d.Preparation.Columns {
				raw = append(raw, rawCell(t, col, row[col.Name]))
			}
		}
		var b, encoded bytes.Buffer
		if err := WriteTrees(&b, m, d.Preparation, values, Options{Data: d.Preparation}); err != nil {
			t.Fatal(err)
		}
		if err := WriteTrees(&encoded, m, d.Preparation, values, Options{}); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s, %s, %d rounds", c.target, c.numeric, c.rounds) + c.kind
		requests = append(requests, request{name, b.Bytes(), []int{len(cells), len(d.Preparation.Columns)}, raw, 1e-4},
			request{name + ", encoded", encoded.Bytes(), []int{len(cells), values}, fresh.X, 1e-5})
		want = append(want, unscaled, scaled)
	}
	agree(t, requests, want)
}

func TestTreesMistakes(t *testing.T) {
	x := []float32{1, 2, 0, 2, 1, 1, float32(math.NaN()), 0}
	table := &trees.Table{Columns: []trees.Column{{Name: "a"}, {Name: "b", Levels: 3}}, X: x}
	m, err := trees.Fit(trees.Config{Categories: "ordered"}, table, trees.Target{Value: []float32{1, 2, 3, 4}}, nil, trees.Target{}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteTrees(new(bytes.Buffer), m, nil, 2, Options{}); err == nil {
		t.Error("ordered statistics are written")
	}
	if err := WriteTrees(new(bytes.Buffer), m, nil, 3, Options{}); err == nil {
		t.Error("rows of another width are written")
	}
}
