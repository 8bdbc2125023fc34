package trees

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

func TestForests(t *testing.T) {
	train, class, value := sampleTable(1200, 31)
	test, testClass, testValue := sampleTable(600, 32)
	for _, c := range []struct {
		ForestConfig
		y, test Target
		share   float64
	}{
		{ForestConfig{}, value, testValue, .35}, {ForestConfig{Extra: true}, value, testValue, .4},
		{ForestConfig{Classes: 3, MinLeaf: 3}, class, testClass, .75}, {ForestConfig{Classes: 3, Extra: true, MinLeaf: 3, Columns: 1}, class, testClass, .75},
	} {
		name := fmt.Sprintf("%+v", c.ForestConfig)
		f, err := NewForest(c.ForestConfig, train, c.y)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Watch(test, c.test); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if err := f.Round(); err != nil {
				t.Fatal(err)
			}
		}
		first := math.Log(3)
		if c.Classes == 0 {
			first = 1.6 // about the variance
		}
		if l := f.ValidLoss(); !(l < c.share*first) {
			t.Errorf("%s: the loss is %.4g of %.4g", name, l, first)
		}
		p, err := f.Model().Margins(test.X)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range f.Margins() {
			if math.Abs(v-p[i]) > 1e-12 {
				t.Fatalf("%s: %v is predicted and %v was watched", name, p[i], v)
			}
		}
		var kept, whole, again bytes.Buffer
		if err := f.Save(&kept); err != nil {
			t.Fatal(err)
		}
		g, err := NewForest(c.ForestConfig, train, c.y)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Load(&kept); err != nil {
			t.Fatal(err)
		}
		for _, f := range []*Forest{f, g} {
			if err := f.Round(); err != nil {
				t.Fatal(err)
			}
		}
		f.Save(&whole)
		if g.Save(&again); !bytes.Equal(whole.Bytes(), again.Bytes()) {
			t.Errorf("%s: going on from a checkpoint makes another forest", name)
		}
		row := train.X[:5]
		s, err := f.Model().SHAP(row)
		if err != nil {
			t.Fatal(err)
		}
		y, _ := f.Model().Margins(row)
		for k := range y {
			sum := 0.
			for _, v := range s[k*6 : k*6+6] {
				sum += v
			}
			if math.Abs(sum-y[k]) > 1e-9 {
				t.Errorf("%s: the SHAP values add up to %v, not %v", name, sum, y[k])
			}
		}
	}
}

// One tree without a bootstrap that tries all columns knows all of its rows by heart.
func TestForestKnowsItsRows(t *testing.T) {
	train, class, _ := sampleTable(200, 33)
	f, err := NewForest(ForestConfig{Classes: 3, Extra: true, Columns: 1}, train, class)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Round(); err != nil {
		t.Fatal(err)
	}
	p, err := f.Model().Predict(train.X)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range class.Class {
		if p[3*i+int(c)] < .66 { // (1 + 1/3) / 2
			t.Fatalf("row %d of class %d: %v", i, c, p[3*i:3*i+3])
		}
	}
}

func TestLinear(t *testing.T) {
	// y = 2a − 3b + (0, 1, 5 by c), on a grid: without a penalty the weights are exact.
	train := &Table{Columns: []Column{{Name: "a"}, {Name: "b"}, {Name: "c", Levels: 3}}}
	var y, class Target
	for a := range 6 {
		for b := range 5 {
			for c := range 3 {
				train.X = append(train.X, float32(a), float32(b)*100, float32(c))
				v := float64(2*a-3*b) + []float64{0, 1, 5}[c]
				y.Value = append(y.Value, float32(v))
				class.Class = append(class.Class, int32(min(max(int(v/4)+1, 0), 2)))
			}
		}
	}
	l, err := NewLinear(LinearConfig{}, train, y)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Round(); err != nil {
			t.Fatal(err)
		}
	}
	p, err := l.Model().Predict(train.X)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range y.Value {
		if math.Abs(p[i]-float64(v)) > 1e-3 {
			t.Fatalf("row %d: %v, want %v", i, p[i], v)
		}
	}
	if p, _ = l.Model().Predict([]float32{float32(math.NaN()), 200, 9}); math.Abs(p[0]-(2*2.5-6+2)) > 1e-3 {
		t.Errorf("missing values are taken for %v", p[0])
	}
	s, err := l.Model().SHAP([]float32{5, 200, 1})
	if err != nil || math.Abs(s[0]-5) > 1e-3 || math.Abs(s[1]) > 1e-3 || math.Abs(s[2]+1) > 1e-3 || math.Abs(s[3]-1) > 1e-3 {
		t.Errorf("SHAP: %v, %v", s, err)
	}
	// At the minimum the gradient is 0: of the softmax each class is predicted as often as it is there.
	if l, err = NewLinear(LinearConfig{Classes: 3, L2: 1}, train, class); err != nil {
		t.Fatal(err)
	}
	if err := l.Round(); err != nil {
		t.Fatal(err)
	}
	q, _ := l.Model().Predict(train.X)
	var sums, counts [3]float64
	right := 0
	for i, c := range class.Class {
		counts[c]++
		for k := range sums {
			sums[k] += q[3*i+k]
		}
		if q[3*i+int(c)] > .5 {
			right++
		}
	}
	for k := range sums {
		if math.Abs(sums[k]-counts[k]) > .01 {
			t.Errorf("class %d is there %v times and predicted %v times", k, counts[k], sums[k])
		}
	}
	if right < 75 {
		t.Errorf("%d of 90 are right", right)
	}
	var b bytes.Buffer
	if err := l.Save(&b); err != nil {
		t.Fatal(err)
	}
	again, err := NewLinear(LinearConfig{Classes: 3, L2: 1}, train, class)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Load(&b); err != nil {
		t.Fatal(err)
	}
	if err := again.Round(); err != nil {
		t.Fatal(err)
	}
	if again.TrainLoss() != l.TrainLoss() {
		t.Errorf("the loss is %v, of the saved model %v", l.TrainLoss(), again.TrainLoss())
	}
}
