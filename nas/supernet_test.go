package nas

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

// sharing are spaces of every kind, with the shape of their data.
func sharing(t testing.TB) map[string]*Space {
	image, steps, row := data.Shape{8, 8, 1}, data.Shape{6, 3}, data.Shape{7}
	conv := Op{"conv", []search.Param{search.Int("out", 2, 6), search.Ordinal("kernel", 1, 3, 5)}}
	grammar := func(r Rule, in data.Shape) *Space {
		s, err := New(Grammar{Root: r}, Limits{})
		if err == nil {
			s, err = s.For(in, 3)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return map[string]*Space{
		"mlp":      bind(t, Spec{Family: "mlp", Ops: []string{"dense", "residual"}}, row),
		"tabular":  bind(t, Spec{Family: "tabular"}, row),
		"cnn":      bind(t, Spec{Family: "cnn", Stages: []int{1, 2}, Channels: []int{2, 8}, Width: []int{4, 8}, Ops: []string{"conv", "depthwise", "residual", "squeeze_excite", "attention", "fpn"}, Norm: []string{"none", "batch"}}, image),
		"cell":     bind(t, Spec{Family: "cell", Channels: []int{2, 8}, Ops: []string{"conv", "depthwise"}}, image),
		"sequence": bind(t, Spec{Family: "sequence", Width: []int{4, 12}, Ops: []string{"transformer", "decoder", "gru", "conv1d"}}, steps),
		"sums": grammar(Seq{conv, Par{[]Rule{Op{Name: "skip"}, conv, Seq{conv, Op{Name: "maxpool"}}}, false},
			Par{[]Rule{conv, Op{Name: "skip"}}, true}, Par{[]Rule{conv, Par{[]Rule{Op{Name: "skip"}, conv}, false}}, false}, Op{Name: "flatten"}, Op{Name: "batchnorm"}, Op{Name: "relu"}}, image),
	}
}

// shown is a set of random rows for networks of a space.
func shown(s *Space) *data.Set {
	r := rand.New(rand.NewPCG(8, 8))
	const rows = 32
	set := &data.Set{Shape: s.in, Classes: s.outputs}
	for range rows * s.in.Size() {
		set.X = append(set.X, float32(r.NormFloat64()))
	}
	for range rows {
		set.Class = append(set.Class, int32(r.IntN(s.outputs)))
	}
	return set
}

func pathNet(t testing.TB, s *Space, p search.Params, seed uint64) *engine.Net {
	t.Helper()
	g, err := FromParams(p)
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := s.Build(g)
	if err != nil {
		t.Fatal(err)
	}
	n, err := engine.Compile(l, s.in, engine.Config{Batch: 8, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// trained trains a supernet for some steps and tells of each what is wanted to be
// known after it.
func trained(t testing.TB, n *Supernet, steps int, see func(p search.Params, tr *engine.Trainer)) {
	t.Helper()
	set, next := shown(n.space), n.Paths(rand.New(rand.NewPCG(1, 2)))
	var tr *engine.Trainer
	for step := range steps {
		p := next()
		net := pathNet(t, n.space, p, uint64(step))
		if tr == nil {
			var err error
			if tr, err = engine.NewTrainer(net, engine.TrainConfig{Epochs: 100}); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.Lend(p, net, tr); err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Step(set); err != nil {
			t.Fatal(err)
		}
		if err := n.Return(p, tr); err != nil {
			t.Fatal(err)
		}
		if see != nil {
			see(p, tr)
		}
	}
}

// Every tensor of a network has a place of its own.
func TestPlaces(t *testing.T) {
	for name, s := range sharing(t) {
		next := s.Supernet(false).Paths(rand.New(rand.NewPCG(3, 4)))
		for range 40 {
			p := next()
			g, _ := FromParams(p)
			net := pathNet(t, s, p, 1)
			places, err := s.places(g, net)
			if err != nil {
				t.Fatal(err)
			}
			keys := map[string]string{}
			for _, x := range net.Tensors() {
				at, ok := places[x.Name]
				size := 1
				for _, n := range at.view {
					size *= n
				}
				if !ok || size != len(x.Data) || at.centred > len(at.view) {
					t.Fatalf("%s: %v: tensor %s of %v: %v, %+v", name, g, x.Name, x.Shape, ok, at)
				}
				if other, used := keys[at.key]; used {
					t.Fatalf("%s: %v: %s and %s are both at %q", name, g, other, x.Name, at.key)
				}
				keys[at.key] = x.Name
			}
		}
	}
}

// What a path has learned, with the optimizer's state, is what the same path gets
// next, whatever it was compiled with.
func TestSupernetReturns(t *testing.T) {
	for name, s := range sharing(t) {
		n := s.Supernet(false)
		trained(t, n, 15, func(p search.Params, tr *engine.Trainer) {
			net := pathNet(t, s, p, 99)
			next, err := engine.NewTrainer(net, engine.TrainConfig{})
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Lend(p, net, next); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(net.Params(), tr.Net().Params()) {
				t.Fatalf("%s: the weights of %v differ from those returned", name, p)
			}
			got := next.State()
			for slot, state := range tr.State() {
				for i, x := range state {
					if !slices.Equal(x.Data, got[slot][i].Data) {
						t.Fatalf("%s: %v: slot %d of %s differs from what was returned", name, p, slot, x.Name)
					}
				}
			}
		})
	}
}

// A step changes the tensors of its path where they overlap, and no other number.
func TestSupernetKeepsTheRest(t *testing.T) {
	for name, s := range sharing(t) {
		n, before := s.Supernet(true), map[string]*sharedTensor{}
		moved := 0
		trained(t, n, 25, func(p search.Params, tr *engine.Trainer) {
			g, _ := FromParams(p)
			places, err := s.places(g, tr.Net())
			if err != nil {
				t.Fatal(err)
			}
			views := map[string][]int{}
			for _, at := range places {
				views[at.key] = at.view
			}
			for key, was := range before {
				now := n.shared[key]
				touched := make([]bool, len(now.data[0]))
				if view := views[key]; view != nil {
					overlap(view, now.shape, now.centred, func(_, at, k int) {
						for i := range k {
							touched[at+i] = true
						}
					})
				}
				if steps := now.steps - was.steps; (steps == 1) != (views[key] != nil) {
					t.Fatalf("%s: %s: %d steps in one", name, key, steps)
				}
				overlap(was.shape, now.shape, now.centred, func(a, b, k int) {
					for slot := range now.data {
						for i := range k {
							same := now.data[slot][b+i] == was.data[slot][a+i]
							if !touched[b+i] && !same {
								t.Fatalf("%s: %s: slot %d changed beside the path", name, key, slot)
							}
							if !same {
								moved++
							}
						}
					}
				})
			}
			for key, x := range n.shared {
				c := *x
				c.data = nil
				for _, d := range x.data {
					c.data = append(c.data, slices.Clone(d))
				}
				before[key] = &c
			}
		})
		if moved == 0 {
			t.Errorf("%s: nothing was trained", name)
		}
	}
}

// Kernels share their centres, features the first ones, and behind a flattening
// each pixel its own weights.
func TestOverlap(t *testing.T) {
	text := func(a, b []int, centred int) (out string) {
		overlap(a, b, centred, func(x, y, n int) { out += fmt.Sprintf("%d:%d+%d ", x, y, n) })
		return out
	}
	for _, c := range []struct {
		a, b    []int
		centred int
		want    string
	}{
		{[]int{2}, []int{5}, 0, "0:0+2 "},
		{[]int{3, 2}, []int{5, 4}, 1, "0:4+2 2:8+2 4:12+2 "},
		{[]int{5}, []int{3}, 1, "1:0+3 "},
		{[]int{1, 1, 2, 1}, []int{3, 3, 2, 2}, 2, "0:16+1 1:18+1 "},
		{[]int{2, 2}, []int{2, 3}, 0, "0:0+2 2:3+2 "},
	} {
		if got := text(c.a, c.b, c.centred); got != c.want {
			t.Errorf("%v in %v: %q, want %q", c.a, c.b, got, c.want)
		}
	}
	s := bind(t, Spec{Family: "cnn", Stages: []int{1}, Depth: []int{1}, Channels: []int{2, 4}, Dropout: []float64{0}}, data.Shape{4, 4, 1})
	for _, channels := range []int{2, 4} {
		for pick, want := range []string{"[%d 3]", "[2 2 %d 3]"} {
			p := search.Params{search.ArchitectureKey: fmt.Sprintf("[{[{[conv(%d) batchnorm relu]} maxpool]} %d:%s []]", channels, pick, []string{"globalpool", "flatten"}[pick])}
			g, err := FromParams(p)
			if err != nil {
				t.Fatal(err)
			}
			places, err := s.places(g, pathNet(t, s, p, 1))
			if err != nil {
				t.Fatal(err)
			}
			for name, at := range places {
				if len(at.view) == 2 || len(at.view) == 4 && at.centred == 0 {
					if got := fmt.Sprint(at.view); got != fmt.Sprintf(want, channels) {
						t.Errorf("%v: %s has the axes %s", g, name, got)
					}
				}
			}
		}
	}
}

// A file holds everything, without state all that candidates are evaluated by.
func TestSupernetFile(t *testing.T) {
	s := sharing(t)["cnn"]
	n := s.Supernet(false)
	trained(t, n, 20, nil)
	save := func(n *Supernet, state bool) []byte {
		var b bytes.Buffer
		if err := n.Save(&b, state); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole, small := save(n, true), save(n, false)
	if len(small) > len(whole)/2 {
		t.Errorf("%d bytes without state, %d with it", len(small), len(whole))
	}
	for _, file := range [][]byte{whole, small} {
		m := s.Supernet(false)
		if err := m.Load(bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(save(m, true), file) {
			t.Error("what was read is not what was written")
		}
		next := n.Paths(rand.New(rand.NewPCG(5, 6)))
		for range 10 {
			p := next()
			a, b := pathNet(t, s, p, 3), pathNet(t, s, p, 3)
			if err := n.Lend(p, a, nil); err != nil {
				t.Fatal(err)
			}
			if err := m.Lend(p, b, nil); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.Params(), b.Params()) {
				t.Error("other weights")
			}
		}
		if m.Load(bytes.NewReader(file[:len(file)-1])) == nil || !bytes.Equal(save(m, true), file) {
			t.Error("half a file was loaded")
		}
	}
}

func FuzzSupernetFile(f *testing.F) {
	s, err := Spec{Family: "mlp", Depth: []int{1, 2}, Width: []int{2, 4}}.Space()
	if err == nil {
		s, err = s.For(data.Shape{3}, 2)
	}
	if err != nil {
		f.Fatal(err)
	}
	n := s.Supernet(false)
	trained(f, n, 3, nil)
	var b bytes.Buffer
	if err := n.Save(&b, true); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	p := n.Paths(rand.New(rand.NewPCG(1, 1)))()
	net := pathNet(f, s, p, 1)
	f.Fuzz(func(t *testing.T, file []byte) {
		m := s.Supernet(false)
		if m.Load(bytes.NewReader(file)) != nil {
			return
		}
		if err := m.Lend(p, net, nil); err != nil {
			t.Error(err)
		}
		if err := m.Save(io.Discard, true); err != nil {
			t.Error(err)
		}
	})
}

// Alternatives and repetitions are dealt: in any deal each comes as often as the
// others.
func TestFairPaths(t *testing.T) {
	s, err := New(Grammar{Root: Seq{OneOf{Op{Name: "relu"}, Op{Name: "tanh"}, Op{Name: "gelu"}}, Repeat{1, 4, Op{Name: "silu"}}}}, Limits{})
	if err == nil {
		s, err = s.For(data.Shape{4}, 2)
	}
	if err != nil {
		t.Fatal(err)
	}
	next := s.Supernet(true).Paths(rand.New(rand.NewPCG(1, 2)))
	picks, counts := map[int]int{}, map[int]int{}
	for range 12 {
		g, err := FromParams(next())
		if err != nil || s.Check(g) != nil {
			t.Fatal(err, s.Check(g))
		}
		picks[g.root.kids[0].pick]++
		counts[len(g.root.kids[1].kids)]++
	}
	if fmt.Sprint(picks) != "map[0:4 1:4 2:4]" || fmt.Sprint(counts) != "map[1:3 2:3 3:3 4:3]" {
		t.Errorf("alternatives %v, repetitions %v", picks, counts)
	}
}
