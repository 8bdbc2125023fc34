package transfer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
)

// sourceNet is a small network with everything that frozen layers must not do.
func sourceNet(t *testing.T) (*engine.Net, Source) {
	t.Helper()
	n, err := engine.Compile(engine.Seq{
		engine.Conv{Out: 6, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 6}, engine.BatchNorm{}}}, engine.ReLU{}, engine.Dropout{P: .3},
		engine.Flatten{}, engine.Dense{Out: 9}, engine.LayerNorm{}, engine.GELU{}, engine.Dense{Out: 5},
	}, data.Shape{6, 5, 2}, engine.Config{Batch: 8, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, x := range n.Statistics() {
		for i := range x.Data {
			x.Data[i] += r.Float32()
		}
	}
	s, err := SourceOf(n)
	if err != nil {
		t.Fatal(err)
	}
	return n, s
}

func someRows(n, classes int) *data.Set {
	r := rand.New(rand.NewPCG(2, 2))
	s := &data.Set{Shape: data.Shape{6, 5, 2}, Classes: classes, X: make([]float32, n*60)}
	for i := range s.X {
		s.X[i] = float32(r.NormFloat64())
	}
	for i := range n {
		s.Class = append(s.Class, int32(i%classes))
	}
	return s
}

func TestBlocks(t *testing.T) {
	_, s := sourceNet(t)
	blocks, err := s.Blocks()
	if err != nil || !slices.Equal(blocks, []int{0, 4, 8, 11}) {
		t.Errorf("%v, %v", blocks, err)
	}
	for _, l := range []engine.Seq{{engine.ReLU{}}, {engine.Dense{Out: 3}, engine.BatchNorm{}}, {engine.Conv{Out: 3}, engine.GlobalAvgPool{}}} {
		if _, err := (Source{Layers: l, In: data.Shape{4, 4, 1}}).Start(Start{}, engine.Config{}); err == nil {
			t.Errorf("%v has a head", l)
		}
	}
	if at, err := (Source{Layers: engine.Seq{engine.Conv{Out: 3}, engine.Conv{Out: 2, Kernel: 1}, engine.GlobalAvgPool{}}}).Head(); at != 1 || err != nil {
		t.Errorf("a convolution as head: %d, %v", at, err)
	}
	for _, o := range []Start{{Freeze: 4}, {Freeze: -5}, {Decay: 2}, {HeadRate: -1}} {
		if _, err := s.Start(o, engine.Config{}); err == nil {
			t.Errorf("%+v is allowed", o)
		}
	}
}

// With the head kept and nothing trained the network is the source, to the bit, wherever it
// is cut.
func TestStartIsTheSource(t *testing.T) {
	n, s := sourceNet(t)
	rows := someRows(20, 5)
	want := make([]float32, 20*5)
	if err := n.Predict(rows.X, want); err != nil {
		t.Fatal(err)
	}
	for freeze := range 4 {
		st, err := s.Start(Start{Freeze: freeze}, engine.Config{Batch: 8})
		if err != nil {
			t.Fatal(err)
		}
		f, err := st.Features(rows)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := st.Whole()
		if err != nil {
			t.Fatal(err)
		}
		got, again := make([]float32, len(want)), make([]float32, len(want))
		if err := st.Net.Predict(f.X, got); err != nil {
			t.Fatal(err)
		}
		if err := whole.Predict(rows.X, again); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || !slices.Equal(again, want) {
			t.Errorf("%d blocks frozen: other outputs than the source's", freeze)
		}
		if len(st.Came) != len(s.Tensors) || st.New != nil || st.Left != nil {
			t.Errorf("%d blocks frozen: came %v, new %v, left %v", freeze, st.Came, st.New, st.Left)
		}
	}
}

// What is frozen has the same bits after three epochs, running statistics too; what is not
// has moved. The features of a batch do not depend on the others.
func TestFrozen(t *testing.T) {
	_, s := sourceNet(t)
	rows := someRows(24, 3)
	for freeze := range 4 {
		st, err := s.Start(Start{Freeze: freeze, Outputs: 3}, engine.Config{Batch: 8, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(st.New, []string{"11.bias", "11.weight"}) || !slices.Equal(st.Left, st.New) || len(st.Came) != len(s.Tensors)-2 {
			t.Errorf("new %v, left %v, came %v", st.New, st.Left, st.Came)
		}
		f, err := st.Features(rows)
		if err != nil {
			t.Fatal(err)
		}
		some, err := st.Features(rows.Slice(8, 16))
		if w := f.Shape.Size(); err != nil || !slices.Equal(some.X, f.X[8*w:16*w]) {
			t.Errorf("%d blocks frozen: features of a batch by itself differ: %v", freeze, err)
		}
		tr, err := engine.NewTrainer(st.Net, engine.TrainConfig{Schedule: optim.Constant{LR: .01}, Groups: st.Groups})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := tr.Epoch(f); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := st.Whole()
		if err != nil {
			t.Fatal(err)
		}
		blocks, _ := s.Blocks()
		for name, now := range tensorsOf(whole) {
			at, _ := place(name)
			frozen := freeze > 0 && at < blocks[freeze]
			if same := slices.Equal(now.Data, s.Tensors[name]); same != frozen {
				t.Errorf("%d blocks frozen: %s the same: %v", freeze, name, same)
			}
		}
	}
}

func TestRates(t *testing.T) {
	_, s := sourceNet(t)
	st, err := s.Start(Start{Freeze: 1, Decay: .5, HeadRate: 3}, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, g := range st.Groups {
		got[strings.Join(g.Names, " ")] = g.Rate
	}
	if len(got) != 3 || got["0.*"] != .25 || got["4.* 5.*"] != .5 || got["7.*"] != 3 {
		t.Errorf("%v", got)
	}
	if _, err := engine.NewTrainer(st.Net, engine.TrainConfig{Groups: st.Groups}); err != nil {
		t.Error(err)
	}
	if st, err := s.Start(Start{}, engine.Config{}); err != nil || st.Groups != nil || st.Trunk != nil {
		t.Errorf("%+v, %v", st, err)
	}
	if _, err := st.Features(&data.Set{Shape: data.Shape{3}, X: make([]float32, 3)}); err == nil {
		t.Error("rows of another shape: no error")
	}
}
