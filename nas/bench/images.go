package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"budwood"
	"budwood/data"
	"budwood/internal/bench"
	"budwood/nas"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
)

//go:embed *.yaml
var studies embed.FS

// outcome is what a study came to.
type outcome struct {
	result    *budwood.Result
	spec      *study.Spec
	wall, cpu time.Duration
	epochs    int
	genome    nas.Genome
	params    float64
}

// study runs a study with data on goroutines, in a state directory of its own.
func runStudy(ctx context.Context, spec *study.Spec) (*outcome, error) {
	home, err := os.MkdirTemp("", "budwood-nas")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	st, err := budwood.OpenState(home, nil, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	defer st.Close()
	began, before := time.Now(), cpuTime()
	runner := &trials.Runner{Blobs: st.Files.Blobs, Meter: st.Meter}
	if _, err := study.Local(ctx, spec, st.Recorder(), runner, nil); err != nil {
		return nil, fmt.Errorf("study %s: %w", spec.Name, err)
	}
	o := &outcome{spec: spec, wall: time.Since(began), cpu: cpuTime() - before}
	if o.result, err = budwood.ReadResult(ctx, st.Store, spec.Name); err != nil {
		return nil, err
	}
	if o.result.Best == nil {
		return nil, fmt.Errorf("study %s: no trial has a value", spec.Name)
	}
	for i := range o.result.Trials {
		o.epochs += o.result.Trials[i].Epochs()
	}
	m, _ := o.result.Best.Last()
	o.params = m.Metrics["params"]
	o.genome, err = nas.FromParams(o.result.Best.Params)
	return o, err
}

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// load reads a study file of this directory, wherever the data is.
func load(ctx context.Context, name, dir string, cache *data.Cache, override func(*study.Spec)) (*study.Spec, error) {
	text, err := studies.ReadFile(name + ".yaml")
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	moved := strings.NewReplacer("$BUDWOOD_DATA/data", abs, "../../examples", filepath.Join(root, "examples")).Replace(string(text))
	f, err := os.CreateTemp("", "*.yaml")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString(moved); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	spec, _, err := study.Load(ctx, f.Name(), cache, study.FileOptions{Outside: true, Override: override})
	return spec, err
}

// images searches by each sampler: the first within the time of the study file,
// the others for as long as it took. On a busy machine, where time says little,
// timed is false: each gets the trials of the file.
func images(ctx context.Context, progress io.Writer, name, dir string, seed uint64, samplers []string, inherit bool, limit time.Duration, timed bool) ([]bench.Table, error) {
	t := bench.Table{Name: "nas-" + name, By: "seed", Head: []string{"search", "seed", "test accuracy, %", "best validation accuracy, %", "parameters", "trials", "epochs", "wall, s", "CPU, s", "energy, Wh (estimated)", "network"}}
	var took time.Duration
	for _, sampler := range samplers {
		spec, err := load(ctx, name, dir, &data.Cache{}, func(s *study.Spec) {
			s.Search.Sampler, s.Search.Seed, s.Search.Inherit = sampler, seed, inherit && sampler != "random"
			if slices.Contains(samplers, oneShot) {
				single(s)
			}
			if sampler == oneShot { // its trials are cheap
				s.Search.Sampler, s.Search.Scheduler, s.Search.Supernet = "evolution", "none", "uniform"
				s.Budget.Epochs, s.Budget.Trials = 2*s.Budget.Trials, 5*s.Budget.Trials
			}
			if limit > 0 {
				s.Budget.Time = study.Duration(limit)
			}
			if !timed {
				s.Budget.Time = 0
			} else if sampler != samplers[0] { // as long, however many trials that gives
				s.Budget.Trials, s.Budget.Time = 10_000, study.Duration(took)
			}
		})
		if err != nil {
			return nil, err
		}
		o, err := runStudy(ctx, spec)
		if err != nil {
			return nil, err
		}
		took = searched(o)
		label, best := sampler, 0.
		if spec.Search.Inherit {
			label += " with inherited weights"
		}
		for i := range o.result.Trials {
			r := &o.result.Trials[i]
			m, _ := r.Last()
			if v := m.Metrics[spec.Objective.Metric]; !isRetrained(r) {
				best = max(best, v)
			}
			fmt.Fprintf(progress, "%s %s %s %d epochs %.4f  %s\n", r.Name(), r.Source, r.State, m.Budget, m.Metrics[spec.Objective.Metric], study.DescribeParams(r.Params))
		}
		t.Add(label, seed, fmt.Sprintf("%.2f", 100*o.result.Test["test_accuracy"]), fmt.Sprintf("%.2f", 100*best), fmt.Sprintf("%.0f", o.params), len(o.result.Trials), o.epochs,
			fmt.Sprintf("%.0f", o.wall.Seconds()), fmt.Sprintf("%.0f", o.cpu.Seconds()), fmt.Sprintf("%.2f", o.result.Joules/3600), o.genome)
	}
	return []bench.Table{t}, nil
}

// searched is the time that a study spent before it trained its best again.
func searched(o *outcome) time.Duration {
	sum, all := 0., 0.
	for i := range o.result.Trials {
		r := &o.result.Trials[i]
		all += r.Seconds
		if !isRetrained(r) {
			sum += r.Seconds
		}
	}
	if all == 0 {
		return o.wall
	}
	return time.Duration(math.Ceil(float64(o.wall)*sum/all/1e9) * 1e9)
}

func isRetrained(r *search.Record) bool { return strings.HasPrefix(r.Source, "retrain") }

func round(d time.Duration) time.Duration { return d.Round(time.Second) }
