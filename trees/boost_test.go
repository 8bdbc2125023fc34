package trees

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// sample is a table with numbers, missing values and categories, and targets that depend on them.
func sampleTable(rows int, seed uint64) (*Table, Target, Target) {
	r := rand.New(rand.NewPCG(seed, 0))
	t := &Table{Columns: []Column{{Name: "a"}, {Name: "b"}, {Name: "c", Levels: 9}, {Name: "d"}, {Name: "e", Levels: 3}}}
	var class, value Target
	for range rows {
		a, b, c, d, e := r.NormFloat64(), r.NormFloat64(), r.IntN(9), float64(r.IntN(4)), r.IntN(3)
		s := math.Sin(2*a) + b*b/2 + d/3 + float64([]int{0, 2, 1, 0, 3, 1, 0, 2, 0}[c])/2
		if r.IntN(5) == 0 {
			b, s = math.NaN(), s+1
		}
		x := []float32{float32(a), float32(b), float32(c), float32(d), float32(e)}
		if r.IntN(10) == 0 {
			x[2] = float32(math.NaN())
		}
		t.X = append(t.X, x...)
		y := s + .3*r.NormFloat64()
		value.Value = append(value.Value, float32(y))
		class.Class = append(class.Class, int32(min(max(int(y), 0), 2)))
	}
	return t, class, value
}

func TestBoosts(t *testing.T) {
	train, class, value := sampleTable(900, 1)
	test, testClass, testValue := sampleTable(600, 2)
	counts, testCounts := value, testValue
	counts.Value, testCounts.Value = slices.Clone(value.Value), slices.Clone(testValue.Value)
	for _, v := range [][]float32{counts.Value, testCounts.Value} {
		for i := range v {
			v[i] = float32(max(int(2*v[i]), 0))
		}
	}
	binary := func(y Target) (out Target) {
		for _, c := range y.Class {
			out.Class = append(out.Class, min(c, 1))
		}
		return out
	}
	for _, c := range []struct {
		Config
		y, test Target
		share   float64 // of the loss of the start that is left
	}{
		{Config{}, value, testValue, .25},
		{Config{Growth: "leaf"}, value, testValue, .25},
		{Config{L1: 1, L2: 1, MinChild: 5, MinGain: .1}, value, testValue, .25},
		{Config{Categories: "ordered"}, value, testValue, .25},
		{Config{Rows: .5, Columns: .7}, value, testValue, .25},
		{Config{Bins: 8}, value, testValue, .45},
		{Config{Loss: "absolute"}, value, testValue, .5},
		{Config{Loss: "quantile", Alpha: .9}, value, testValue, .55},
		{Config{Classes: 3}, class, testClass, .62},
		{Config{Classes: 3, Categories: "ordered", Growth: "leaf"}, class, testClass, .62},
		{Config{Classes: 2, Loss: "logistic"}, binary(class), binary(testClass), .6},
	} {
		name := fmt.Sprintf("%+v", c.Config)
		b, err := NewBooster(c.Config, train, c.y)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Watch(test, c.test); err != nil {
			t.Fatal(err)
		}
		first := b.ValidLoss()
		for range 60 {
			if err := b.Round(); err != nil {
				t.Fatal(err)
			}
		}
		if l := b.ValidLoss(); !(l < c.share*first) {
			t.Errorf("%s: the loss fell from %.4g to %.4g", name, first, l)
		}
		f, err := b.Model().Margins(test.X)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f, b.Margins()) {
			t.Errorf("%s: what is predicted is not what was watched", name)
		}
	}
	b, err := NewBooster(Config{Loss: "poisson"}, train, counts)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Watch(test, testCounts); err != nil {
		t.Fatal(err)
	}
	first := b.ValidLoss()
	for range 60 {
		if err := b.Round(); err != nil {
			t.Fatal(err)
		}
	}
	if l := b.ValidLoss(); !(l < first-.5) {
		t.Errorf("poisson: the loss fell from %.4g to %.4g", first, l)
	}
}

// asSaved is a model as it is saved.
func asSaved(t *testing.T, b *Booster) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Save(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSameBits(t *testing.T) {
	train, class, _ := sampleTable(2000, 3)
	test, testClass, _ := sampleTable(500, 4)
	for _, growth := range Growths {
		c := Config{Classes: 3, Rows: .7, Columns: .6, Growth: growth, Seed: 9}
		var want []byte
		for _, threads := range []int{1, 2, 5} {
			c.Threads = threads
			b, err := NewBooster(c, train, class)
			if err != nil {
				t.Fatal(err)
			}
			for range 8 {
				if err := b.Round(); err != nil {
					t.Fatal(err)
				}
			}
			if got := asSaved(t, b); want == nil {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s: %d threads make another model than one", growth, threads)
			}
		}
		for _, at := range []int{1, 5} { // saved after so many rounds, and gone on with
			b, err := NewBooster(c, train, class)
			if err != nil {
				t.Fatal(err)
			}
			for range at {
				if err := b.Round(); err != nil {
					t.Fatal(err)
				}
			}
			kept := asSaved(t, b)
			if b, err = NewBooster(c, train, class); err != nil {
				t.Fatal(err)
			}
			if err := b.Watch(test, testClass); err != nil {
				t.Fatal(err)
			}
			if err := b.Load(bytes.NewReader(kept)); err != nil {
				t.Fatal(err)
			}
			for range 8 - at {
				if err := b.Round(); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(asSaved(t, b), want) {
				t.Errorf("%s: going on after round %d makes another model", growth, at)
			}
		}
	}
}

func TestMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	for _, way := range []int8{1, -1} {
		train := &Table{Columns: []Column{{Name: "a", Monotone: way}, {Name: "b"}}}
		var y Target
		for range 800 {
			a, b := r.Float64()*6, r.Float64()
			train.X = append(train.X, float32(a), float32(b))
			y.Value = append(y.Value, float32(math.Sin(a)*2+float64(way)*a/2+b))
		}
		m, err := Fit(Config{Rate: .3}, train, y, nil, Target{}, 40, 0)
		if err != nil {
			t.Fatal(err)
		}
		changes := 0
		for b := range 5 {
			last := math.Inf(-int(way))
			for a := range 100 {
				p, err := m.Predict([]float32{float32(a) * 6 / 100, float32(b) / 5})
				if err != nil {
					t.Fatal(err)
				}
				if float64(way)*(p[0]-last) < 0 {
					t.Fatalf("it goes from %v to %v at a = %v", last, p[0], a)
				} else if p[0] != last {
					changes++
				}
				last = p[0]
			}
		}
		if changes < 20 {
			t.Errorf("it hardly depends on a: %d steps", changes)
		}
	}
}

func TestEarlyStop(t *testing.T) {
	train, _, value := sampleTable(150, 6)
	valid, _, validValue := sampleTable(300, 7)
	m, err := Fit(Config{Rate: .5}, train, value, valid, validValue, 400, 10)
	if err != nil {
		t.Fatal(err)
	}
	if n := m.Rounds(); n < 2 || n > 100 {
		t.Errorf("the best round is %d", n)
	}
	longer, err := Fit(Config{Rate: .5}, train, value, valid, validValue, 400, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := m.Predict(valid.X)
	b, _ := longer.Predict(valid.X)
	loss := func(p []float64) float64 { return squared.of(nil, &validValue, p) }
	if loss(a) < loss(b) {
		t.Errorf("stopped early the loss is %v, by the best of all rounds %v", loss(a), loss(b))
	}
}

// A weight of 2 is a row that is there twice.
func TestWeights(t *testing.T) {
	train, _, value := sampleTable(200, 8)
	twice := &Table{Columns: train.Columns, X: slices.Clone(train.X)}
	doubled := Target{Value: slices.Clone(value.Value)}
	value.Weight = make([]float32, 200)
	for i := range 200 {
		if value.Weight[i] = 1; i%3 == 0 {
			value.Weight[i] = 2
			twice.X = append(twice.X, train.X[i*5:i*5+5]...)
			doubled.Value = append(doubled.Value, value.Value[i])
		}
	}
	for _, loss := range []string{"squared", "absolute", "quantile"} {
		c := Config{Loss: loss, Alpha: .3, MinChild: 4}
		a, err := Fit(c, train, value, nil, Target{}, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Fit(c, twice, doubled, nil, Target{}, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := a.Predict(train.X)
		y, _ := b.Predict(train.X)
		for i := range x {
			if math.Abs(x[i]-y[i]) > 1e-5 {
				t.Fatalf("%s: row %d: %v with a weight, %v twice", loss, i, x[i], y[i])
			}
		}
	}
}
