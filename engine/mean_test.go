package engine

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"budwood/data"
)

// The mean of networks of different layers gives the mean of their outputs,
// statistics of norms included.
func TestMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	set := &data.Set{Shape: data.Shape{3}, X: normal(r, 60*3), Class: make([]int32, 60), Classes: 2}
	for i := range set.Class {
		if set.X[3*i] > 0 {
			set.Class[i] = 1
		}
	}
	var nets []*Net
	for i, l := range []Seq{
		{Dense{Out: 2}},
		{Dense{Out: 5}, BatchNorm{}, ReLU{}, Dense{Out: 2}},
		{Dense{Out: 4}, Residual{Body: Seq{Dense{Out: 4}, Tanh{}}}, BatchNorm{}, Dense{Out: 2, NoBias: true}},
	} {
		net, err := Compile(l, data.Shape{3}, Config{Batch: 8, Seed: uint64(i)})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(net, TrainConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := tr.Epoch(set); err != nil {
				t.Fatal(err)
			}
		}
		nets = append(nets, net)
	}
	want := make([]float64, 120)
	for _, n := range nets {
		out := make([]float32, 120)
		if err := n.Predict(set.X, out); err != nil {
			t.Fatal(err)
		}
		for i, y := range out {
			want[i] += float64(y) / 3
		}
	}
	all, err := Mean(nets...)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 120)
	if err := all.Predict(set.X, got); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if math.Abs(float64(got[i])-want[i]) > 1e-5 {
			t.Fatalf("output %d: %v, want %v", i, got[i], want[i])
		}
	}

	other, err := Compile(Seq{Dense{Out: 3}}, data.Shape{3}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	open, err := Compile(Seq{Dense{Out: 2}, Tanh{}}, data.Shape{3}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[string][]*Net{"no networks": nil, "network 1 maps": {nets[0], other}, "network 1 does not end in a Dense": {nets[0], open}} {
		if _, err := Mean(bad...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// The score over two halves is the score over the whole.
func TestJoinScores(t *testing.T) {
	a, b := Score{Loss: 1, Accuracy: 1, RMSE: 3}, Score{Loss: 4, Accuracy: .25, RMSE: 0, R2: 1}
	if got, want := JoinScores([]Score{a, b}, []int{1, 2}), (Score{3, .5, math.Sqrt(3), 2. / 3}); math.Abs(got.Loss-want.Loss) > 1e-12 ||
		math.Abs(got.Accuracy-want.Accuracy) > 1e-12 || math.Abs(got.RMSE-want.RMSE) > 1e-12 || math.Abs(got.R2-want.R2) > 1e-12 {
		t.Errorf("%+v, want %+v", got, want)
	}
}
