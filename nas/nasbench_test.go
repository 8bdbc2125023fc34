package nas_test

import (
	"context"
	"sync"
	"testing"

	"budwood/internal/bench"
	"budwood/nas"
	"budwood/nas/nasbench"
)

var readNASBench = sync.OnceValues(func() (*nasbench.Table, error) { return nasbench.Read(bench.Data("bench", "nas")) })

func loadNASBench(t testing.TB) *nasbench.Table {
	t.Helper()
	bench.Need(t, "bench", "nas", "nb201-cifar10.csv.gz")
	b, err := readNASBench()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHashOfEveryNASBenchCell(t *testing.T) {
	hashes, ofClass := map[nas.Hash]bool{}, map[string]nas.Hash{}
	for g, row := range loadNASBench(t).All() {
		h := g.Hash()
		hashes[h] = true
		if old, ok := ofClass[row.Class]; ok && old != h {
			t.Fatalf("published class %s is split: %v", row.Class, g)
		}
		ofClass[row.Class] = h
	}
	if len(hashes) != 4930 {
		t.Errorf("%d classes, want 4930", len(hashes))
	}
	if len(ofClass) != 6466 {
		t.Errorf("%d published classes, want 6466", len(ofClass))
	}
}

// What go run ./nas/bench measures, in short.
func TestSearchNASBench(t *testing.T) {
	b := loadNASBench(t)
	const seeds = 20
	accuracy, area := 0., 0.
	for seed := range uint64(seeds) {
		a, err := b.Accuracy(context.Background(), nas.Evolution{Space: b.Space}, seed, 100)
		if err != nil {
			t.Fatal(err)
		}
		h, err := b.Front(context.Background(), nas.NSGA2{Space: b.Space}, seed, 100)
		if err != nil {
			t.Fatal(err)
		}
		accuracy += a[0] / seeds
		area += h[0] / seeds
	}
	if accuracy < 94.05 {
		t.Errorf("evolution reached %.2f %% after 100 evaluations", accuracy)
	}
	if area < .93 {
		t.Errorf("NSGA-II covered %.3f after 100 evaluations", area)
	}
}
