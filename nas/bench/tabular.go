package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"budwood/data"
	"budwood/internal/bench"
	"budwood/study"
)

const folds = 3

// ours are the found networks among the models, by sampler.
func ours(sampler string) string { return "found by " + sampler }

// tabular compares the network that each sampler finds for each set, as the
// study itself trained it, with scikit-learn's models on the same rows. The sets
// are those named, or the first so many, by name, of 600 to 6,000 rows and no
// class above 70 percent. The first sampler has the time of the study file, the
// others as long as it took.
func tabular(ctx context.Context, progress io.Writer, dir, kept, only string, sets int, seed uint64, samplers []string, limit time.Duration, timed bool) ([]bench.Table, error) {
	names, err := chosen(filepath.Join(dir, "tabular", "MANIFEST.csv"), sets)
	if err != nil {
		return nil, err
	}
	if only != "" {
		names = strings.Split(only, ",")
	}
	tmp := kept
	if kept == "" {
		if tmp, err = os.MkdirTemp("", "budwood-folds"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(tmp)
	} else if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, err
	}
	done, err := readDone(filepath.Join(tmp, "found.json"))
	if err != nil {
		return nil, err
	}
	scores := map[string]map[string]float64{} // by fold and model
	for _, set := range names {
		for fold := range folds {
			name := fmt.Sprintf("%s-%d", set, fold)
			scores[name] = map[string]float64{}
			for i, sampler := range samplers {
				key := name + " " + sampler
				if _, ok := done[key]; !ok {
					var err error
					done[key], err = searchFold(ctx, tmp, name, dir, set, fold, func(s *study.Spec) {
						s.Search.Seed, s.Search.Sampler = seed, sampler
						if limit > 0 {
							s.Budget.Time = study.Duration(limit)
						}
						if !timed {
							s.Budget.Time = 0
						} else if i > 0 { // as long as the first, however many trials that gives
							s.Budget.Trials = 10_000
							s.Budget.Time = study.Duration(done[name+" "+samplers[0]].Seconds * float64(time.Second))
						}
					})
					if err != nil {
						return nil, fmt.Errorf("%s: %w", name, err)
					}
					fmt.Fprintln(progress, key, done[key])
					if err := writeDone(filepath.Join(tmp, "found.json"), done); err != nil {
						return nil, err
					}
				}
				scores[name][ours(sampler)] = done[key].Accuracy
			}
		}
	}
	models, err := sklearn(ctx, tmp, scores, samplers)
	if err != nil {
		return nil, err
	}
	costs := bench.Table{Name: "nas-tabular-costs", Head: []string{"search", "trials", "epochs", "wall, s", "CPU, s", "energy, Wh (estimated)"}}
	for _, sampler := range samplers {
		var sum found
		for name := range scores {
			sum.add(done[name+" "+sampler])
		}
		costs.Add(sampler, sum.Trials, sum.Epochs, fmt.Sprintf("%.0f", sum.Seconds), fmt.Sprintf("%.0f", sum.CPU), fmt.Sprintf("%.2f", sum.Wh))
	}
	return []bench.Table{ranks(names, models, scores), costs}, nil
}

// found is what a search on a fold came to. With -folds it is kept beside the
// fold, so that a run that was interrupted goes on.
type found struct {
	Accuracy float64 `json:"accuracy"`
	Seconds  float64 `json:"seconds"`
	CPU      float64 `json:"cpu_seconds"`
	Wh       float64 `json:"wh"`
	Trials   int     `json:"trials"`
	Epochs   int     `json:"epochs"`
	Value    float64 `json:"value"`
	Network  string  `json:"network"`
}

func (f found) String() string {
	return fmt.Sprintf("%.4f  %d trials, %d epochs, %.1f s, %.1f s CPU, objective %.4f, %s", f.Accuracy, f.Trials, f.Epochs, f.Seconds, f.CPU, f.Value, f.Network)
}

func (f *found) add(g found) {
	f.Seconds += g.Seconds
	f.CPU += g.CPU
	f.Wh += g.Wh
	f.Trials += g.Trials
	f.Epochs += g.Epochs
}

func readDone(file string) (map[string]found, error) {
	out := map[string]found{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

func writeDone(file string, done map[string]found) error {
	text, err := json.MarshalIndent(done, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// chosen are the names of the sets.
func chosen(manifest string, n int) ([]string, error) {
	f, err := os.Open(manifest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(bufio.NewReader(f)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	var out []string
	for _, l := range lines[1:] {
		rows, _ := strconv.Atoi(l[2])
		majority, err := strconv.ParseFloat(l[6], 64)
		if l[1] == "classification" && err == nil && rows >= 600 && rows <= 6000 && majority < .7 && len(out) < n {
			out = append(out, l[0])
		}
	}
	return out, nil
}

// searchFold searches on one fold. It leaves the fold's rows in the directory.
func searchFold(ctx context.Context, tmp, name, dir, set string, fold int, override func(*study.Spec)) (found, error) {
	cache := &data.Cache{}
	spec, err := load(ctx, "tabular", dir, cache, func(s *study.Spec) {
		s.Name = name
		s.Data.CSV = strings.Replace(s.Data.CSV, "SET", set, 1)
		s.Data.Target = lastColumn(s.Data.CSV)
		s.Data.Split.Seed = uint64(fold)
		override(s)
	})
	if err != nil {
		return found{}, err
	}
	plain := *spec.Data // scikit-learn's models get the rows that suit them best
	plain.Numeric = data.Standard
	d, err := cache.Load(ctx, plain)
	if err != nil {
		return found{}, err
	}
	for part, set := range map[string]*data.Set{"train": d.Train, "test": d.Test} {
		if err := writeRows(filepath.Join(tmp, name+"."+part+".csv"), set); err != nil {
			return found{}, err
		}
	}
	o, err := runStudy(ctx, spec)
	if err != nil {
		return found{}, err
	}
	return found{
		Accuracy: o.result.Test["test_accuracy"], Seconds: o.wall.Seconds(), CPU: o.cpu.Seconds(), Wh: o.result.Joules / 3600,
		Trials: len(o.result.Trials), Epochs: o.epochs, Value: o.result.Value, Network: study.DescribeParams(o.result.Best.Params),
	}, nil
}

// lastColumn is the name of a table's last column, which is the target of all
// these sets.
func lastColumn(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	head, err := csv.NewReader(f).Read()
	if err != nil {
		return ""
	}
	return head[len(head)-1]
}
