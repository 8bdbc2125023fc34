package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/loss"
)

// A file with the preparation of the data takes the rows of a table as they are
// and says of each what the network says of the encoded row.
func TestPrepared(t *testing.T) {
	var requests []request
	var want [][]float32
	for _, c := range []struct {
		numeric data.Encoding
		target  string
		encode  *data.TargetEncode
	}{
		{"", "kind", nil}, {data.Robust, "kind", &data.TargetEncode{}}, {data.Piecewise, "price", nil}, {data.Standard, "price", &data.TargetEncode{Columns: []string{"town"}}},
	} {
		path, cells := table(t)
		source := data.Source{CSV: path, Target: c.target, Numeric: c.numeric, TargetEncode: c.encode, Ignore: []string{map[string]string{"kind": "price", "price": "kind"}[c.target]}}
		d, fresh, err := data.LoadWith(t.Context(), source, path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := engine.Compile(engine.Seq{engine.Dense{Out: 9}, engine.ReLU{}, engine.Dense{Out: max(d.Classes, 1)}}, d.Train.Shape, engine.Config{Loss: loss.MSE{}})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, n, Options{Data: d.Preparation}); err != nil {
			t.Fatal(err)
		}
		y := make([]float32, fresh.Len()*n.Out().Size())
		if err := n.Predict(fresh.X, y); err != nil {
			t.Fatal(err)
		}
		if d.Classes == 0 {
			for i := range y {
				y[i] = float32(d.TargetMean + float64(y[i])*d.TargetScale)
			}
		}
		var x []float32
		for _, row := range cells {
			for _, col := range d.Preparation.Columns {
				x = append(x, rawCell(t, col, row[col.Name]))
			}
		}
		requests = append(requests, request{fmt.Sprintf("%+v", c), b.Bytes(), []int{len(cells), len(d.Preparation.Columns)}, x, 1e-4})
		want = append(want, y)

		// What lies in the metadata is the preparation.
		var entry fields
		for _, m := range read(t, b.Bytes()).sub(t, 14) {
			entry = m
		}
		var p data.Preparation
		if err := json.Unmarshal([]byte(entry.text(2)), &p); err != nil || entry.text(1) != "budwood.data" || len(p.Columns) != len(d.Preparation.Columns) || !slices.Equal(p.Classes, d.ClassNames) {
			t.Errorf("%+v: metadata %q, %v", c, entry.text(2), err)
		}
	}
	agree(t, requests, want)
}

// table writes a table with numbers, categories and missing values.
func table(t *testing.T) (path string, cells []map[string]string) {
	r := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	b.WriteString("size,town,rooms,heat,kind,price\n")
	for i := range 120 {
		row := map[string]string{
			"size": fmt.Sprintf("%.3f", 80+30*r.NormFloat64()), "town": fmt.Sprintf("t%d", r.IntN(70)), "rooms": strconv.Itoa(r.IntN(6)),
			"heat": []string{"gas", "oil", "?", "wood"}[r.IntN(4)], "kind": []string{"flat", "house"}[i%2], "price": fmt.Sprintf("%.2f", 1e5*r.Float64()),
		}
		if i%7 == 0 {
			row["size"] = "?"
		}
		cells = append(cells, row)
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", row["size"], row["town"], row["rooms"], row["heat"], row["kind"], row["price"])
	}
	path = filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, cells
}

// rawCell is a cell of the table as the file's input has it.
func rawCell(t *testing.T, c data.Prepared, cell string) float32 {
	if cell == "?" {
		return float32(math.NaN())
	}
	if c.Kind == data.Categorical {
		return float32(slices.Index(c.Levels, cell))
	}
	v, err := strconv.ParseFloat(cell, 32)
	if err != nil {
		t.Fatal(err)
	}
	return float32(v)
}
