package trees

import (
	"math"
	"math/bits"
	"testing"
)

// expected is what a tree says of a row of which some columns (bits) are known.
func expected(m *Model, t *Tree, at int32, x []float32, known uint, output int) float64 {
	n := &t.Nodes[at]
	if n.leaf() {
		return float64(m.Values[int(n.Value)*m.Width+output%m.Width])
	}
	if known>>m.origin()[n.Column]&1 != 0 {
		return expected(m, t, t.next(n, x), x, known, output)
	}
	l, r := t.shares(n)
	return l*expected(m, t, n.Left, x, known, output) + r*expected(m, t, n.Left+1, x, known, output)
}

// bruteForce are the Shapley values by their definition, over all subsets of the columns.
func bruteForce(m *Model, row []float32) []float64 {
	x, n := m.encoded(row), len(m.Columns)
	value := func(known uint, output int) float64 {
		sum := m.Start[output]
		for i := range m.Trees {
			if m.Width > 1 || i%m.Outputs == output {
				sum += expected(m, &m.Trees[i], 0, x, known, output)
			}
		}
		return sum
	}
	fact := func(k int) float64 { return math.Gamma(float64(k + 1)) }
	var out []float64
	for k := range m.Outputs {
		for j := range n {
			sum := 0.
			for s := uint(0); s < 1<<n; s++ {
				if s>>j&1 == 0 {
					size := bits.OnesCount(s)
					sum += fact(size) * fact(n-size-1) / fact(n) * (value(s|1<<j, k) - value(s, k))
				}
			}
			out = append(out, sum)
		}
		out = append(out, value(0, k))
	}
	return out
}

func TestSHAP(t *testing.T) {
	train, class, value := sampleTable(400, 11)
	for _, c := range []struct {
		Config
		y Target
	}{
		{Config{Depth: 4}, value}, {Config{Growth: "leaf", Leaves: 12, Categories: "ordered"}, value}, {Config{Classes: 3, Depth: 3}, class},
	} {
		m, err := Fit(c.Config, train, c.y, nil, Target{}, 5, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			row := train.X[i*5 : i*5+5]
			got, err := m.SHAP(row)
			if err != nil {
				t.Fatal(err)
			}
			for k, want := range bruteForce(m, row) {
				if math.Abs(got[k]-want) > 1e-9 {
					t.Fatalf("row %d, value %d: %v, over all subsets %v", i, k, got[k], want)
				}
			}
			f, err := m.Margins(row)
			if err != nil {
				t.Fatal(err)
			}
			for k := range f {
				sum := 0.
				for _, v := range got[k*6 : k*6+6] {
					sum += v
				}
				if math.Abs(sum-f[k]) > 1e-9 {
					t.Errorf("row %d: the values of output %d add up to %v, its margin is %v", i, k, sum, f[k])
				}
			}
		}
	}
	if _, err := (&Model{Columns: make([]Column, 3)}).SHAP(make([]float32, 2)); err == nil {
		t.Error("a row that is too short is taken")
	}
}

func TestImportance(t *testing.T) {
	train, _, value := sampleTable(800, 12)
	noisy := &Table{Columns: append(train.Columns[:5:5], Column{Name: "noise"})}
	for i := range train.Rows() {
		noisy.X = append(append(noisy.X, train.X[i*5:i*5+5]...), float32(i*7919%800))
	}
	m, err := Fit(Config{}, noisy, value, nil, Target{}, 30, 0)
	if err != nil {
		t.Fatal(err)
	}
	gain, cover := m.Importance()
	lost, err := Permutation(6, noisy.X, m.Predict, func(p []float64) float64 { return squared.of(nil, &value, p) }, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for j := range gain {
		sum += gain[j] + cover[j]
		if j != 4 && j != 5 && (gain[j] < 3*gain[4] || gain[j] < 2*gain[5] || lost[j] < 2*lost[4]) {
			t.Errorf("column %d counts no more than e, which says nothing: gain %v, permuted %v", j, gain, lost)
		}
	}
	if math.Abs(sum-2) > 1e-9 {
		t.Errorf("the shares are %v and %v", gain, cover)
	}
}
