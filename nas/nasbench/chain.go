package nasbench

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"regexp"
	"strconv"

	"budwood/nas"
	"budwood/search"
)

// Chain is a made-up large space: 28 variables in seven blocks (kernel, channels,
// whether there is a squeeze-and-excitation, and its ratio if there is), with a value
// that adds up what each variable is worth and what neighbouring blocks are worth
// together. Its best network is known exactly. It stands for spaces as that of
// Accel-NASBench, where networks of blocks have about as many decisions.
type Chain struct {
	Space *nas.Space
	worth [chainBlocks][]float64   // by state
	pairs [chainBlocks][][]float64 // with the state of the block before
	best  float64
	unit  float64 // the standard deviation of the values of random networks
}

const chainBlocks = 7

var (
	chainKernels = []int{3, 5, 7}
	chainOuts    = []int{16, 24, 32, 48}
	chainRatios  = []int{0, 2, 4, 8} // 0: there is none
)

// NewChain makes the values of a seed.
func NewChain(seed uint64) (*Chain, error) {
	block := nas.Seq{
		nas.Op{Name: "depthwise", Attrs: []search.Param{search.Ordinal("kernel", chainKernels...)}},
		nas.Op{Name: "conv", Attrs: []search.Param{search.Ordinal("out", chainOuts...), search.Choice("kernel", 1)}},
		nas.OneOf{nas.Op{Name: "skip"}, nas.Op{Name: "squeeze_excite", Attrs: []search.Param{search.Ordinal("ratio", chainRatios[1:]...)}}},
	}
	root := nas.Seq{}
	for range chainBlocks {
		root = append(root, block)
	}
	c := &Chain{}
	var err error
	if c.Space, err = nas.New(nas.Grammar{Root: root}, nas.Limits{}); err != nil {
		return nil, err
	}
	r := search.Rand(seed, 0)
	nk, no, nr := len(chainKernels), len(chainOuts), len(chainRatios)
	states := nk * no * nr
	effects := func(n int, trend, noise float64) []float64 { // rising with the size, mostly
		out := make([]float64, n)
		for i := range out {
			out[i] = trend*r.Float64()*float64(i)/float64(max(n-1, 1)) + noise*r.NormFloat64()
		}
		return out
	}
	for b := range chainBlocks {
		k, o, q := effects(nk, 1, .3), effects(no, 1.5, .3), effects(nr, .3, .3)
		inside := effects(nk*no, 0, .3)
		between := effects(no*nk, 0, .4) // channels before, kernel here
		c.worth[b] = make([]float64, states)
		c.pairs[b] = make([][]float64, states)
		for s := range states {
			ks, os, qs := s%nk, s/nk%no, s/(nk*no)
			c.worth[b][s] = k[ks] + o[os] + q[qs] + inside[ks*no+os]
			c.pairs[b][s] = make([]float64, states)
			for t := range states {
				if b > 0 {
					c.pairs[b][s][t] = between[(t/nk%no)*nk+ks]
				}
			}
		}
	}
	// The best chain of states (Viterbi 1967).
	value := make([]float64, states)
	for b := range chainBlocks {
		next := make([]float64, states)
		for s := range next {
			next[s] = math.Inf(-1)
			for t := range states {
				before := 0.
				if b > 0 {
					before = value[t] + c.pairs[b][s][t]
				}
				next[s] = max(next[s], before+c.worth[b][s])
			}
		}
		value = next
	}
	c.best = math.Inf(-1)
	for _, v := range value {
		c.best = max(c.best, v)
	}
	sum, square := 0., 0.
	const n = 500
	for i := range n {
		v, err := c.raw(c.Space.Sample(search.Rand(seed, i+1)))
		if err != nil {
			return nil, err
		}
		sum, square = sum+v/n, square+v*v/n
	}
	c.unit = math.Sqrt(square - sum*sum)
	return c, nil
}

var chainBlock = regexp.MustCompile(`depthwise(?:\((\d+)\))? conv\((\d+),1\) (?:(?:1:squeeze_excite(?:\((\d+)\))?)|(0):skip)`)

// raw is the value of a network.
func (c *Chain) raw(g nas.Genome) (float64, error) {
	text, err := g.MarshalText()
	if err != nil {
		return 0, err
	}
	blocks := chainBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) != chainBlocks {
		return 0, fmt.Errorf("%s has %d blocks, want %d", text, len(blocks), chainBlocks)
	}
	at := func(of []int, text string, def int) int {
		x := def // is not written
		if text != "" {
			x, _ = strconv.Atoi(text)
		}
		for i, v := range of {
			if v == x {
				return i
			}
		}
		return 0
	}
	sum, before := 0., 0
	for b, m := range blocks {
		ratio := 4
		if m[4] == "0" {
			ratio = 0
		}
		s := at(chainKernels, m[1], 3) + len(chainKernels)*(at(chainOuts, m[2], 0)+len(chainOuts)*at(chainRatios, m[3], ratio))
		sum += c.worth[b][s] + c.pairs[b][s][before]
		before = s
	}
	return sum, nil
}

// Regret is how far a network is from the best one, in standard deviations of random
// networks.
func (c *Chain) Regret(g nas.Genome) (float64, error) {
	v, err := c.raw(g)
	return (c.best - v) / c.unit, err
}

// Search searches by values with a little noise, one trial at a time, and returns the
// regret of the best network by those after each number of evaluations, which rise.
func (c *Chain) Search(ctx context.Context, s search.Sampler, seed uint64, after ...int) ([]float64, error) {
	const noise = .05
	var past []search.Record
	var out []float64
	least, incumbent := math.Inf(1), 0.
	for _, n := range after {
		for len(past) < n {
			p, err := s.Propose(ctx, search.Request{Objectives: []search.Objective{{Metric: "loss"}}, Past: past, First: len(past), N: 1, Seed: seed})
			if err != nil {
				return nil, err
			}
			g, err := nas.FromParams(p[0])
			if err != nil {
				return nil, err
			}
			regret, err := c.Regret(g)
			if err != nil {
				return nil, err
			}
			h := fnv.New64a()
			fmt.Fprint(h, g.String())
			loss := regret + noise*search.Rand(h.Sum64(), 0).NormFloat64()
			if loss < least {
				least, incumbent = loss, regret
			}
			past = append(past, search.Record{Trial: search.Trial{ID: len(past), Params: p[0]}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": loss}}}})
		}
		out = append(out, incumbent)
	}
	return out, nil
}
