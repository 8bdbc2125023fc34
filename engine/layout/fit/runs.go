package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"budwood/engine/layout"
)

// run is a published training run, one row of the table.
type run struct {
	source, name, device string
	problem              layout.Problem
	plan                 layout.Plan // what is not published is 0, and chosen by the model
	known                bool        // all of it is published

	plans  []layout.Plan // that it may have had
	rivals []layout.Plan // that it could have had instead

	impossible error // the model knows no such plan

	flops    float64 // operations of a step, as the source counts them
	measured float64 // TFLOP/s of a device, as the source counts them
	memory   float64 // bytes of a device; 0: not published
}

// seconds is how long a step took.
func (r *run) seconds() float64 {
	return r.flops / (r.measured * 1e12 * float64(r.problem.Cluster.Devices()))
}

// devices are what the table's names of them stand for: peak in bf16 or fp16, memory
// and its bandwidth, NVLink one way (all from NVIDIA's data sheets).
var devices = map[string]layout.Cluster{
	"V100-16GB": {FLOPS: 125e12, Memory: 16 << 30, Bandwidth: .9e12, Inside: 150e9},
	"A100-40GB": {FLOPS: 312e12, Memory: 40 << 30, Bandwidth: 1.555e12, Inside: 300e9},
	"A100-80GB": {FLOPS: 312e12, Memory: 80 << 30, Bandwidth: 2.039e12, Inside: 300e9},
	"H100-80GB": {FLOPS: 989.5e12, Memory: 80 << 30, Bandwidth: 3.35e12, Inside: 450e9},
}

// between is the network of a device: cards of 200 Gb/s for each A100, of 400 for
// each H100, and one of 100 for the eight V100 of a machine.
var between = map[string]float64{"V100-16GB": 12.5e9 / 8, "A100-40GB": 25e9, "A100-80GB": 25e9, "H100-80GB": 50e9}

// read reads a table in the format of runs.csv.
func read(r io.Reader) ([]*run, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("an empty table")
	}
	var out []*run
	for i, row := range rows[1:] {
		cell := map[string]string{}
		for j, name := range rows[0] {
			cell[name] = row[j]
		}
		one, err := parse(cell)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+2, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// parse reads a row. Empty cells are 0.
func parse(cell map[string]string) (*run, error) {
	var wrong error
	number := func(name string) float64 {
		if cell[name] == "" {
			return 0
		}
		x, err := strconv.ParseFloat(cell[name], 64)
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("%s: %w", name, err)
		}
		return x
	}
	whole := func(name string) int { return int(number(name)) }
	r := &run{source: cell["source"], name: cell["case"], device: cell["gpu"], measured: number("tflops_per_gpu"), memory: number("memory_mib") * (1 << 20)}
	c, ok := devices[cell["gpu"]]
	if !ok {
		return nil, fmt.Errorf("nothing is known of a %q", cell["gpu"])
	}
	gpus := whole("gpus")
	c.PerNode = min(whole("gpus_per_node"), gpus)
	c.Nodes, c.Between = gpus/max(c.PerNode, 1), between[cell["gpu"]]
	if t := whole("tensor"); cell["gpu"] == "V100-16GB" && t > 1 && t <= 4 {
		c.Inside = 100e9 // there is no switch: four of a device's six links lead to the other three of its half
	}
	g := layout.GPT{Layers: whole("layers"), Hidden: whole("hidden"), Heads: whole("heads"), Vocab: whole("vocab"), Seq: whole("seq")}
	if g.Vocab == 0 {
		g.Vocab = 51200
	}
	if err := g.Validate(); err != nil {
		return nil, err
	}
	precision := map[string]layout.Precision{"mixed fp16": layout.FP16, "bf16": layout.BF16, "fp8": layout.FP8}[cell["precision"]]
	old := precision == layout.FP16 // the programs of 2021
	g.Plain, g.Replicated = old, old
	batch := whole("global_batch")
	m := g.Model(batch, precision)
	m.Late = old
	p := layout.Plan{Data: whole("data"), Tensor: whole("tensor"), Pipeline: whole("pipeline"), Zero: whole("zero"), Chunks: whole("chunks"), Threads: 1}
	m.OneCard = old && p.Zero == 3
	if p.Pipeline == 1 {
		p.Chunks = 1
	}
	if p.Zero == 3 && p.Chunks == 0 || r.source == "narayanan2021-t2" {
		p.Chunks = max(p.Chunks, 1)
	}
	if size := whole("micro_batch"); size > 0 {
		p.MicroBatches = batch / (p.Data * size)
	}
	switch cell["recompute"] {
	case "full":
		p.Recompute = layout.RecomputeBlocks
	case "none":
		p.Recompute = layout.RecomputeNone
	}
	r.problem, r.plan = layout.Problem{Cluster: c, Model: m, Fixed: layout.Cuts{Data: p.Data, Tensor: p.Tensor, Pipeline: p.Pipeline, Chunks: p.Chunks,
		Zero: &p.Zero, MicroBatches: p.MicroBatches, Recompute: p.Recompute}}, p
	r.known = p.Chunks > 0 && p.MicroBatches > 0 && p.Recompute != ""
	r.flops = operations(g, float64(batch), cell["flops_counted"] == "with recompute")
	if wrong != nil {
		return nil, wrong
	}
	r.impossible = r.prepare()
	return r, nil
}

// operations are those of a step, as the sources count them.
func operations(g layout.GPT, batch float64, again bool) float64 {
	s, h, l, v := float64(g.Seq), float64(g.Hidden), float64(g.Layers), float64(g.Vocab)
	if again {
		return 96 * batch * s * l * h * h * (1 + s/(6*h) + v/(16*l*h))
	}
	return 72 * batch * s * l * h * h * (1 + s/(6*h) + v/(12*l*h))
}

// predict is the estimate of a run's plan; what is not published is as the model
// would choose it among the plans of [run.prepare].
func (r *run) predict(k *layout.Constants) (*layout.Estimate, error) {
	plan, _, err := r.fastest(k)
	if err != nil {
		return nil, err
	}
	p := r.problem
	p.Constants = k
	return p.Price(plan)
}

// fastest is the fastest plan that a run may have had, and its time.
func (r *run) fastest(k *layout.Constants) (layout.Plan, float64, error) {
	if r.impossible != nil {
		return layout.Plan{}, 0, r.impossible
	}
	return fastest(r.problem, k, r.plans)
}

// fastest is the fastest of some plans, and the least time that it can take.
func fastest(p layout.Problem, k *layout.Constants, plans []layout.Plan) (best layout.Plan, seconds float64, err error) {
	p.Constants = k
	for _, plan := range plans {
		t, err := p.Bound(plan)
		if err != nil {
			return best, 0, err
		}
		if seconds == 0 || t < seconds {
			best, seconds = plan, t
		}
	}
	return best, seconds, nil
}

// near is the share by which a plan may be slower with the constants of guess, to be
// one that others may choose.
const near = .1

// prepare finds the plans that a run may have had, and those that it could have had
// instead.
func (r *run) prepare() error {
	if r.plans = []layout.Plan{r.plan}; !r.known {
		plans, err := nearest(r.problem, near)
		if err != nil {
			return err
		}
		r.plans = plans
	}
	if r.source != "narayanan2021-t1" { // only these are said to be the best that were found
		return nil
	}
	p := r.problem
	p.Fixed = layout.Cuts{Zero: new(int), Recompute: layout.RecomputeBlocks}
	var err error
	r.rivals, err = nearest(p, 3*near)
	return err
}

// nearest are the plans of a problem that are almost as fast as the best with the
// constants of guess: the best of each mesh, and, where the mesh is known, of each
// number of chunks.
func nearest(p layout.Problem, share float64) ([]layout.Plan, error) {
	p.Constants = &guess
	a, err := p.Search()
	for ; errors.Is(err, layout.ErrNoFit); a, err = p.Search() { // it ran, whatever the model says
		p.Cluster.Memory *= 2
	}
	if err != nil {
		return nil, err
	}
	most := a.Best.Time.Step * (1 + share)
	var out []layout.Plan
	for t := 1; t <= 16; t *= 2 {
		for s := 1; s <= 128; s++ {
			q := p
			if q.Fixed.Tensor != 0 && q.Fixed.Tensor != t || q.Fixed.Pipeline != 0 && q.Fixed.Pipeline != s {
				continue
			}
			q.Fixed.Tensor, q.Fixed.Pipeline = t, s
			b, err := q.Search()
			if err != nil || b.Best.Time.Step > most {
				continue
			}
			out = append(out, b.Best.Plan)
			for v := 1; v <= 12 && p.Fixed.Pipeline != 0 && p.Fixed.Chunks == 0; v++ { // one mesh, of which the chunks are not known
				q.Fixed.Chunks = v
				if c, err := q.Search(); err == nil && c.Best.Time.Step <= most {
					out = append(out, c.Best.Plan)
				}
			}
		}
	}
	return out, nil
}
