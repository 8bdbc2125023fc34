package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"budwood/data"
)

var (
	largeMLP = Seq{Dense{Out: 256}, ReLU{}, Dense{Out: 128}, ReLU{}, Dense{Out: 10}}
	smallMLP = Seq{Dense{Out: 16}, ReLU{}, Dense{Out: 4}}
)

// A network with work enough gets all lanes, a small one gets one, and is told why.
func TestSearchMesh(t *testing.T) {
	for _, tt := range []struct {
		layer Layer
		in    data.Shape
		batch int
		lanes int
		want  int
		why   string
	}{
		{largeMLP, data.Shape{784}, 512, 2, 2, ""},
		{largeMLP, data.Shape{784}, 512, 4, 4, ""},
		{largeMLP, data.Shape{784}, 512, 1, 1, ""},
		{smallMLP, data.Shape{16}, 32, 4, 1, "million operations for each of 2 lanes"},
		{Seq{Dense{Out: 4096}, ReLU{}, Dense{Out: 4096}}, data.Shape{4096}, 1, 4, 1, "a step has only 1 row"},
	} {
		a, err := SearchMesh(tt.layer, tt.in, Config{Batch: tt.batch}, TrainConfig{}, nil, tt.lanes, 0)
		if err != nil {
			t.Fatal(err)
		}
		m := a.Best.Mesh
		if m.Auto || m.Threads != tt.want || m.Data != tt.want || m.MicroBatches != 1 || !strings.Contains(a.Why, tt.why) || (a.Why == "") != (tt.why == "") {
			t.Errorf("%v, batch %d on %d lanes: %s", tt.layer, tt.batch, tt.lanes, a)
		}
		again, err := SearchMesh(tt.layer, tt.in, Config{Batch: tt.batch}, TrainConfig{}, nil, tt.lanes, 0)
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Errorf("another search gives %v, %v", again, err)
		}
		for i, o := range a.Next {
			if o.Why == "" || i > 0 && o.Step.Time.Step < a.Next[i-1].Step.Time.Step {
				t.Errorf("%d. next: %s %+.2f %s", i, o.Mesh.Words(), o.Slower, o.Why)
			}
		}
	}
}

// What does not fit the memory is not chosen: first lanes are given up, or activations
// are computed again; what then does not fit is an error.
func TestSearchMeshFits(t *testing.T) {
	c, in := Config{Batch: 512}, data.Shape{784}
	most := func(m Mesh) int64 {
		f, err := Footprint(largeMLP, in, c, TrainConfig{Mesh: m})
		if err != nil {
			t.Fatal(err)
		}
		return f.Train
	}
	two := most(Threads(2))
	a, err := SearchMesh(largeMLP, in, c, TrainConfig{}, nil, 2, two)
	if err != nil || a.Best.Mesh.Threads != 2 || a.Best.Memory.Train != two {
		t.Fatalf("%v, %v", a, err)
	}
	a, err = SearchMesh(largeMLP, in, c, TrainConfig{}, nil, 2, two-1)
	if err != nil || a.Best.Memory.Train >= two {
		t.Fatalf("%v, %v", a, err)
	}
	if _, err = SearchMesh(largeMLP, in, c, TrainConfig{}, nil, 2, 1<<10); !errors.Is(err, ErrNoFit) {
		t.Errorf("got %v", err)
	}
}

// What is given stays: a trial goes on with the pieces that decide its numbers.
func TestSearchMeshKeeps(t *testing.T) {
	given := Mesh{Auto: true, Data: 3, MicroBatches: 2}
	for lanes, want := range map[int]int{1: 1, 2: 2, 8: 3} {
		a, err := SearchMesh(largeMLP, data.Shape{784}, Config{Batch: 600}, TrainConfig{Mesh: given}, nil, lanes, 0)
		if err != nil {
			t.Fatal(err)
		}
		if m := a.Best.Mesh; m.Data != 3 || m.MicroBatches != 2 || m.Threads > want {
			t.Errorf("%d lanes: %s", lanes, a)
		}
	}
	a, err := SearchMesh(largeMLP, data.Shape{784}, Config{Batch: 100}, TrainConfig{Accumulate: 6}, nil, 2, 0)
	if err != nil || a.Best.Mesh.Data*a.Best.Mesh.MicroBatches < 6 {
		t.Errorf("micro-batches above the batch: %v, %v", a, err)
	}
	norm := Seq{Dense{Out: 64}, BatchNorm{}, ReLU{}, Dense{Out: 4}}
	if a, err = SearchMesh(norm, data.Shape{8}, Config{Batch: 24}, TrainConfig{}, nil, 2, 1<<30); err != nil || a.Best.Rows < leastValues {
		t.Errorf("a batch norm of %v, %v", a, err)
	}
}

// A trainer with the automatic mesh is that of the mesh that was chosen, to the bit.
func TestAutoTrains(t *testing.T) {
	set := &data.Set{Shape: data.Shape{784}, X: make([]float32, 64*784), Class: make([]int32, 64), Classes: 10}
	for i := range set.X {
		set.X[i] = float32(math.Sin(float64(i)))
	}
	for i := range set.Class {
		set.Class[i] = int32(i % 10)
	}
	train := func(m Mesh) []byte {
		n, err := Compile(largeMLP, set.Shape, Config{Batch: 64, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(n, TrainConfig{Seed: 1, Mesh: m})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Epoch(set); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := tr.Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var chosen *Choice
	auto := MeshAuto()
	auto.Threads, auto.Chosen = 2, func(c *Choice) { chosen = c }
	got := train(auto)
	if chosen == nil || chosen.Best.Mesh.Threads != 2 {
		t.Fatalf("chosen: %v", chosen)
	}
	if want := train(Mesh{Data: chosen.Best.Mesh.Data, MicroBatches: chosen.Best.Mesh.MicroBatches}); !bytes.Equal(got, want) {
		t.Error("the checkpoint differs from that of the mesh that was chosen")
	}
}

func TestMeshReadsAuto(t *testing.T) {
	var m Mesh
	if err := json.Unmarshal([]byte(`"auto"`), &m); err != nil || !m.Auto || !m.Cuts() {
		t.Errorf("%+v, %v", m, err)
	}
	b, _ := json.Marshal(m)
	var back Mesh
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(m, back) {
		t.Errorf("%s is read as %+v, %v", b, back, err)
	}
	if err := json.Unmarshal([]byte(`"fast"`), &m); err == nil || !strings.Contains(err.Error(), "write auto") {
		t.Errorf("got %v", err)
	}
}

// The list of layers has all that the plan of the whole has, and their times are those of
// their work.
func TestOutline(t *testing.T) {
	for _, tt := range []struct {
		layer Layer
		in    data.Shape
	}{
		{largeMLP, data.Shape{784}},
		{Seq{Conv{Out: 16, NoBias: true}, BatchNorm{}, ReLU{}, MaxPool{}, Conv{Out: 8, Groups: 8}, Residual{Seq{Conv{Out: 8}, GELU{}}}, Dense{Out: 10}}, data.Shape{12, 12, 3}},
		{Seq{Transformer{Heads: 4}, GlobalAvgPool{}, Dense{Out: 10}}, data.Shape{8, 32}},
		{Seq{Conv1D{Out: 8}, GRU{Out: 24}, LastStep{}, Dense{Out: 3}}, data.Shape{9, 5}},
		{Dense{Out: 3}, data.Shape{5}},
	} {
		m := BuiltIn()
		c := Config{Batch: 16}
		list, err := Outline(tt.layer, tt.in, c, m)
		if err != nil {
			t.Fatal(err)
		}
		_, cost, err := Measure(tt.layer, tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var macs, params, kept, seconds float64
		for _, l := range list {
			macs, params, kept = macs+l.Products+l.Scores, params+l.Params, kept+l.Kept/4
			seconds += l.Forward.Once + l.Backward.Once + 16*(l.Forward.Each+l.Backward.Each)
		}
		if macs != float64(cost.MACs) || params != float64(cost.Params) || kept != float64(cost.Activations) {
			t.Errorf("%v: %g MACs, %g parameters and %g activations, want %+v", tt.layer, macs, params, kept, cost)
		}
		w, err := StepWork(tt.layer, tt.in, c, TrainConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if want := w.Time(m.Each); math.Abs(seconds-want) > 1e-9*want || want <= 0 {
			t.Errorf("%v: %g s, and its work takes %g s", tt.layer, seconds, want)
		}
		if s, ok := tt.layer.(Seq); ok && len(list) != len(s) {
			t.Errorf("%v: %d layers", tt.layer, len(list))
		}
	}
}
