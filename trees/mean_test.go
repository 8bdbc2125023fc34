package trees

import (
	"math"
	"testing"
)

func TestMean(t *testing.T) {
	a, class, value := sampleTable(300, 41)
	b, class2, value2 := sampleTable(300, 42)
	for _, fit := range []func(t *Table, class, value Target, rounds int) (*Model, error){
		func(t *Table, class, _ Target, rounds int) (*Model, error) {
			return Fit(Config{Classes: 3, Depth: 3}, t, class, nil, Target{}, rounds, 0)
		},
		func(t *Table, class, _ Target, _ int) (*Model, error) {
			f, err := NewForest(ForestConfig{Classes: 3}, t, class)
			for range 4 {
				err = f.Round()
			}
			return f.Model(), err
		},
		func(t *Table, _, value Target, _ int) (*Model, error) {
			l, err := NewLinear(LinearConfig{L2: 1}, t, value)
			if err == nil {
				err = l.Round()
			}
			return l.Model(), err
		},
	} {
		m, err := fit(a, class, value, 5)
		if err != nil {
			t.Fatal(err)
		}
		n, err := fit(b, class2, value2, 7)
		if err != nil {
			t.Fatal(err)
		}
		mean, err := Mean(m, n)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := m.Margins(a.X)
		y, _ := n.Margins(a.X)
		z, err := mean.Margins(a.X)
		if err != nil {
			t.Fatal(err)
		}
		for i := range z {
			if math.Abs(z[i]-(x[i]+y[i])/2) > 1e-5 {
				t.Fatalf("%s: the mean of %v and %v is %v", m.Kind, x[i], y[i], z[i])
			}
		}
	}
	m, _ := Fit(Config{}, a, value, nil, Target{}, 1, 0)
	n, _ := Fit(Config{Classes: 3}, a, class, nil, Target{}, 1, 0)
	if _, err := Mean(m, n); err == nil {
		t.Error("two tasks have a mean")
	}
}
