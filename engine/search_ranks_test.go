package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood/data"
)

// The mesh of a gang is the fastest that fits the memory of a rank, never slower than one
// lane where one rank may do; what does not fit one rank is shared out.
func TestSearchOfRanks(t *testing.T) {
	small := Seq{Dense{Out: 64}, ReLU{}, Dense{Out: 10}}
	wide := Seq{Dense{Out: 2048}, ReLU{}, Dense{Out: 2048}, ReLU{}, Dense{Out: 2048}, ReLU{}, Dense{Out: 2048}, ReLU{}, Dense{Out: 10}}
	one, err := Footprint(wide, data.Shape{784}, Config{Batch: 256}, TrainConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		layer  Layer
		batch  int
		ranks  Ranks
		lanes  int
		memory int64
		mesh   Mesh
		check  func(m *Mesh, ranks int) bool
	}{
		{small, 32, Ranks{1, 4}, 1, 0, Mesh{}, func(m *Mesh, n int) bool { return n == 1 && m.World == nil && m.Data == 1 }},
		{wide, 4096, Ranks{1, 4}, 1, 0, Mesh{}, func(m *Mesh, n int) bool { return n > 1 && m.Data == n && m.Pipeline < 2 && m.Tensor < 2 }},
		{wide, 4096, Ranks{1, 2}, 2, 0, Mesh{}, func(m *Mesh, n int) bool { return n*m.Threads > 2 && m.Data == n*m.Threads }},
		{wide, 256, Ranks{1, 4}, 1, one.Train * 6 / 10, Mesh{}, func(m *Mesh, n int) bool { return n > 1 && (m.Zero > 0 || m.Pipeline > 1 || m.Tensor > 1) }},
		{wide, 256, Ranks{4, 4}, 1, 0, Mesh{Data: 2, Tensor: 2, MicroBatches: 2}, func(m *Mesh, n int) bool { return n == 4 && m.Data == 2 && m.Tensor == 2 && m.MicroBatches == 2 }},
		{wide, 4096, Ranks{3, 3}, 1, 0, Mesh{Tensor: 2}, func(m *Mesh, n int) bool { return n == 3 && m.Data == 3 && m.Tensor == 2 }},
		{wide, 256, Ranks{2, 2}, 1, 0, Mesh{Zero: 3}, func(m *Mesh, n int) bool { return n == 2 && m.Zero == 3 && m.Pipeline < 2 }},
	} {
		c.mesh.Ranks, c.mesh.Auto = c.ranks, true
		began := time.Now()
		a, err := SearchMesh(c.layer, data.Shape{784}, Config{Batch: c.batch}, TrainConfig{Mesh: c.mesh}, nil, c.lanes, c.memory)
		if err != nil {
			t.Errorf("%v: %v", c.ranks, err)
			continue
		}
		b := a.Best
		t.Logf("%v, %d bytes: %s (%v)", c.ranks, c.memory, a, time.Since(began))
		switch {
		case !c.check(&b.Mesh, b.Ranks) || b.Mesh.Auto || b.Ranks > 1 && b.Mesh.Ranks != Ranks{b.Ranks, b.Ranks}:
			t.Errorf("%v: %s", c.ranks, a)
		case c.ranks.Min == 1 && b.Step.Time.Step > b.One:
			t.Errorf("%v: slower than one lane: %s", c.ranks, a)
		case c.memory > 0 && b.Memory.Train > c.memory:
			t.Errorf("%v: takes %d of %d bytes", c.ranks, b.Memory.Train, c.memory)
		}
		if again := b.Mesh; again.Fits(c.batch, 1) != nil {
			t.Errorf("%v: %v", c.ranks, again.Fits(c.batch, 1))
		}
	}
	_, err = SearchMesh(wide, data.Shape{784}, Config{Batch: 256}, TrainConfig{Mesh: Mesh{Auto: true, Ranks: Ranks{1, 2}}}, nil, 1, 1<<20)
	if !errors.Is(err, ErrNoFit) || !strings.Contains(err.Error(), "1.0 MiB") {
		t.Errorf("nothing fits: %v", err)
	}
	if got, want := (Ranks{1, 1000}).tried(), 12; len(got) != want || got[0] != 1 || got[want-1] != 1000 {
		t.Errorf("of 1..1000 are tried %v", got)
	}
	if got := (Ranks{2, 6}).tried(); !slices.Equal(got, []int{2, 3, 4, 5, 6}) {
		t.Errorf("of 2..6 are tried %v", got)
	}
}
