package trees

import (
	"math/rand/v2"
	"testing"
)

// numbers is a table of 20 columns and a target.
func numbers(rows int) (*Table, Target) {
	r := rand.New(rand.NewPCG(1, 1))
	t := &Table{Columns: make([]Column, 20)}
	var y Target
	for range rows {
		s := float32(0)
		for j := range t.Columns {
			v := float32(r.NormFloat64())
			t.X = append(t.X, v)
			if j%3 == 0 && v > .3 {
				s += v * t.X[len(t.X)-j/2-1]
			}
		}
		y.Value = append(y.Value, s)
	}
	return t, y
}

func BenchmarkPredict(b *testing.B) {
	t, y := numbers(5000)
	m, err := Fit(Config{}, t, y, nil, Target{}, 100, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(t.X); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*5000*100), "ns/row/tree")
}

func BenchmarkFit(b *testing.B) {
	t, y := numbers(20000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Fit(Config{}, t, y, nil, Target{}, 10, 0); err != nil {
			b.Fatal(err)
		}
	}
}
