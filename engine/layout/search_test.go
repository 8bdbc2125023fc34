package layout

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	a100 = Cluster{Nodes: 16, PerNode: 8, FLOPS: 312e12, Memory: 80e9, Bandwidth: 2.0e12, Inside: 300e9, Between: 25e9}
	gpt  = GPT{Layers: 80, Hidden: 12288, Heads: 96, Vocab: 51200, Seq: 2048}
)

// problems are small ones, of equal layers or of any.
func problems(t *rapid.T) Problem {
	pick := func(name string, of ...int) int { return rapid.SampledFrom(of).Draw(t, name) }
	c := Cluster{Nodes: pick("nodes", 1, 2, 4), PerNode: pick("per node", 1, 2, 4), FLOPS: 1e13, Memory: rapid.Float64Range(1e8, 2e10).Draw(t, "memory"),
		Bandwidth: 1e12, Inside: rapid.Float64Range(1e10, 1e12).Draw(t, "inside"), Between: rapid.Float64Range(1e9, 1e11).Draw(t, "between")}
	c.Threads = min(c.PerNode, pick("threads", 1, 2))
	batch := pick("batch", 16, 32, 48)
	g := GPT{Layers: pick("layers", 2, 4, 8), Hidden: pick("hidden", 256, 1024), Heads: pick("heads", 4, 8), Vocab: 8192, Seq: 512,
		Plain: rapid.Bool().Draw(t, "plain"), Replicated: rapid.Bool().Draw(t, "replicated")}
	m := g.Model(batch, rapid.SampledFrom([]Precision{F32, FP16, BF16, FP8}).Draw(t, "precision"))
	m.Late = rapid.Bool().Draw(t, "late")
	if rapid.Bool().Draw(t, "uneven") {
		m.Even, m.Chunks = false, false
		for i := range m.Layers {
			m.Layers[i].Products *= rapid.Float64Range(.2, 3).Draw(t, "products")
		}
	}
	return Problem{Cluster: c, Model: m}
}

// The search finds what pricing every plan finds; its plans use every device and fit,
// and none of the next is faster.
func TestSearchFindsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := problems(t)
		c, err := p.costs()
		if err != nil {
			t.Fatal(err)
		}
		best, plans := map[[3]int]float64{}, 0
		_ = c.each(Cuts{}, func(plan Plan) {
			d := c.draft(plan)
			e, err := c.exact(d)
			if err != nil {
				t.Fatal(err)
			}
			if d.bound > e.Time.Step*(1+1e-9) {
				t.Fatalf("%s takes %v, and its bound is %v", plan, e.Time.Step, d.bound)
			}
			if parts := e.Time.Compute + e.Time.Bubble + e.Time.Wire + e.Time.Optimizer + e.Time.Spread; math.Abs(parts/e.Time.Step-1) > 1e-9 || e.Time.Bubble < -1e-9*parts {
				t.Fatalf("%s takes %+v", plan, e.Time)
			}
			plans++
			if old, ok := best[plan.mesh()]; d.memory <= c.room(plan) && (!ok || e.Time.Step < old) {
				best[plan.mesh()] = e.Time.Step
			}
		})
		a, err := p.Search()
		if len(best) == 0 {
			if !errors.Is(err, ErrNoFit) {
				t.Fatalf("nothing fits, and the search says %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if a.Plans != plans || len(a.Next) != min(mostNext, len(best)-1) {
			t.Fatalf("%d plans and %d next, and there are %d of %d meshes", a.Plans, len(a.Next), plans, len(best))
		}
		told := append([]Next{{Estimate: a.Best}}, a.Next...)
		for i, n := range told {
			if n.Plan.Lanes() != p.Cluster.Devices() {
				t.Fatalf("%s has %d lanes on %d devices", n.Plan, n.Plan.Lanes(), p.Cluster.Devices())
			}
			if n.Memory().Total() > c.room(n.Plan) {
				t.Fatalf("%s does not fit", n.Plan)
			}
			if i > 0 && n.Why == "" {
				t.Fatalf("nothing says why %s lost", n.Plan)
			}
			faster := 0
			for _, x := range best {
				if x < n.Time.Step*(1-1e-8) {
					faster++
				}
			}
			if faster > i {
				t.Fatalf("%s is told as number %d, and %d meshes are faster", n.Plan, i, faster)
			}
		}
	})
}

// More memory makes no plan slower.
func TestMoreMemoryIsNeverSlower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := problems(t)
		before, err := p.Search()
		if err != nil {
			return
		}
		p.Cluster.Memory *= rapid.Float64Range(1, 8).Draw(t, "more")
		after, err := p.Search()
		if err != nil {
			t.Fatal(err)
		}
		if after.Best.Time.Step > before.Best.Time.Step*(1+1e-8) {
			t.Fatalf("%s takes %v, and with less memory %s took %v", after.Best.Plan, after.Best.Time.Step, before.Best.Plan, before.Best.Time.Step)
		}
	})
}

// Twice the machines, with links that take no time and no waiting for the slowest,
// make no step slower.
func TestMoreDevicesAreNeverSlower(t *testing.T) {
	k, err := fitted()
	if err != nil {
		t.Fatal(err)
	}
	free := *k
	free.Spread, free.Stagger = 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := problems(t)
		p.Cluster.Inside, p.Cluster.Between, p.Constants = math.Inf(1), math.Inf(1), &free
		before, err := p.Search()
		if err != nil {
			return
		}
		p.Cluster.Nodes *= 2
		after, err := p.Search()
		if err != nil {
			t.Fatal(err)
		}
		if after.Best.Time.Step > before.Best.Time.Step*(1+1e-8) {
			t.Fatalf("%s takes %v, and on half of the machines %s took %v", after.Best.Plan, after.Best.Time.Step, before.Best.Plan, before.Best.Time.Step)
		}
	})
}

// What is fixed stays; a fixed plan costs in the search what it costs alone.
func TestFixedCutsStay(t *testing.T) {
	p := Problem{Cluster: a100, Model: gpt.Model(1536, BF16), Fixed: Cuts{Tensor: 8, Zero: new(int), Recompute: RecomputeBlocks, Chunks: 1}}
	a, err := p.Search()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append([]Next{{Estimate: a.Best}}, a.Next...) {
		if e.Plan.Tensor != 8 || e.Plan.Zero != 0 || e.Plan.Recompute != RecomputeBlocks || e.Plan.Chunks != 1 {
			t.Errorf("the search tells %s", e.Plan)
		}
		alone, err := p.Price(e.Plan)
		if err != nil {
			t.Fatal(err)
		}
		if alone.Time != e.Time || alone.Sent != e.Sent {
			t.Errorf("%s takes %+v in the search and %+v alone", e.Plan, e.Time, alone.Time)
		}
	}
}

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// The answers for some clusters and models.
func TestAnswersAsBefore(t *testing.T) {
	var b strings.Builder
	slow := a100
	slow.Between = 1.5e9
	small := GPT{Layers: 24, Hidden: 2048, Heads: 16, Vocab: 51200, Seq: 2048}
	for _, tt := range []struct {
		name    string
		problem Problem
	}{
		{"a GPT of 145 B parameters on 128 A100", Problem{Cluster: a100, Model: gpt.Model(2304, BF16)}},
		{"the same, one slow card a machine", Problem{Cluster: slow, Model: gpt.Model(2304, BF16)}},
		{"a GPT of 1.3 B parameters on 128 A100", Problem{Cluster: a100, Model: small.Model(512, BF16)}},
		{"the same, tensor across machines", Problem{Cluster: a100, Model: small.Model(512, BF16), Fixed: Cuts{Tensor: 16}}},
	} {
		a, err := tt.problem.Search()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n  %s: %.3g s, bubble %.1f %%, %s, sends %s\n", tt.name, a.Best.Plan, a.Best.Time.Step, 100*a.Best.Time.Bubble/a.Best.Time.Step, Bytes(a.Best.Memory().Total()), Bytes(a.Best.Sent.Total()))
		for _, n := range a.Next {
			fmt.Fprintf(&b, "  %+.1f %% %s: %s\n", 100*n.Slower, n.Plan, n.Why)
		}
	}
	const path = "testdata/answers.txt"
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// BenchmarkSearch searches the plan of 1,024 devices.
func BenchmarkSearch(b *testing.B) {
	for _, batch := range []int{1024, 2304, 3072} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			p := Problem{Cluster: a100, Model: gpt.Model(batch, BF16)}
			p.Cluster.Nodes = 128
			b.ReportAllocs()
			for b.Loop() {
				a, err := p.Search()
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(a.Plans), "plans")
			}
		})
	}
}

func ExampleProblem_Search() {
	p := Problem{
		Cluster: Cluster{Nodes: 1, PerNode: 8, FLOPS: 312e12, Memory: 80e9, Bandwidth: 2.0e12, Inside: 300e9},
		Model:   GPT{Layers: 24, Hidden: 2048, Heads: 16, Vocab: 51200, Seq: 2048}.Model(512, BF16),
	}
	answer, err := p.Search()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Best.Plan.Data, answer.Best.Plan.Tensor, answer.Best.Plan.Pipeline)
	// Output: 8 1 1
}
