package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"budwood/engine"
	"budwood/engine/data"
	"budwood/search"
	"budwood/trials"
	"budwood/workflows"
)

//go:embed baselines.py
var baselines []byte

const folds = 3

// ours is the name of the found network among the models.
const ours = "found network"

// tabular compares the network found for each set, trained again on all rows
// that the search saw, with scikit-learn's models on the same encoded rows. The
// sets are the first so many, by name, of 600 to 6,000 rows and no class above
// 70 percent.
func tabular(ctx context.Context, out, progress io.Writer, dir, kept string, sets int, seed uint64) error {
	names, err := chosen(filepath.Join(dir, "tabular", "MANIFEST.csv"), sets)
	if err != nil {
		return err
	}
	tmp := kept
	if kept == "" {
		if tmp, err = os.MkdirTemp("", "budwood-folds"); err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
	} else if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	done, err := readDone(filepath.Join(tmp, "found.json"))
	if err != nil {
		return err
	}
	scores := map[string]map[string]float64{} // by fold and model
	spent := 0.
	for _, set := range names {
		for fold := range folds {
			name := fmt.Sprintf("%s-%d", set, fold)
			if _, ok := done[name]; !ok {
				began := cpuTime()
				acc, o, err := fitted(ctx, tmp, name, dir, set, fold, seed)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				done[name] = found{acc, (cpuTime() - began).Seconds(), workflows.DescribeParams(o.result.Best.Params)}
				fmt.Fprintf(progress, "%s %.4f  %d trials, %d epochs, %s, %s\n", name, acc, len(o.result.Trials), o.epochs, round(o.wall), done[name].Network)
				if err := writeDone(filepath.Join(tmp, "found.json"), done); err != nil {
					return err
				}
			}
			scores[name] = map[string]float64{ours: done[name].Accuracy}
			spent += done[name].CPU
		}
	}
	models, err := sklearn(ctx, tmp, scores)
	if err != nil {
		return err
	}
	writeRanks(out, names, models, scores)
	fmt.Fprintf(out, "\n%d folds of %d sets, seed %d; the searches and refits took %.0f s of CPU time.\n", folds, len(names), seed, spent)
	return nil
}

// found is what a fold came to. With -folds it is kept beside the fold, so that
// a run that was interrupted goes on.
type found struct {
	Accuracy float64 `json:"accuracy"`
	CPU      float64 `json:"cpu_seconds"`
	Network  string  `json:"network"`
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

// fitted searches on one fold, trains what was found on all rows but the test
// rows, and tests it. It leaves the fold in the directory.
func fitted(ctx context.Context, tmp, name, dir, set string, fold int, seed uint64) (float64, *outcome, error) {
	cache := &data.Cache{}
	spec, err := load(ctx, "tabular", dir, cache, func(s *workflows.Spec) {
		s.Name = name
		s.Data.CSV = strings.Replace(s.Data.CSV, "SET", set, 1)
		s.Data.Target = lastColumn(s.Data.CSV)
		s.Data.Split.Seed, s.Search.Seed = uint64(fold), seed
	})
	if err != nil {
		return 0, nil, err
	}
	d, err := cache.Load(ctx, *spec.Data)
	if err != nil {
		return 0, nil, err
	}
	for part, sets := range map[string][]*engine.Set{"train": {d.Train, d.Valid}, "test": {d.Test}} {
		if err := writeRows(filepath.Join(tmp, name+"."+part+".csv"), sets); err != nil {
			return 0, nil, err
		}
	}
	o, err := study(ctx, spec)
	if err != nil {
		return 0, nil, err
	}
	space, err := spec.Architecture.Space()
	if err == nil {
		space, err = space.For(spec.Input, spec.Outputs)
	}
	if err != nil {
		return 0, nil, err
	}
	s := trials.Supervised{Data: d, Fixed: spec.Train, Build: func(p search.Params, _ engine.Shape, _ int) (engine.Layer, error) {
		net, _, err := space.Build(o.genome)
		return net, err
	}}
	net, err := s.Refit(ctx, o.result.Best.Params, spec.Budget.Epochs, seed)
	if err != nil {
		return 0, nil, err
	}
	score, err := net.Evaluate(d.Test)
	return score.Accuracy, o, err
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

func writeRows(file string, sets []*engine.Set) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, s := range sets {
		n := s.Shape.Size()
		for i, c := range s.Class {
			for _, x := range s.X[i*n : (i+1)*n] {
				fmt.Fprintf(w, "%g,", x)
			}
			fmt.Fprintf(w, "%d\n", c)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// sklearn adds the scores of scikit-learn's models and returns all models'
// names. Without the package there are none but ours.
func sklearn(ctx context.Context, dir string, scores map[string]map[string]float64) ([]string, error) {
	models := []string{ours}
	if exec.CommandContext(ctx, "python3", "-c", "import sklearn").Run() != nil {
		return models, nil
	}
	script := filepath.Join(dir, "baselines.py")
	if err := os.WriteFile(script, baselines, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "python3", script, dir)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("baselines.py: %w", err)
	}
	var got map[string]map[string]float64
	if err := json.Unmarshal(text, &got); err != nil {
		return nil, fmt.Errorf("baselines.py: %w", err)
	}
	for fold, byModel := range got {
		for m, x := range byModel {
			scores[fold][m] = x
			if !slices.Contains(models, m) {
				models = append(models, m)
			}
		}
	}
	slices.Sort(models[1:])
	return models, nil
}

// writeRanks prints the mean accuracy of each set and the mean rank over all
// folds; models that are equal share the mean of their ranks.
func writeRanks(out io.Writer, sets, models []string, scores map[string]map[string]float64) {
	fmt.Fprintf(out, "| test accuracy |")
	for _, m := range models {
		fmt.Fprintf(out, " %s |", m)
	}
	fmt.Fprintf(out, "\n|---|%s\n", strings.Repeat("---|", len(models)))
	rank := make([]float64, len(models))
	for _, set := range sets {
		fmt.Fprintf(out, "| %s |", set)
		for i, m := range models {
			mean := 0.
			for fold := range folds {
				s := scores[fmt.Sprintf("%s-%d", set, fold)]
				mean += s[m] / folds
				r := 1.
				for j, other := range models {
					switch {
					case s[other] > s[m]:
						r++
					case s[other] == s[m] && i != j:
						r += .5
					}
				}
				rank[i] += r / float64(folds*len(sets))
			}
			fmt.Fprintf(out, " %.1f %% |", 100*mean)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, "| **mean rank** |")
	for _, r := range rank {
		fmt.Fprintf(out, " **%.2f** |", r)
	}
	fmt.Fprintln(out)
}
