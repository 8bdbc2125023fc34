package nas

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"budwood/search"
)

// nasBench is the table of all 15,625 cells of NAS-Bench-201 (Dong & Yang
// 2020), which lies beside the repository and not in it.
type nasBench struct {
	space *Space
	rows  map[string]nasBenchRow // by the edges of the cell
}

type nasBenchRow struct {
	class       string  // published isomorphism class
	valid, test float64 // accuracy in percent: validation after 12 epochs, test after 200
	flops       float64
	latency     float64 // ms on one Xeon
}

// Of the operations on the edges, the table's average pooling keeps the size of
// the image, which the engine's does not: a depthwise convolution stands for it.
var nasBenchEdges = map[string]Rule{
	"none":         Op{Name: none},
	"skip_connect": Op{Name: skip},
	"nor_conv_1x1": Op{"conv", []search.Param{search.Choice("kernel", 1)}},
	"nor_conv_3x3": Op{"conv", []search.Param{search.Choice("kernel", 3)}},
	"avg_pool_3x3": Op{Name: "depthwise"},
}

var nasBenchOnce = sync.OnceValues(readNASBench)

func loadNASBench(t testing.TB) *nasBench {
	t.Helper()
	b, err := nasBenchOnce()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the table of NAS-Bench-201 is not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readNASBench() (*nasBench, error) {
	f, err := os.Open("../../shared/bench/nas/nb201-cifar10.csv.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, err
	}
	var edge OneOf
	for _, name := range names(nasBenchEdges) {
		edge = append(edge, nasBenchEdges[name])
	}
	b := &nasBench{rows: map[string]nasBenchRow{}}
	if b.space, err = New(Grammar{Root: Cell{4, edge}}, Limits{}); err != nil {
		return nil, err
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[name] = i
	}
	for _, l := range lines[1:] {
		number := func(name string) float64 {
			x, e := strconv.ParseFloat(l[column[name]], 64)
			if e != nil {
				err = e
			}
			return x
		}
		var edges []string
		for part := range strings.SplitSeq(l[column["arch"]], "|") {
			if name, _, ok := strings.Cut(part, "~"); ok {
				edges = append(edges, name)
			}
		}
		b.rows[strings.Join(edges, " ")] = nasBenchRow{
			class: l[column["isomorph_class"]], valid: number("cifar10_12ep_val"), test: number("cifar10_test_200ep"), flops: number("flops"), latency: number("lat_gold_6226"),
		}
	}
	if len(b.rows) != 15625 {
		return nil, fmt.Errorf("%d cells in the table", len(b.rows))
	}
	return b, err
}

// genome is the cell with the given edges.
func (b *nasBench) genome(edges string) Genome {
	names := names(nasBenchEdges)
	n := node{kind: cellKind}
	for name := range strings.SplitSeq(edges, " ") {
		for i := range names {
			if names[i] == name {
				kid := b.space.root.kids[0].kids[i].first()
				n.kids = append(n.kids, node{kind: oneOfKind, pick: i, kids: []node{kid}})
			}
		}
	}
	return Genome{n}
}

func (b *nasBench) row(g Genome) nasBenchRow {
	names := names(nasBenchEdges)
	edges := make([]string, len(g.root.kids))
	for i, k := range g.root.kids {
		edges[i] = names[k.pick]
	}
	return b.rows[strings.Join(edges, " ")]
}

func TestHashOfEveryNASBenchCell(t *testing.T) {
	b := loadNASBench(t)
	hashes := map[Hash]bool{}
	ofClass := map[string]Hash{}
	for edges, row := range b.rows {
		g := b.genome(edges)
		if err := b.space.Check(g); err != nil {
			t.Fatal(err)
		}
		h := g.Hash()
		hashes[h] = true
		if old, ok := ofClass[row.class]; ok && old != h {
			t.Fatalf("published class %s is split: %v", row.class, g)
		}
		ofClass[row.class] = h
	}
	if len(hashes) != 4930 {
		t.Errorf("%d classes, want 4930", len(hashes))
	}
	if len(ofClass) != 6466 {
		t.Errorf("%d published classes, want 6466", len(ofClass))
	}
}
