package mesh

import (
	"math"
	"slices"
	"testing"
	"time"
)

// The bytes that each member sends are those of the formulas in the package's
// documentation, within 1 %.
func TestBytesOnTheWire(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	const length = 1 << 20
	const S = 4 * length
	for _, n := range []int{2, 3, 4, 7, 9, 16} {
		ls := links(t, "unix", n, func(c *Config) { c.Beat = time.Minute })
		groups := make([]*Group, n)
		must(t, each(t, ls, func(i int, l Link) (err error) {
			groups[i], err = NewGroup(l, Members{Ranks: upTo(n), Name: "all"})
			return err
		}))
		N := float64(n)
		for _, c := range []struct {
			name string
			call func(g *Group, x [][]float32) error
			want float64 // by each, or
			root float64 // by member 0
		}{
			{"ReduceScatter", func(g *Group, x [][]float32) error { return g.ReduceScatter(x) }, (N - 1) / N * S, 0},
			{"AllGather", func(g *Group, x [][]float32) error { return g.AllGather(x[0]) }, (N - 1) / N * S, 0},
			{"AllReduce", func(g *Group, x [][]float32) error { return g.AllReduce(x) }, 2 * (N - 1) / N * S, 0},
			{"Broadcast", func(g *Group, x [][]float32) error { return g.Broadcast(0, Bytes(x[0])) }, 0, (N - 1) * S},
		} {
			before := make([]float64, n)
			for i, l := range ls {
				sent, _ := l.(*Net).Traffic()
				before[i] = float64(sent)
			}
			must(t, each(t, ls, func(i int, _ Link) error {
				return c.call(groups[i], [][]float32{make([]float32, length)})
			}))
			for i, l := range ls {
				want := c.want
				if i == 0 {
					want = max(want, c.root)
				}
				sent, _ := l.(*Net).Traffic()
				if got := float64(sent) - before[i]; math.Abs(got-want) > 0.01*max(want, S/10) {
					t.Errorf("%s of %d bytes by %d: member %d sends %.0f bytes, not %.0f", c.name, S, n, i, got, want)
				}
			}
		}
		closeAll(ls)
	}
}

// Odd placements cost bytes: a member sends each of its trees by itself.
func TestBytesOfTrees(t *testing.T) {
	const length = 1 << 20
	ls := links(t, "unix", 2, func(c *Config) { c.Beat = time.Minute })
	must(t, each(t, ls, func(i int, l Link) error {
		g, err := NewGroup(l, Members{Ranks: upTo(2), Leaves: []int{3, 1}, Name: "all"})
		if err != nil {
			return err
		}
		x := make([][]float32, len(g.Trees()))
		for k := range x {
			x[k] = make([]float32, length)
		}
		return g.ReduceScatter(x)
	}))
	for i, trees := range []float64{2, 1} {
		sent, _ := ls[i].(*Net).Traffic()
		if want := trees * length * 4 / 2; math.Abs(float64(sent)-want) > 0.01*want {
			t.Errorf("member %d sends %d bytes, not %.0f", i, sent, want)
		}
	}
}

// After the first calls nothing is allocated, on any link, in any form, by this
// package: crypto/tls makes a small reader for each record, so TLS is left out.
func TestCollectivesDoNotAllocate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, kind := range []string{"lanes", "messages", "unix", "tcp"} {
		for _, leaves := range [][]int{{1, 1}, {2, 1, 3}, slices.Repeat([]int{1}, 16)} {
			ls := links(t, kind, len(leaves), func(c *Config) { c.Beat = time.Minute })
			const runs, tries = 5, 4
			allocated := math.Inf(1) // at least, for timing may ask for more frames than before
			must(t, each(t, ls, func(i int, l Link) error {
				g, err := NewGroup(l, Members{Ranks: upTo(len(ls)), Leaves: leaves, Name: "all"})
				if err != nil {
					return err
				}
				x, y := make([][]float32, len(g.Trees())), make([][]float64, len(g.Trees()))
				for k := range x {
					x[k], y[k] = make([]float32, 50_000), make([]float64, 5)
				}
				var failed error
				step := func() {
					for _, err := range []error{g.AllReduce(x), g.ReduceScatter(x), g.AllGather(x[0]), g.Sum64(y), g.Broadcast(0, Bytes(x[0])), g.Barrier()} {
						if err != nil {
							failed = err
						}
					}
				}
				for range 2 * runs { // frames for the worst case that timing makes
					step()
				}
				for range tries {
					if i == 0 {
						allocated = min(allocated, testing.AllocsPerRun(runs, step)) // of the whole process
						continue
					}
					for range runs + 1 {
						step()
					}
				}
				return failed
			}))
			if allocated > 0 {
				t.Errorf("%s, leaves %v: %v allocations a step", kind, leaves, allocated)
			}
			closeAll(ls)
		}
	}
}
