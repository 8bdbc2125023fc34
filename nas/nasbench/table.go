// Package nasbench reads the table of NAS-Bench-201 (Dong & Yang 2020), in which
// every network of a small space was trained, and runs searches on it: what a
// search finds is looked up instead of trained. The table is not part of the
// repository.
package nasbench

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"budwood/nas"
	"budwood/search"
)

// Cells is the number of cells in the table.
const Cells = 15_625

// Table is what is known of every cell on CIFAR-10.
type Table struct {
	Space *nas.Space
	cells []nas.Genome
	rows  map[string]Row // by the genome's text
}

// Row is what is known of one cell.
type Row struct {
	Class   string  // published isomorphism class
	Valid   float64 // accuracy in percent: validation after 12 epochs
	Test    float64 // accuracy in percent: test after 200 epochs
	FLOPs   float64 // millions
	Latency float64 // ms on one Xeon
}

// Edge is the rule of a cell's edges. Of the operations on them, the table's
// average pooling keeps the size of the image, which the engine's does not: a
// depthwise convolution stands for it.
func Edge() nas.Rule {
	return nas.OneOf{
		nas.Op{Name: "depthwise"}, nas.Op{Name: "none"}, nas.Op{Name: "conv", Attrs: []search.Param{search.Choice("kernel", 1)}},
		nas.Op{Name: "conv"}, nas.Op{Name: "skip"},
	}
}

var edges = map[string]string{
	"avg_pool_3x3": "0:depthwise", "none": "1:none", "nor_conv_1x1": "2:conv(0,1)", "nor_conv_3x3": "3:conv", "skip_connect": "4:skip",
}

// Read reads nb201-cifar10.csv.gz in a directory. The error wraps
// [fs.ErrNotExist] if it is not there.
func Read(dir string) (*Table, error) {
	t := &Table{rows: map[string]Row{}}
	var err error
	if t.Space, err = nas.New(nas.Grammar{Root: nas.Cell{Nodes: 4, Edge: Edge()}}, nas.Limits{}); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "nb201-cifar10.csv.gz")
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	lines, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[name] = i
	}
	for i, l := range lines[1:] {
		if err := t.add(l, column); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, i+2, err)
		}
	}
	if len(t.rows) != Cells {
		return nil, fmt.Errorf("%s: %d different cells, want %d", name, len(t.rows), Cells)
	}
	return t, nil
}

func (t *Table) add(line []string, column map[string]int) error {
	row := Row{Class: line[column["isomorph_class"]]}
	for name, to := range map[string]*float64{
		"cifar10_12ep_val": &row.Valid, "cifar10_test_200ep": &row.Test, "flops": &row.FLOPs, "lat_gold_6226": &row.Latency,
	} {
		x, err := strconv.ParseFloat(line[column[name]], 64)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*to = x
	}
	var text []string
	for part := range strings.SplitSeq(line[column["arch"]], "|") {
		if name, _, ok := strings.Cut(part, "~"); ok {
			text = append(text, edges[name])
		}
	}
	var g nas.Genome
	if err := g.UnmarshalText([]byte("<" + strings.Join(text, " ") + ">")); err != nil {
		return err
	}
	if err := t.Space.Check(g); err != nil {
		return err
	}
	t.cells = append(t.cells, g)
	t.rows[key(g)] = row
	return nil
}

func key(g nas.Genome) string {
	b, _ := g.MarshalText() // cannot fail
	return string(b)
}

// Row is what is known of a cell of the table's space.
func (t *Table) Row(g nas.Genome) Row { return t.rows[key(g)] }

// All lists the cells in the table's order.
func (t *Table) All() iter.Seq2[nas.Genome, Row] {
	return func(yield func(nas.Genome, Row) bool) {
		for _, g := range t.cells {
			if !yield(g, t.Row(g)) {
				return
			}
		}
	}
}

// FLOPs is the proxy of larger networks.
func (t *Table) FLOPs(g nas.Genome) float64 { return t.Row(g).FLOPs }
