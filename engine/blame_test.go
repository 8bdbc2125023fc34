package engine

import (
	"errors"
	"math"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/optim"
)

// explode is a layer for tests: the identity, whose output or gradient turns
// infinite.
type explode struct{ backward bool }

func (e explode) Infer(in data.Shape) (data.Shape, error) { return in, nil }
func (e explode) String() string                          { return "Explode" }
func (e explode) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	b.Layer(e, x.Shape, 0)
	y := b.Output(x, x.Shape, false, plan.NeedNothing)
	b.Add(&exploding{x: x, y: y, late: e.backward}, []*plan.Block{x.Data, y.Data}, []*plan.Block{x.Grad, y.Grad})
	return y
}

type exploding struct {
	x, y plan.Tensor
	late bool
}

func (o *exploding) Bind() {}

func (o *exploding) Forward(p plan.Pass) {
	n := p.Rows * o.x.Shape.Size()
	copy(o.y.Data.Floats[:n], o.x.Data.Floats)
	if !o.late {
		o.y.Data.Floats[n/2] = float32(math.Inf(1))
	}
}

func (o *exploding) Backward(p plan.Pass) {
	n := p.Rows * o.x.Shape.Size()
	copy(o.x.Grad.Floats[:n], o.y.Grad.Floats)
	if o.late {
		o.x.Grad.Floats[n/2] = float32(math.NaN())
	}
}

// NaN and infinity are reported at the step at which they appear, with the layer
// that made them, whichever way they come to light.
func TestBlame(t *testing.T) {
	inner := Seq{Dense{Out: 6}, Tanh{}, explode{}, ReLU{}, Dense{Out: 3}}
	late := Seq{Dense{Out: 6}, Residual{Seq{Dense{Out: 6}, explode{backward: true}}}, Tanh{}, Dense{Out: 3}}
	for _, c := range []struct {
		name  string
		layer Seq
		cfg   TrainConfig
		spoil func(n *Net, s *data.Set)
		want  string
	}{
		{"forward", inner, TrainConfig{}, nil, "in the output of layer 2 Explode"},
		{"backward, seen by the norm", late, TrainConfig{ClipNorm: 1}, nil, "in the gradient of layer 1.body.1 Explode"},
		{"backward, seen by the weights", late, TrainConfig{}, nil, "in the gradient of tensor 1.body.0.bias of layer 1.body.0 Dense(6)"},
		{"weight", inner, TrainConfig{}, func(n *Net, _ *data.Set) { n.Params()[3] = float32(math.NaN()) }, "in tensor 0.weight"},
		{"input", inner, TrainConfig{}, func(_ *Net, s *data.Set) { s.X[7] = float32(math.Inf(-1)) }, "in the input"},
		{"huge weights", Seq{Dense{Out: 6}, Tanh{}, Dense{Out: 3}}, TrainConfig{}, func(n *Net, _ *data.Set) {
			for i := range n.Params() {
				n.Params()[i] = 3e38
			}
		}, "in the output of layer 0 Dense(6)"},
		{"step too large", Seq{Dense{Out: 3}}, TrainConfig{Optimizer: optim.SGD{}, Schedule: optim.Constant{LR: math.MaxFloat64}}, nil, "in tensor 0.weight"},
	} {
		s := blobs(data.Shape{4}, 3, 12)
		n := mustCompile(t, c.layer, s.Shape, Config{Batch: 5})
		if c.spoil != nil {
			c.spoil(n, s)
		}
		_, err := mustTrain(t, n, c.cfg).Epoch(s)
		if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "step 1") && c.name != "input" {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
}

// Every kind of network is blameless as long as nothing goes wrong.
func TestBlameless(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 7)
	for _, k := range kinds {
		n := mustCompile(t, k.layer, s.Shape, Config{Batch: 8})
		for _, b := range n.plan.Blocks { // what earlier steps leave
			kernel.Scale(b.Floats, 0)
		}
		p := plan.Pass{Rows: 7, Train: true, Key: 1}
		if got := n.blame(p, n.gather(s, []int32{0, 1, 2, 3, 4, 5, 6}), 1); got != "" {
			t.Errorf("%s: blames%s", k.name, got)
		}
	}
}
