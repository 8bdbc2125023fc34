package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"budwood/search"
	"budwood/search/searchtest"
)

// problem is something to minimise, with the values of regret 0 and 1.
type problem struct {
	name         string
	space        search.Space
	min, typical float64
	// run begins a run; some problems remember which rows were used. It returns
	// the loss after training from one budget to another, and the least on the way.
	run func() func(p search.Params, trial, from, to int) (last, least float64)
	top int // the full budget
}

func (p problem) regret(value float64) float64 { return (value - p.min) / (p.typical - p.min) }

// functions are the problems made of formulas.
func functions(ps ...searchtest.Problem) []problem {
	var out []problem
	for _, p := range ps {
		out = append(out, problem{p.Name, p.Space, p.Min, p.Typical, func() func(search.Params, int, int, int) (float64, float64) {
			return func(at search.Params, _, _, _ int) (float64, float64) { y := p.F(at); return y, y }
		}, 1})
	}
	return out
}

// table is a set of real trainings, one value for every combination.
type table struct {
	name, file string
	dims       []search.Param
	score      func(mean float64) float64 // the loss
}

func tables() []table {
	ordinal := func(name string, n int) search.Param {
		values := make([]int, n)
		for i := range values {
			values[i] = i
		}
		return search.Ordinal(name, values...)
	}
	cat := func(name string, n int) search.Param {
		d := *ordinal(name, n).Dim()
		d.Ordered = false
		return &d
	}
	fcnet := []search.Param{cat("activation_fn_1", 2), cat("activation_fn_2", 2), ordinal("batch_size", 4), ordinal("dropout_1", 3),
		ordinal("dropout_2", 3), ordinal("init_lr", 6), cat("lr_schedule", 2), ordinal("n_units_1", 6), ordinal("n_units_2", 6)}
	mlp := []search.Param{ordinal("alpha", 10), ordinal("batch_size", 10), ordinal("depth", 3), ordinal("learning_rate_init", 10), ordinal("width", 10)}
	var cell []search.Param
	for i := range 6 {
		cell = append(cell, cat(fmt.Sprintf("Op%d", i), 5))
	}
	loss := func(x float64) float64 { return x }
	accuracy := func(x float64) float64 { return 1 - x }
	out := []table{{"nb201_cifar10", "nasbench201_cifar10", cell, func(x float64) float64 { return 1 - x/100 }}}
	for _, s := range []string{"protein_structure", "naval_propulsion"} {
		out = append(out, table{"fcnet_" + s, "hpolib_" + s, fcnet, loss})
	}
	for _, s := range []string{"car", "phoneme", "australian", "blood_transfusion", "credit_g", "kc1"} {
		out = append(out, table{"hpobench_" + s, "hpobench_" + s, mlp, accuracy})
	}
	return out
}

// load reads a table from a gzipped CSV file: key, values of which the mean counts.
func (t table) load(dir string) (problem, error) {
	f, err := os.Open(filepath.Join(dir, t.file+".csv.gz"))
	if err != nil {
		return problem{}, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return problem{}, fmt.Errorf("%s: %w", f.Name(), err)
	}
	values := map[string]float64{}
	r := csv.NewReader(z)
	r.FieldsPerRecord = -1 // some were trained less often
	for line := 0; ; line++ {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return problem{}, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if line == 0 {
			continue
		}
		sum := 0.0
		for _, s := range rec[1:] {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return problem{}, fmt.Errorf("%s: line %d: %w", f.Name(), line+1, err)
			}
			sum += x
		}
		values[rec[0]] = t.score(sum / float64(len(rec)-1))
	}
	all := make([]float64, 0, len(values))
	for _, v := range values {
		all = append(all, v)
	}
	slices.Sort(all)
	p := problem{name: t.name, space: t.dims, min: all[0], typical: median(all), top: 1}
	p.run = func() func(search.Params, int, int, int) (float64, float64) {
		return func(at search.Params, _, _, _ int) (float64, float64) {
			var key strings.Builder
			for _, d := range t.dims {
				i := d.Dim().Index(at[d.Dim().Name])
				key.WriteString(strconv.Itoa(i))
			}
			y := values[key.String()]
			return y, y
		}
	}
	return p, nil
}
