package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"budwood/data"
	"budwood/internal/bench"
)

//go:embed baselines.py
var baselines []byte

// writeRows writes the encoded rows of a set, the class last.
func writeRows(file string, s *data.Set) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	n := s.Shape.Size()
	for i, c := range s.Class {
		for _, x := range s.X[i*n : (i+1)*n] {
			fmt.Fprintf(w, "%g,", x)
		}
		fmt.Fprintf(w, "%d\n", c)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// sklearn adds the scores of scikit-learn's models and returns all models'
// names. Without the package there are none but ours.
func sklearn(ctx context.Context, dir string, scores map[string]map[string]float64, samplers []string) ([]string, error) {
	var models []string
	for _, s := range samplers {
		models = append(models, ours(s))
	}
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} { // a distribution's package is in the latter, whatever comes first in the path
		if exec.CommandContext(ctx, p, "-c", "import sklearn").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		return models, nil
	}
	script := filepath.Join(dir, "baselines.py")
	if err := os.WriteFile(script, baselines, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, script, dir)
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
		if scores[fold] == nil {
			continue // of another run
		}
		for m, x := range byModel {
			scores[fold][m] = x
			if !slices.Contains(models, m) {
				models = append(models, m)
			}
		}
	}
	slices.Sort(models[len(samplers):])
	return models, nil
}

// ranks is the mean accuracy on each set, in percent, and the mean rank over all
// folds; models that are equal share the mean of their ranks.
func ranks(sets, models []string, scores map[string]map[string]float64) bench.Table {
	t := bench.Table{Name: "nas-tabular", Head: append([]string{"test accuracy, %"}, models...)}
	rank := make([]float64, len(models))
	for _, set := range sets {
		row := []any{set}
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
			row = append(row, fmt.Sprintf("%.1f", 100*mean))
		}
		t.Add(row...)
	}
	row := []any{"mean rank"}
	for _, r := range rank {
		row = append(row, fmt.Sprintf("%.2f", r))
	}
	t.Add(row...)
	return t
}
