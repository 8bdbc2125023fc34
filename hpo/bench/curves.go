package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"budwood/search"
)

// epochs of every curve.
const epochs = 51

// curves are the validation losses of a thousand configurations by epoch
// (TaskSet).
type curves struct {
	name string
	u    [][8]float64 // coordinates in [0,1]
	loss [][]float64  // after epoch e+1, at most twice the median first loss
}

var tasks = []string{"patch32_GRU64_avg_bs128", "patch32_IRNN64_relu_last_bs128", "patch32_LSTM128_bs128",
	"patch32_VRNN64_relu_avg_bs128", "patch128_LSTM128_embed128_bs64"}

var notFinite = regexp.MustCompile(`-?\b(NaN|Infinity)\b`)

// loadCurves reads a task.
func loadCurves(dir, task string) (*curves, error) {
	f, err := os.Open(filepath.Join(dir, "taskset", "FixedTextRNNClassification_imdb_"+task+".json.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	var rows []struct {
		HP    map[string]float64    `json:"hp"`
		Valid map[string][]*float64 `json:"valid"` // nil where it is not finite
	}
	b = notFinite.ReplaceAll(b, []byte("null")) // Python writes what JSON does not know
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	c := &curves{name: "taskset_" + task}
	lo, hi := [8]float64{}, [8]float64{}
	var first []float64
	for i, r := range rows {
		hp := r.HP
		u := [8]float64{hp["learning_rate"], 1 - hp["beta1"], 1 - hp["beta2"], hp["epsilon"], hp["l1"], hp["l2"], hp["linear_decay"], hp["exponential_decay"]}
		for k := range u {
			u[k] = math.Log10(max(u[k], 1e-12))
			if i == 0 {
				lo[k], hi[k] = u[k], u[k]
			}
			lo[k], hi[k] = min(lo[k], u[k]), max(hi[k], u[k])
		}
		c.u = append(c.u, u)
		if len(r.Valid["loss"]) != epochs {
			return nil, fmt.Errorf("%s: row %d has %d losses, want %d", f.Name(), i, len(r.Valid["loss"]), epochs)
		}
		if x := r.Valid["loss"][0]; x != nil {
			first = append(first, *x)
		}
	}
	slices.Sort(first)
	limit := 2 * median(first)
	for i, r := range rows {
		for k := range c.u[i] {
			c.u[i][k] = (c.u[i][k] - lo[k]) / (hi[k] - lo[k])
		}
		loss := make([]float64, epochs)
		for e, x := range r.Valid["loss"] {
			loss[e] = limit
			if x != nil {
				loss[e] = min(*x, limit)
			}
		}
		c.loss = append(c.loss, loss)
	}
	return c, nil
}

// problem is the search for the best of the thousand. A trial is the nearest row
// that was not used.
func (c *curves) problem(name string) problem {
	final := make([]float64, len(c.loss))
	for i, l := range c.loss {
		final[i] = slices.Min(l)
	}
	slices.Sort(final)
	p := problem{name: name, min: final[0], typical: median(final), top: epochs}
	for _, k := range []string{"learning_rate", "beta1", "beta2", "epsilon", "l1", "l2", "linear_decay", "exponential_decay"} {
		p.space = append(p.space, search.Float(k, 0, 1))
	}
	p.run = func() func(search.Params, int, int, int) (float64, float64) {
		row := map[int]int{} // by trial
		used := make([]bool, len(c.u))
		return func(at search.Params, trial, from, to int) (last, least float64) {
			i, ok := row[trial]
			if !ok {
				i = c.nearest(p.space, at, used)
				row[trial], used[i] = i, true
			}
			return c.loss[i][to-1], slices.Min(c.loss[i][from:to])
		}
	}
	return p
}

func (c *curves) nearest(space search.Space, at search.Params, used []bool) int {
	best, least := 0, math.Inf(1)
	for i, u := range c.u {
		if used[i] {
			continue
		}
		d := 0.0
		for k, p := range space {
			x := u[k] - at[p.Dim().Name].(float64)
			d += x * x
		}
		if d < least {
			best, least = i, d
		}
	}
	return best
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
