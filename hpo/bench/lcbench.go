package main

import (
	_ "embed"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"budwood/engine/kernel"
	"budwood/search"
	"budwood/search/searchtest"
)

// lcEpochs are those of LCBench's curves.
const lcEpochs = 52

// lcBench is a network that predicts learning curves of networks on 21 data sets
// (LCBench; the surrogate of YAHPO Gym v1). Its inputs are a data set, an epoch and
// seven hyperparameters. It serves one goroutine.
type lcBench struct {
	Tensors []struct {
		Name   string `json:"name"`
		Shape  []int  `json:"shape"`
		Offset int    `json:"offset_floats"`
	} `json:"tensors"`
	Input  [][]any `json:"input_scale"`  // kind, a, b of epoch and hyperparameters
	Output [][]any `json:"output_scale"` // of time, accuracy, …
	Task   struct {
		ID map[string]int `json:"OpenML_task_id"`
	} `json:"task_encoding"`
	Tests []struct {
		Task int       `json:"task_index"`
		X    []float32 `json:"x"`
		Out  []float64 `json:"out"`
	} `json:"test_vectors"`

	weights map[string][]float32
	pack    []float32
}

func loadLCBench(dir string) (*lcBench, error) {
	b, err := os.ReadFile(filepath.Join(dir, "lcbench", "surrogate.json"))
	if err != nil {
		return nil, err
	}
	l := &lcBench{weights: map[string][]float32{}}
	if err := json.Unmarshal(b, l); err != nil {
		return nil, fmt.Errorf("lcbench/surrogate.json: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "lcbench", "weights.f32"))
	if err != nil {
		return nil, err
	}
	for _, t := range l.Tensors {
		n := 1
		for _, s := range t.Shape {
			n *= s
		}
		if 4*(t.Offset+n) > len(raw) {
			return nil, fmt.Errorf("lcbench/weights.f32: %s ends behind the file", t.Name)
		}
		w := make([]float32, n)
		for i := range w {
			w[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(t.Offset+i):]))
		}
		l.weights[t.Name] = w
	}
	for i, v := range l.Tests { // the network is the one that was described
		if y := l.predict(v.Task, [][]float32{v.X})[0]; math.Abs(float64(y)-v.Out[1]) > .01 {
			return nil, fmt.Errorf("lcbench: test vector %d: an accuracy of %g, want %g", i, y, v.Out[1])
		}
	}
	return l, nil
}

// predict is the validation accuracy, in percent, of rows of an epoch and
// hyperparameters.
func (l *lcBench) predict(task int, rows [][]float32) []float32 {
	const embedded, width, hidden, half = 24, 128, 910, 455
	n, in := len(rows), embedded+8
	z := make([]float32, n*in)
	for i, r := range rows {
		copy(z[i*in:], l.weights["embds_fct.0.weight"][task*embedded:][:embedded])
		for k, x := range r {
			v := float64(x)
			if l.Input[k][0] == "log" {
				v = math.Log(v)
			}
			z[i*in+embedded+k] = float32((v - l.Input[k][1].(float64)) / l.Input[k][2].(float64))
		}
	}
	h, u, g := make([]float32, n*width), make([]float32, n*width), make([]float32, n*hidden)
	l.product(n, in, width, z, in, "first_layer.weight", "first_layer.bias", h)
	norm := func(name string) {
		w, b, mean, variance := l.weights[name+".weight"], l.weights[name+".bias"], l.weights[name+".running_mean"], l.weights[name+".running_var"]
		for j := range width {
			scale := w[j] / float32(math.Sqrt(float64(variance[j])+1e-5))
			for i := range n {
				u[i*width+j] = (h[i*width+j]-mean[j])*scale + b[j]
			}
		}
	}
	for k := range 3 {
		block := fmt.Sprintf("layers.%d.", k)
		norm(block + "norm")
		l.product(n, width, hidden, u, width, block+"linear0.weight", block+"linear0.bias", g)
		for i := range n {
			row := g[i*hidden : (i+1)*hidden]
			for j := range half {
				row[j] *= max(row[half+j], 0)
			}
		}
		l.product(n, half, width, g, hidden, block+"linear1.weight", block+"linear1.bias", u)
		for i, v := range u {
			h[i] += v
		}
	}
	norm("last_normalization")
	out := make([]float32, n)
	w, b := l.weights["head.weight"][width:2*width], l.weights["head.bias"][1]
	for i := range n {
		sum := float64(b)
		for j, v := range u[i*width : (i+1)*width] {
			sum += float64(w[j] * max(v, 0))
		}
		s := 1 / (1 + math.Exp(-sum))
		out[i] = float32(math.Exp(s*l.Output[1][1].(float64) + l.Output[1][2].(float64)))
		if l.Output[1][0] == "lin" {
			out[i] = float32(s*l.Output[1][1].(float64) + l.Output[1][2].(float64))
		}
	}
	return out
}

// product is out = x·Wᵀ + b.
func (l *lcBench) product(n, in, outs int, x []float32, row int, weight, bias string, out []float32) {
	g := kernel.Gemm{M: n, N: outs, K: in, A: x, RowA: row, ColA: 1, B: l.weights[weight], RowB: 1, ColB: in, C: out, RowC: outs, Bias: l.weights[bias]}
	if size := g.PackSize(); len(l.pack) < size {
		l.pack = make([]float32, size)
	}
	g.Pack = l.pack
	g.Run()
}

// lcSpace are the hyperparameters of LCBench.
func lcSpace() search.Space {
	return search.Space{
		search.Int("batch_size", 16, 512, search.Log), search.LogFloat("learning_rate", 1e-4, 1e-1), search.Float("momentum", .1, .99),
		search.Float("weight_decay", 1e-5, 1e-1), search.Int("num_layers", 1, 4), search.Int("max_units", 64, 1024, search.Log), search.Float("max_dropout", 0, 1),
	}
}

// curve are the losses of a point after each epoch.
func (l *lcBench) curve(task int, space search.Space, at search.Params) []float64 {
	rows := make([][]float32, lcEpochs)
	for e := range rows {
		rows[e] = []float32{float32(e + 1)}
		for _, p := range space {
			x, _ := search.Number(at[p.Dim().Name])
			rows[e] = append(rows[e], float32(x))
		}
	}
	out := make([]float64, lcEpochs)
	for e, y := range l.predict(task, rows) {
		out[e] = (100 - float64(y)) / 100
	}
	return out
}

// lcTasks are the data sets for development, by their number at OpenML.
var lcTasks = []string{"126025", "146212", "167104", "167190", "168335", "189865"}

// lcScales are the least and the typical loss of each task, as scale found them.
//
//go:embed lcbench.csv
var lcScales string

// problem is the search on one of its data sets.
func (l *lcBench) problem(id string) (problem, error) {
	task, ok := l.Task.ID[id]
	if !ok {
		return problem{}, fmt.Errorf("lcbench: no task %s", id)
	}
	p := problem{name: "lcbench_" + id, space: lcSpace(), top: lcEpochs}
	lines, err := csv.NewReader(strings.NewReader(lcScales)).ReadAll()
	if err != nil {
		return p, err
	}
	for _, f := range lines[1:] {
		if f[0] == id {
			p.min, _ = strconv.ParseFloat(f[1], 64)
			p.typical, _ = strconv.ParseFloat(f[2], 64)
		}
	}
	p.run = func() func(search.Params, int, int, int) (float64, float64) {
		known := map[int][]float64{} // by trial
		return func(at search.Params, trial, from, to int) (last, least float64) {
			c := known[trial]
			if c == nil {
				c = l.curve(task, p.space, at)
				known[trial] = c
			}
			return c[to-1], slices.Min(c[from:to])
		}
	}
	return p, nil
}

// scale finds the least loss of each task, among many points and then by a search
// along the coordinates, and the median of the first thousand points.
func (l *lcBench) scale(out io.Writer) error {
	space := lcSpace()
	const points, first, best = 20_000, 1000, 10
	fmt.Fprintln(out, "task,min,typical")
	for _, id := range lcTasks {
		task := l.Task.ID[id]
		uniform := searchtest.Uniform(77)
		type candidate struct {
			u    []float64
			loss float64
		}
		point := func(u []float64) search.Params {
			k := 0
			return space.Fill(func(d *search.Dim) any { k++; return d.Decode(u[k-1]) })
		}
		var all []candidate
		var typical []float64
		for i := range points {
			u := make([]float64, len(space))
			for k := range u {
				u[k] = uniform()
			}
			c := candidate{u: u}
			if i < first {
				c.loss = slices.Min(l.curve(task, space, point(u)))
				typical = append(typical, c.loss)
			} else { // roughly: the end of the curve
				row := []float32{lcEpochs}
				for _, v := range space {
					x, _ := search.Number(point(u)[v.Dim().Name])
					row = append(row, float32(x))
				}
				c.loss = (100 - float64(l.predict(task, [][]float32{row})[0])) / 100
			}
			all = append(all, c)
		}
		slices.Sort(typical)
		slices.SortFunc(all, func(a, b candidate) int { return int(math.Copysign(1, a.loss-b.loss)) })
		least := all[0].loss
		for _, c := range all[:best] {
			loss := slices.Min(l.curve(task, space, point(c.u)))
			for step := .1; step > 1e-3; step /= 2 {
				for better := true; better; {
					better = false
					for k := range c.u {
						for _, d := range []float64{-step, step} {
							was := c.u[k]
							c.u[k] = min(max(was+d, 0), 1)
							if y := slices.Min(l.curve(task, space, point(c.u))); y < loss-1e-7 {
								loss, better = y, true
							} else {
								c.u[k] = was
							}
						}
					}
				}
			}
			least = min(least, loss)
		}
		fmt.Fprintf(out, "%s,%.7f,%.7f\n", id, least, median(typical))
	}
	return nil
}
