package engine

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

func TestRestoreBest(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 30)
	n := mustCompile(t, Seq{Dense{Out: 8}, BatchNorm{}, Dense{Out: 3}}, s.Shape, Config{})
	tr := mustTrain(t, n, TrainConfig{})
	if tr.RestoreBest() {
		t.Error("restored without a copy")
	}
	epoch := func() {
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
	}
	epoch()
	tr.KeepBest()
	want, err := n.Evaluate(s)
	if err != nil {
		t.Fatal(err)
	}
	epoch()
	if got, _ := n.Evaluate(s); got == want {
		t.Fatal("an epoch changed nothing")
	}
	tr.RestoreBest()
	if got, _ := n.Evaluate(s); got != want {
		t.Errorf("restored %+v, want %+v", got, want)
	}
}

func TestLoadErrors(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 30)
	make := func(l Layer, o optim.Optimizer) *Trainer {
		return mustTrain(t, mustCompile(t, l, s.Shape, Config{}), TrainConfig{Optimizer: o})
	}
	saved := func(tr *Trainer) []byte {
		var b bytes.Buffer
		if err := tr.Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	l := Seq{Dense{Out: 8}, ReLU{}, Dense{Out: 3}}
	tr := make(l, nil)
	good := saved(tr)
	for _, c := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"empty", nil, "cut off"},
		{"cut", good[:len(good)-1], "cut off"},
		{"shape", saved(make(Seq{Dense{Out: 9}, ReLU{}, Dense{Out: 3}}, nil)), `"0.weight" has shape [5 9], the network's has [5 8]`},
		{"missing", saved(make(Seq{Dense{Out: 8}}, nil)), `no tensor "2.weight"`},
		{"too many", saved(make(Seq{Dense{Out: 8}, ReLU{}, Dense{Out: 3}, Dense{Out: 3}}, nil)), `is not of this network`},
		{"optimizer", saved(make(l, optim.SGD{})), "SGD"},
		{"epoch", bytes.Replace(good, []byte(`"epoch":"0"`), []byte(`"epoch":"x"`), 1), `epoch is "x"`},
		{"format", bytes.Replace(good, []byte("checkpoint 1"), []byte("checkpoint 9"), 1), "format"},
	} {
		before := slices.Clone(tr.net.params)
		if err := tr.Load(bytes.NewReader(c.bytes)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
		if !slices.Equal(before, tr.net.params) {
			t.Errorf("%s: a failed Load changed weights", c.name)
		}
	}
}

// Divergence names epoch, step and culprit at the step where it appears.
func TestDiverged(t *testing.T) {
	l := Seq{Dense{Out: 8}, ReLU{}, Residual{Seq{Dense{Out: 8}}}, Dense{Out: 3}}
	fails := func(n *Net, cfg TrainConfig, s *data.Set, epochs int) error {
		tr := mustTrain(t, n, cfg)
		for range epochs {
			if loss, err := tr.Epoch(s); err != nil {
				if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
					t.Errorf("loss %g with error %v", loss, err)
				}
				return err
			}
		}
		return nil
	}
	expect := func(err error, want ...string) {
		t.Helper()
		if !errors.Is(err, ErrDiverged) {
			t.Fatalf("error %v", err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
	}
	cfg := Config{Batch: 10}
	s := blobs(data.Shape{5}, 3, 30)
	n := mustCompile(t, l, s.Shape, cfg)
	n.Tensors()[2].Data[3] = float32(math.NaN())
	expect(fails(n, TrainConfig{}, s, 1), "epoch 1", "step 1", "2.body.0.weight")

	expect(fails(mustCompile(t, l, s.Shape, cfg), TrainConfig{Optimizer: optim.SGD{}, Schedule: optim.Constant{LR: 1e30}}, s, 9), "epoch 1")

	s.X[7*5] = float32(math.Inf(1))
	expect(fails(mustCompile(t, l, s.Shape, cfg), TrainConfig{}, s, 1), "epoch 1", "the input")
	s.X[7*5] = 3e38 // finite, but its product is not
	n = mustCompile(t, l, s.Shape, cfg)
	n.Params()[0] = 9
	expect(fails(n, TrainConfig{}, s, 1), "epoch 1", "layer 0 Dense(8)")
}

// The gradient of several batches is clipped to the norm before the step.
func TestClippedStep(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 10)
	n := mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 10})
	before := slices.Clone(n.Params())
	tr := mustTrain(t, n, TrainConfig{Optimizer: optim.SGD{}, Schedule: optim.Constant{LR: 1}, ClipNorm: 0.01})
	if _, err := tr.Epoch(s); err != nil {
		t.Fatal(err)
	}
	var d float64
	for i, w := range n.Params() {
		d += math.Pow(float64(w-before[i]), 2)
	}
	if math.Abs(math.Sqrt(d)-0.01) > 1e-5 {
		t.Errorf("a step of length %g", math.Sqrt(d))
	}
}

func TestMLP(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 90)
	n := MLP(rand.New(rand.NewPCG(1, 1)), 5, 16, 3)
	first := n.Loss(s)
	for range 20 {
		n.Fit(s, 0.01)
	}
	if last := n.Loss(s); n.Err() != nil || !(last < first/2) {
		t.Errorf("loss %g after %g, %v", last, first, n.Err())
	}
	if l := n.Fit(s, math.NaN()); !math.IsNaN(l) || !errors.Is(n.Err(), ErrDiverged) {
		t.Errorf("learning rate NaN: loss %g, %v", l, n.Err())
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, bad := range []*Net{MLP(r), MLP(r, 3), MLP(r, 3, 0, 2), MLP(nil, 3, 2)} {
		if !math.IsNaN(bad.Fit(s, 0.1)) || !math.IsNaN(bad.Loss(s)) || bad.Err() == nil {
			t.Error("no error")
		}
		if bad.Params() != nil || bad.Predict(nil, nil) == nil || bad.Tensors() == nil && bad.Summary() == "" {
			t.Error("an empty network does something")
		}
	}
	if n := MLP(r, 5, 3); !math.IsNaN(n.Loss(blobs(data.Shape{4}, 3, 9))) || n.Err() == nil {
		t.Error("a set that does not fit gives no error")
	} else if math.IsNaN(n.Fit(s, 0.1)) {
		t.Error("an error of Loss spoils Fit")
	}
}
