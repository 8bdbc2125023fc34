package nas

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

// Proxy is a cheap guess at what a network is worth, made without training;
// more is better. A proxy only rejects: it never decides between networks that
// were trained. [Space.Proxy] has some.
type Proxy func(Genome) float64

// proxies by name. They look at the network alone, on random inputs: the data
// plays no part, so that a proposal can be made anywhere.
var proxies = map[string]func(*Space, engine.Seq, engine.Cost) float64{
	"params":    func(_ *Space, _ engine.Seq, c engine.Cost) float64 { return float64(c.Params) },
	"macs":      func(_ *Space, _ engine.Seq, c engine.Cost) float64 { return float64(c.MACs) },
	"synflow":   func(s *Space, net engine.Seq, _ engine.Cost) float64 { return s.synflow(net) },
	"naswot":    func(s *Space, net engine.Seq, _ engine.Cost) float64 { return s.naswot(net) },
	"grad_norm": func(s *Space, net engine.Seq, _ engine.Cost) float64 { return s.gradNorm(net) },
}

// Proxies are the names that [Space.Proxy] knows.
func Proxies() []string { return names(proxies) }

// Proxy is the proxy of that name for a bound space: params, macs; synflow
// (Tanaka et al. 2020), naswot (Mellor et al. 2021) or grad_norm (Abdelfattah et
// al. 2021). A genome that gives no network within the limits gets −Inf.
func (s *Space) Proxy(name string) (Proxy, error) {
	f := proxies[name]
	if f == nil {
		return nil, fmt.Errorf("proxy %q is unknown: choose from %s", name, strings.Join(Proxies(), ", "))
	}
	if s.in == nil {
		return nil, fmt.Errorf("proxy %q: the space is not bound to data", name)
	}
	return func(g Genome) float64 {
		net, c, err := s.Build(g)
		if err != nil {
			return math.Inf(-1)
		}
		if x := f(s, net, c); !math.IsNaN(x) {
			return x
		}
		return math.Inf(-1)
	}, nil
}

// MACs is the proxy that larger networks are better: the multiply-accumulates
// of a network of a bound space, −1 for a genome that gives none.
func (s *Space) MACs(g Genome) float64 {
	_, c, err := s.Build(g)
	if err != nil {
		return -1
	}
	return float64(c.MACs)
}

// proxySeed is of the weights and inputs that proxies look at.
const proxySeed = 20

// synflow is the logarithm of Σ |θ·∂R/∂θ|, where R is the sum of the outputs for
// an input of ones, with every weight made positive and without normalisation: how
// much flows through the network (Tanaka et al. 2020, equation 3).
func (s *Space) synflow(net engine.Seq) float64 {
	n, err := engine.Compile(stripped(net), s.in, engine.Config{Batch: 1, Seed: proxySeed})
	if err != nil {
		return math.Inf(-1)
	}
	w := n.Params()
	for i := range w {
		w[i] = float32(math.Abs(float64(w[i])))
	}
	if err := n.Backward(ones(s.in.Size()), ones(n.Out().Size())); err != nil {
		return math.Inf(-1)
	}
	sum := 0.
	for i, g := range n.Grads() {
		sum += math.Abs(float64(w[i]) * float64(g))
	}
	return math.Log(sum)
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

// stripped is a network without what normalises or drops values.
func stripped(s engine.Seq) engine.Seq {
	out := make(engine.Seq, 0, len(s))
	for _, l := range s {
		switch l := l.(type) {
		case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm, engine.Dropout:
		case engine.Seq:
			out = append(out, stripped(l))
		case engine.Residual:
			out = append(out, engine.Residual{Body: stripped(l.Body)})
		case engine.Par:
			p := engine.Par{Concat: l.Concat}
			for _, b := range l.Branches {
				p.Branches = append(p.Branches, stripped(b))
			}
			out = append(out, p)
		case engine.Cell:
			c := engine.Cell{Nodes: l.Nodes}
			for _, e := range l.Edges {
				c.Edges = append(c.Edges, engine.Edge{From: e.From, To: e.To, Body: stripped(e.Body)})
			}
			out = append(out, c)
		default:
			out = append(out, l)
		}
	}
	return out
}

// proxyRows is the batch that naswot and the gradient's norm look at.
const proxyRows = 16

// naswot is log|K|, where K counts for each pair of inputs the activations whose
// sign agrees: a network that tells inputs apart before training learns to do so
// (Mellor et al. 2021, equation 2).
func (s *Space) naswot(net engine.Seq) float64 {
	n, err := engine.Compile(net, s.in, engine.Config{Batch: proxyRows, Seed: proxySeed})
	if err != nil {
		return math.Inf(-1)
	}
	var k [proxyRows][proxyRows]float64
	err = n.Watch(noise(proxyRows*s.in.Size()), func(layer string, out []float32) {
		switch layer {
		case "ReLU", "LeakyReLU", "GELU", "SiLU", "Tanh", "HardSwish":
		default:
			return
		}
		w := len(out) / proxyRows
		for i := range k {
			for j := range i + 1 {
				same := 0
				for u := range w {
					if out[i*w+u] > 0 == (out[j*w+u] > 0) {
						same++
					}
				}
				k[i][j] += float64(same)
				if i != j {
					k[j][i] += float64(same)
				}
			}
		}
	})
	if err != nil {
		return math.Inf(-1)
	}
	return logDet(k)
}

// logDet is log|K| by elimination with row exchanges, −Inf if K is singular.
func logDet(k [proxyRows][proxyRows]float64) float64 {
	sum := 0.
	for i := range k {
		p := i
		for r := i + 1; r < proxyRows; r++ {
			if math.Abs(k[r][i]) > math.Abs(k[p][i]) {
				p = r
			}
		}
		k[i], k[p] = k[p], k[i]
		if k[i][i] == 0 {
			return math.Inf(-1)
		}
		sum += math.Log(math.Abs(k[i][i]))
		for r := i + 1; r < proxyRows; r++ {
			f := k[r][i] / k[i][i]
			for c := i; c < proxyRows; c++ {
				k[r][c] -= f * k[i][c]
			}
		}
	}
	return sum
}

// gradNorm is the logarithm of the gradient's norm on random inputs and classes
// (Abdelfattah et al. 2021, section 3.1).
func (s *Space) gradNorm(net engine.Seq) float64 {
	out, err := net.Infer(s.in)
	if err != nil || len(out) != 1 || out[0] < 2 {
		return math.Inf(-1)
	}
	n, err := engine.Compile(net, s.in, engine.Config{Batch: proxyRows, Seed: proxySeed})
	if err != nil {
		return math.Inf(-1)
	}
	set := &data.Set{Shape: s.in, X: noise(proxyRows * s.in.Size()), Class: make([]int32, proxyRows), Classes: out[0]}
	for i := range set.Class {
		set.Class[i] = int32(i % out[0])
	}
	if _, err := n.Gradient(set); err != nil {
		return math.Inf(-1)
	}
	sum := 0.
	for _, g := range n.Grads() {
		sum += float64(g) * float64(g)
	}
	return math.Log(sum) / 2
}

// noise is standard normal inputs.
func noise(n int) []float32 {
	r := search.Rand(proxySeed, 0)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}
