package trees

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	train, class, _ := sampleTable(500, 20)
	for _, categories := range Categories {
		m, err := Fit(Config{Classes: 3, Categories: categories}, train, class, nil, Target{}, 5, 0)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := m.Save(&b); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 7, 15, 100, b.Len() / 2, b.Len() - 1} {
			if _, err := Load(bytes.NewReader(b.Bytes()[:n])); err == nil {
				t.Errorf("%d of %d bytes are read as a model", n, b.Len())
			}
		}
		back, err := Load(&b)
		if err != nil {
			t.Fatal(err)
		}
		x := append(train.X[:200:200], float32(math.NaN()), float32(math.Inf(1)), 100, float32(math.Inf(-1)), -3)
		p, _ := m.Predict(x)
		q, err := back.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p {
			if p[i] != q[i] {
				t.Fatalf("prediction %d is %v, of the model that was read %v", i, p[i], q[i])
			}
		}
	}
}

// A node with two parents is no tree: what it has as a leaf would be taken from anywhere.
func TestTwoParents(t *testing.T) {
	m := &Model{Kind: "boosting", Loss: "squared", Columns: []Column{{Name: "a"}}, Outputs: 1, Width: 1, Start: []float64{0}, Values: []float32{1, 2, 3}}
	split := func(left int32) Node { return Node{Left: left, Set: -1, Value: 1 << 30} }
	leaf := Node{Column: -1, Set: -1}
	for _, nodes := range [][]Node{{split(1), split(3), split(3), leaf, leaf}, {split(1), split(2), leaf, leaf}} {
		m.Trees = []Tree{{Nodes: nodes}}
		var b bytes.Buffer
		if err := m.Save(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(&b); err == nil {
			t.Errorf("%+v is read", nodes)
		}
	}
}

// Whatever is read is an error, or a model that predicts without harm.
func FuzzLoad(f *testing.F) {
	train, class, value := sampleTable(60, 21)
	for _, c := range []Config{{Classes: 3, Depth: 2}, {Depth: 2, Categories: "ordered"}} {
		y := value
		if c.Classes > 0 {
			y = class
		}
		b, err := NewBooster(c, train, y)
		if err != nil {
			f.Fatal(err)
		}
		if err := b.Round(); err != nil {
			f.Fatal(err)
		}
		var out bytes.Buffer
		if err := b.Save(&out); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	f.Add([]byte(savedMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		w := len(m.Columns)
		if w*m.Outputs > 1<<16 {
			return
		}
		x := make([]float32, 3*w)
		for i := range x {
			x[i] = []float32{0, 1.5, float32(math.NaN()), -1, float32(math.Inf(1))}[i%5]
		}
		p, err := m.Predict(x)
		if err != nil || len(p) != 3*m.Predictions() {
			t.Fatalf("%d predictions of 3 rows, %v", len(p), err)
		}
	})
}

func TestMistakes(t *testing.T) {
	train, class, value := sampleTable(50, 22)
	ok := func(n int) *Table { return &Table{Columns: train.Columns, X: train.X[:5*n]} }
	for _, c := range []struct {
		Config
		t    *Table
		y    Target
		want string
	}{
		{Config{Depth: 65}, train, value, "depth: 65 is outside 1 to 64"},
		{Config{Rate: -1}, train, value, "rate: -1 is outside"},
		{Config{L2: math.NaN()}, train, value, "l2: NaN"},
		{Config{Growth: "wide"}, train, value, `growth: "wide" is none of depth, leaf`},
		{Config{Loss: "logistic"}, train, value, "loss: logistic does not fit 0 classes"},
		{Config{Classes: 3, Loss: "squared"}, train, class, "loss: squared does not fit 3 classes"},
		{Config{Classes: 2}, train, class, "has class 2 of 2"},
		{Config{}, ok(49), value, "50 targets for 49 rows"},
		{Config{}, &Table{}, value, "no columns"},
		{Config{}, &Table{Columns: train.Columns, X: train.X[:7]}, value, "7 values are no whole rows of 5 columns"},
		{Config{}, &Table{Columns: []Column{{Name: "c", Levels: 2, Monotone: 1}}, X: train.X}, value, `column "c" holds categories`},
		{Config{Loss: "absolute"}, &Table{Columns: []Column{{Name: "m", Monotone: 1}}, X: train.X[:50]}, value, "do not go with the loss absolute"},
		{Config{Loss: "poisson"}, ok(1), Target{Value: []float32{-1}}, "counts from 0 on"},
		{Config{}, ok(1), Target{Value: []float32{float32(math.NaN())}}, "the target of row 0 is NaN"},
		{Config{}, ok(1), Target{Value: []float32{1}, Weight: []float32{0}}, "all weights are 0"},
		{Config{}, ok(1), Target{Value: []float32{1}, Weight: []float32{-1}}, "the weight of row 0 is -1"},
	} {
		if _, err := NewBooster(c.Config, c.t, c.y); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.Config, err, c.want)
		}
	}
	b, err := NewBooster(Config{}, train, value)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Watch(&Table{Columns: train.Columns, X: train.X[:4]}, value); err == nil {
		t.Error("rows of another width are watched")
	}
	var out bytes.Buffer
	if err := b.Save(&out); err != nil {
		t.Fatal(err)
	}
	other, err := NewBooster(Config{Classes: 3}, train, class)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Load(&out); err == nil || !strings.Contains(err.Error(), "another task") {
		t.Errorf("the model of another task is loaded: %v", err)
	}
}

// Rows that are all alike, or of one class, are no error.
func TestNothingToLearn(t *testing.T) {
	x := []float32{1, float32(math.NaN()), 1, float32(math.NaN()), 1, float32(math.NaN())}
	columns := []Column{{Name: "a"}, {Name: "b"}}
	for _, c := range []Config{{}, {Classes: 2}, {Classes: 3}, {Loss: "absolute"}, {Loss: "poisson"}} {
		y := Target{Class: []int32{1, 1, 1}}
		if c.Classes == 0 {
			y = Target{Value: []float32{2, 2, 2}}
		}
		m, err := Fit(c, &Table{Columns: columns, X: x}, y, nil, Target{}, 3, 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict([]float32{1, float32(math.NaN()), 7, 8})
		if err != nil {
			t.Fatal(err)
		}
		if k := min(c.Classes, 1); math.Abs(p[k]-float64(2-k)) > 1e-6 {
			t.Errorf("%+v: %v is predicted", c, p)
		}
	}
}
