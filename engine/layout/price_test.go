package layout

import (
	"math"
	"testing"
)

// plain are constants of a perfect device with perfect links.
var plain = Constants{Products: 1, FP8: 1, Attention: 1, Moves: 1, Inside: 1, Between: 1, OneCard: 1}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want)+1e-300 {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// A group with k members on a machine uses k of its cards; what stays on a machine
// uses the links inside.
func TestGroupsUseTheCardsOfTheirMembers(t *testing.T) {
	c := Cluster{Nodes: 4, PerNode: 8, Inside: 100, Between: 10}
	for _, tt := range []struct {
		name string
		g    group
		want float64 // seconds to scatter 32 bytes
	}{
		{"inside", c.tensorGroup(Plan{Tensor: 4}), 3. / 4 * 32 / 100},
		{"tensor of two machines", c.tensorGroup(Plan{Tensor: 16}), 15. / 16 * 32 / 80},
		{"data alone", c.dataGroup(Plan{Data: 32, Tensor: 1, Threads: 1}), 31. / 32 * 32 / 80},
		{"data beside tensor 8", c.dataGroup(Plan{Data: 4, Tensor: 8, Threads: 1}), 3. / 4 * 32 / 10},
		{"data beside tensor 4", c.dataGroup(Plan{Data: 8, Tensor: 4, Threads: 1}), 7. / 8 * 32 / 20},
		{"one member", c.dataGroup(Plan{Data: 1, Tensor: 8, Threads: 1}), 0},
	} {
		steps := math.Ceil(math.Log2(float64(tt.g.n)))
		near(t, tt.name, plain.scatter(c, tt.g, 32), tt.want+steps*latency)
	}
}

// Machines of one device need no rate inside, and one machine none between.
func TestLinksThatAreNotThere(t *testing.T) {
	for _, c := range []Cluster{
		{Nodes: 4, PerNode: 1, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Between: 1e9},
		{Nodes: 1, PerNode: 4, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Inside: 1e9},
	} {
		p := Problem{Cluster: c, Model: Model{Layers: []Layer{{Name: "l", Products: 1e9, Width: 64, Params: 1000, Input: 10, Heads: 4, Summed: 10, Sums: 1}, {Name: "l"}}, Batch: 8}}
		for _, plan := range []Plan{{Data: 4}, {Data: 4, Zero: 3}, {Data: 2, Pipeline: 2}, {Data: 4 / c.PerNode, Tensor: c.PerNode}} {
			e, err := p.Price(plan)
			if err != nil {
				t.Fatal(err)
			}
			if !(e.Time.Step > 0 && e.Time.Step < 1) {
				t.Errorf("%s takes %v s", e.Plan, e.Time.Step)
			}
		}
	}
}

// A layer that is not cut is whole on every lane of a tensor group.
func TestLayersThatAreNotCut(t *testing.T) {
	c := Cluster{Nodes: 1, PerNode: 2, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Inside: 1e9}
	p := Problem{Cluster: c, Model: Model{Layers: []Layer{{Name: "a", Params: 1000, Kept: 10, Heads: 2}, {Name: "b", Params: 500, Kept: 4}}, Batch: 1}}
	e, err := p.Price(Plan{Tensor: 2})
	if err != nil {
		t.Fatal(err)
	}
	if m := e.Memory(); m.Parameters != 4*(500+500) || m.Activations != 5+4 {
		t.Errorf("got %+v", m)
	}
}

// A stage sends to the next over a card if that is on another machine.
func TestStagesSendOverTheSlowestLink(t *testing.T) {
	c := Cluster{Nodes: 2, PerNode: 8, Inside: 100, Between: 10}
	p := Plan{Data: 2, Tensor: 2, Pipeline: 4}
	for q, want := range []float64{64. / 2 / 100, 64. / 2 / 10, 64. / 2 / 100, 64. / 2 / 10} {
		near(t, "stage", plain.send(c, p, q, 64), want+latency)
	}
}

// Bytes sent and times of the four stages of zero, for a layer of 1,000 parameters on
// 4 devices (Rajbhandari et al. 2020, section 7).
func TestZeroSends(t *testing.T) {
	m := Model{Layers: []Layer{{Name: "l", Products: 1, Width: 1e9, Params: 1000}}, Batch: 16, Late: true}
	c := Cluster{Nodes: 1, PerNode: 4, FLOPS: 1e15, Memory: 1e9, Bandwidth: 1e15, Inside: 1e6}
	p := Problem{Cluster: c, Model: m, Constants: &plain}
	share := 3. / 4 * 4000
	for zero, want := range []struct{ gradients, parameters float64 }{{2 * share, 0}, {share, share}, {2 * share, share}, {2 * share, 4 * share}} {
		e, err := p.Price(Plan{Data: 4, Zero: zero, MicroBatches: 2})
		if err != nil {
			t.Fatal(err)
		}
		if e.Sent.Gradients != want.gradients || e.Sent.Parameters != want.parameters {
			t.Errorf("zero %d sends %+v, want %+v", zero, e.Sent, want)
		}
		if got := e.Time.Wire / (e.Sent.Total() / 1e6); math.Abs(got-1) > .02 {
			t.Errorf("zero %d waits %v s for %v bytes", zero, e.Time.Wire, e.Sent.Total())
		}
	}
}

// What a GPT costs is what its formula says: 24·b·s·h²·(1 + s/6h) operations a block
// forward, and 6·b·s·h·V for the head and its backward pass.
func TestGPTIsItsFormula(t *testing.T) {
	g := GPT{Layers: 10, Hidden: 512, Heads: 8, Vocab: 1000, Seq: 256, Plain: true}
	m := g.Model(4, FP16)
	s, h, l, v := 256., 512., 10., 1000.
	near(t, "parameters", m.Params(), l*(12*h*h+13*h)+(v+s)*h)
	var macs float64
	for _, layer := range m.Layers {
		macs += layer.Products + layer.Scores
	}
	near(t, "operations", 3*2*macs, 72*s*l*h*h*(1+s/(6*h)+v/(12*l*h)))
}

// Tensor halves the products of a lane, and what norms move only where the work is
// shared.
func TestTensorCutsWork(t *testing.T) {
	c := Cluster{Nodes: 1, PerNode: 2, FLOPS: 1e12, Memory: 1e12, Bandwidth: 1e12, Inside: math.Inf(1)}
	m := Model{Layers: []Layer{{Name: "l", Products: 5e11, Width: 1e9, Bytes: 3e11, Whole: 1e11, Heads: 2}}, Batch: 1}
	for tensor, want := range map[int]float64{1: 3 * (1 + .3), 2: 3 * (.5 + .2)} {
		c.PerNode = tensor
		p := Problem{Cluster: c, Model: m, Constants: &plain}
		e, err := p.Price(Plan{Tensor: tensor})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "compute", e.Time.Compute, want)
	}
}

// A layer whose time is known takes that; lanes of a process are slower beside each other,
// and wait once a step.
func TestTimesThatAreKnown(t *testing.T) {
	m := Model{Layers: []Layer{{Name: "l", Products: 5e11, Width: 1e9, Forward: Seconds{1, 2}, Backward: Seconds{3, 4}}}, Batch: 4}
	c := Cluster{Nodes: 1, PerNode: 1, FLOPS: 1e12, Memory: 1e12, Bandwidth: 1e12, Inside: math.Inf(1), Meet: 7, Crowd: .5}
	p := Problem{Cluster: c, Model: m, Constants: &plain}
	e, err := p.Price(Plan{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "one lane", e.Time.Step, 1+3+4*(2+4))
	p.Cluster.PerNode, p.Cluster.Threads = 2, 2
	if e, err = p.Price(Plan{Data: 2, Threads: 2}); err != nil {
		t.Fatal(err)
	}
	near(t, "two lanes", e.Time.Step, (1+3+2*(2+4))*1.25+7)
}
