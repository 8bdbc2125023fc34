package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
	"budwood/engine/mesh"
)

// cells are the probes of all parts of a network, with the values of the probe that
// computes them in turn.
func cells(t *testing.T, inTurn *probe) []*probe {
	t.Helper()
	n := inTurn.net
	links := mesh.Local(n.cuts.Parts)
	out := make([]*probe, len(links))
	for i, link := range links {
		l, err := newTensorLink(link, 0, len(links), firstTensorStream)
		if err != nil {
			t.Fatal(err)
		}
		p := newProbeOf(t, &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, cuts: l.cuts(n.cuts), link: l}, rand.New(rand.NewPCG(1, 1)))
		p.x = inTurn.x
		p.net.takePart(n)
		out[i] = p
	}
	return out
}

// atOnce runs all parts beside each other.
func atOnce(cells []*probe, f func(part int, p *probe)) {
	var all sync.WaitGroup
	for i, p := range cells {
		all.Go(func() { f(i, p) })
	}
	all.Wait()
}

// step is a step of a probe: the loss and its divisor, the outputs and their gradient.
func (p *probe) step(to loss.Targets) (sum, weight float64, y, d []float32) {
	n := p.net
	copy(n.x.Data.Floats, p.x)
	n.forward(p.pass)
	size := p.pass.Rows * n.y.Shape.Size()
	y = append(y, n.y.Data.Floats[:size]...)
	sum, weight = n.judge(p.pass, to, 0.5)
	d = append(d, n.y.Grad.Floats[:size]...)
	n.backward(p.pass)
	return sum, weight, y, d
}

// Ranks that compute one part each have the bits of one that computes the parts in turn:
// outputs, the gradient of the input, and those of the parameters.
func TestPartsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, k := range cutNets {
		for parts := 2; parts <= 4; parts++ {
			if testing.Short() && parts == 2 {
				continue
			}
			for _, in := range []Precision{F32, BF16, FP16} {
				name := fmt.Sprintf("%s in %d parts, %v", k.name, parts, in)
				r := rand.New(rand.NewPCG(14, uint64(parts)))
				rows := 5
				whole := cutProbe(t, k.layer, k.in, in, k.loss, rows, parts, plan.InTurn, r)
				whole.tokens(k.tokens, r)
				n := whole.net
				target := loss.Targets{Class: make([]int32, rows*labels(n.out))}
				for i := range target.Class {
					target.Class[i] = int32(r.IntN(n.out[len(n.out)-1]))
				}
				parts := cells(t, whole)
				sum, weight, y0, d0 := whole.step(target)
				ys, ds := make([][]float32, len(parts)), make([][]float32, len(parts))
				atOnce(parts, func(part int, p *probe) {
					var a, b float64
					if a, b, ys[part], ds[part] = p.step(target); math.Float64bits(a) != math.Float64bits(sum) || b != weight {
						t.Errorf("%s: loss of part %d is %v / %v, want %v / %v", name, part, a, b, sum, weight)
					}
				})
				for part, p := range parts {
					name := fmt.Sprintf("%s: part %d", name, part)
					y, d := y0, d0
					if h := n.cuts.Head; h != nil {
						cols := func(x []float32) []float32 {
							own := make([]float32, len(x)/h.Size*plan.Length(h.Spans[part]))
							columns(own, x, len(x)/h.Size, h.Size, h.Spans[part])
							return own
						}
						y, d = cols(y), cols(d)
					}
					same(t, name+": output", ys[part], y)
					same(t, name+": gradient of the output", ds[part], d)
					same(t, name+": gradient of the input", p.net.x.Grad.Floats[:len(p.x)], n.x.Grad.Floats[:len(p.x)])
					ps, stats := p.net.plan.Params, p.net.plan.Stats
					if len(ps) != len(n.plan.Params) || len(stats) != len(n.plan.Stats) {
						t.Fatalf("%s has %d tensors and %d statistics", name, len(ps), len(stats))
					}
					cut := 0
					for i, q := range ps {
						want := make([]float32, q.Size)
						q.Take(want, n.plan.Params[i].G)
						same(t, name+": gradient of "+q.Name, q.G, want)
						if q.Piece != nil {
							cut++
						}
						if q.Name != n.plan.Params[i].Name || !slices.Equal(q.WholeShape(), n.plan.Params[i].Shape) {
							t.Errorf("%s: tensor %s of %v, want %s of %v", name, q.Name, q.WholeShape(), n.plan.Params[i].Name, n.plan.Params[i].Shape)
						}
					}
					if cut == 0 {
						t.Errorf("%s has all of every tensor", name)
					}
					for i, q := range stats {
						want := make([]float32, q.Size)
						q.Take(want, n.plan.Stats[i].W)
						same(t, name+": "+q.Name, q.W, want)
					}
				}
				// Put together, the parts are the whole.
				for i, q := range n.plan.Params {
					got := make([]float32, q.Size)
					for _, p := range parts {
						p.net.plan.Params[i].Put(got, p.net.plan.Params[i].W)
					}
					same(t, name+": weights of "+q.Name, got, q.W)
				}
			}
		}
	}
}

// A part whose link is gone ends its step, and says why.
func TestPartsOfALostLink(t *testing.T) {
	k := cutNets[0]
	r := rand.New(rand.NewPCG(3, 3))
	parts := cells(t, cutProbe(t, k.layer, k.in, F32, k.loss, 4, 2, plan.InTurn, r))
	atOnce(parts, func(part int, p *probe) {
		if part == 0 {
			p.gradient()
			return
		}
		p.net.link.link.Close(fmt.Errorf("gone"))
		p.gradient()
	})
	for i, p := range parts {
		if p.net.link.err == nil {
			t.Errorf("part %d has no error", i)
		}
	}
}

// What a part of the features drops is what the whole drops there.
func TestDropoutOfParts(t *testing.T) {
	x, y, part := make([]float32, 5*96), make([]float32, 5*96), make([]float32, 5*32)
	for i := range x {
		x[i] = 1
	}
	kernel.Dropout(y, x, 0, 77, 0.4)
	for i := range part {
		part[i] = 1
	}
	o := dropout{p: 0.4, whole: 96, own: plan.Span{From: 48, To: 80}}
	o.drop(part, part, 77)
	for i := range 5 {
		same(t, "row", part[i*32:(i+1)*32], y[i*96+48:i*96+80])
	}
}
