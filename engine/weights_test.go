package engine

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"budwood/data"
)

// A network comes back from a file of weights: bit for bit in float32, within the
// format's precision in half the size.
func TestWeights(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 60)
	l := Seq{Conv{Out: 16}, BatchNorm{}, ReLU{}, MaxPool{}, Dense{Out: 64}, ReLU{}, Dense{Out: 4}}
	n := mustCompile(t, l, s.Shape, Config{Batch: 20, Seed: 3})
	tr := mustTrain(t, n, TrainConfig{})
	for range 3 {
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
	}
	n.stats[0] = 70_000 // beyond float16
	size := map[Precision]int{}
	for p, bound := range map[Precision]float64{F32: 0, BF16: 0x1p-8, FP16: 0x1p-11} {
		var b bytes.Buffer
		if err := n.Save(&b, p); err != nil {
			t.Fatal(err)
		}
		size[p] = b.Len()
		m := mustCompile(t, l, s.Shape, Config{Batch: 20, Seed: 9})
		if err := m.Load(&b); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.stats, n.stats) {
			t.Errorf("%v: other statistics", p)
		}
		for i, w := range n.params {
			if d := math.Abs(float64(m.params[i] - w)); d > bound*math.Max(math.Abs(float64(w)), 0x1p-14) {
				t.Fatalf("%v: weight %v came back as %v", p, w, m.params[i])
			}
		}
		var again bytes.Buffer
		if err := m.Save(&again, p); err != nil {
			t.Fatal(err)
		}
		if again.Len() != size[p] {
			t.Errorf("%v: %d bytes, then %d", p, size[p], again.Len())
		}
	}
	if saved := size[F32] - size[BF16]; size[FP16] >= size[F32] || saved < 2*len(n.params)-64 || saved > 2*len(n.params)+64 {
		t.Errorf("%d weights take %v bytes", len(n.params), size)
	}
}

func TestWeightsErrors(t *testing.T) {
	n := mustCompile(t, Dense{Out: 2}, data.Shape{3}, Config{})
	other := mustCompile(t, Dense{Out: 3}, data.Shape{3}, Config{})
	var b bytes.Buffer
	if err := other.Save(&b, BF16); err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(n.params)
	if err := n.Load(&b); err == nil || !strings.Contains(err.Error(), `"weight" has shape [3 3], the network's has [3 2]`) {
		t.Errorf("another network: %v", err)
	}
	if err := n.Load(strings.NewReader("no")); err == nil {
		t.Error("no file of weights: no error")
	}
	if !slices.Equal(before, n.params) {
		t.Error("an error changed the weights")
	}
	n.params[0] = 1e6
	if err := n.Save(&bytes.Buffer{}, FP16); err == nil || !strings.Contains(err.Error(), `"weight": 1e+06 is too large for F16`) {
		t.Errorf("a large weight: %v", err)
	}
	if err := n.Save(&bytes.Buffer{}, 7); err == nil {
		t.Error("precision 7: no error")
	}
}
