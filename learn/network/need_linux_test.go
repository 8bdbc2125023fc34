package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// heavy are networks that take at least 50 MiB to be trained.
var heavy = []struct {
	name   string
	layer  engine.Layer
	in     data.Shape
	folds  int
	params search.Params
}{
	{"mlp", engine.Seq{engine.Dense{Out: 1200}, engine.ReLU{}, engine.Dense{Out: 1200}, engine.ReLU{}, engine.Dense{Out: 4}}, data.Shape{1024}, 0,
		search.Params{"batch": 256}},
	{"mlp with averages", engine.Seq{engine.Dense{Out: 3000}, engine.Tanh{}, engine.Dense{Out: 1000}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 4}}, data.Shape{64}, 0,
		search.Params{"batch": 128, "optimizer": "sgd", "lookahead": 2, "accumulate": 2, "mixup": 0.2, "precision": "bfloat16"}},
	{"mlp of 3 folds", engine.Seq{engine.Dense{Out: 1000}, engine.ReLU{}, engine.Dense{Out: 1000}, engine.ReLU{}, engine.Dense{Out: 4}}, data.Shape{64}, 3,
		search.Params{"batch": 64, "ema": 0.9}},
	{"cnn", engine.Seq{engine.Conv{Out: 32}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 64}, engine.ReLU{}, engine.GlobalAvgPool{}, engine.Dense{Out: 4}}, data.Shape{64, 64, 3}, 0,
		search.Params{"batch": 48}},
	{"attention", engine.Seq{engine.Attention{Heads: 2}, engine.GlobalAvgPool{}, engine.Dense{Out: 4}}, data.Shape{1024, 16}, 0,
		search.Params{"batch": 8}},
	{"transformer", engine.Seq{engine.Positional{}, engine.Transformer{Heads: 4}, engine.Transformer{Heads: 4}, engine.GlobalAvgPool{}, engine.Dense{Out: 4}}, data.Shape{128, 64}, 0,
		search.Params{"batch": 32}},
	{"gru", engine.Seq{engine.GRU{Out: 256}, engine.GRU{Out: 256}, engine.LastStep{}, engine.Dense{Out: 4}}, data.Shape{100, 64}, 0,
		search.Params{"batch": 64}},
}

// heavySet is two batches of rows and some.
func heavySet(in data.Shape, n int) *data.Set {
	r := rand.New(rand.NewPCG(1, 2))
	s := &data.Set{Shape: in, Classes: 4, X: make([]float32, n*in.Size()), Class: make([]int32, n)}
	for i := range s.X {
		s.X[i] = float32(r.NormFloat64())
	}
	for i := range s.Class {
		s.Class[i] = int32(i % 4)
	}
	return s
}

const heavyEnv = "BUDWOOD_TEST_HEAVY"

// What a trial is planned to take is what the process grows by, within a tenth,
// whether it begins or goes on from a checkpoint: measured in a process of its own
// as the most that it held in memory.
func TestNeedIsWhatTheProcessGrowsBy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	if name := os.Getenv(heavyEnv); name != "" {
		growHeavy(t, name)
		return
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skip("the most that a process held cannot be measured here:", err)
	}
	kinds := heavy
	if testing.Short() {
		kinds = heavy[:2]
	}
	for _, k := range kinds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNeedIsWhatTheProcessGrowsBy$", "-test.v")
		cmd.Env = append(os.Environ(), heavyEnv+"="+k.name)
		out, err := cmd.CombinedOutput()
		var need, first, second int64
		for line := range strings.Lines(string(out)) {
			fmt.Sscanf(line, "grown %d %d %d", &need, &first, &second)
		}
		if err != nil || need == 0 {
			t.Errorf("%s: %v\n%s", k.name, err, out)
			continue
		}
		mib := func(n int64) float64 { return float64(n) / (1 << 20) }
		t.Logf("%-18s planned %6.1f MiB, grew by %6.1f from the beginning, %6.1f from a checkpoint", k.name, mib(need), mib(first), mib(second))
		if need < 50<<20 {
			t.Errorf("%s: %d bytes are too few to measure", k.name, need)
		}
		for i, got := range []int64{first, second} {
			if d := float64(got-need) / float64(need); d < -.1 || d > .1 {
				t.Errorf("%s, segment %d: %.1f MiB planned, %.1f MiB taken", k.name, i+1, mib(need), mib(got))
			}
		}
	}
}

// growHeavy trains a network in this process.
func growHeavy(t *testing.T, name string) {
	for _, k := range heavy {
		if k.name != name {
			continue
		}
		n := 2*k.params["batch"].(int) + 3
		d := &data.Data{Task: data.Classification, Classes: 4, Train: heavySet(k.in, n), Valid: heavySet(k.in, n)}
		for range k.folds {
			d.Folds = append(d.Folds, data.Fold{Train: d.Train, Valid: d.Valid})
		}
		s := Supervised{Data: d, Scores: []string{"f1"}, Build: func(search.Params, data.Shape, int) (engine.Layer, error) { return k.layer, nil }}
		need, err := s.Need(k.params, Alone)
		if err != nil {
			t.Fatal(err)
		}
		need.Data = 0 // it is there already
		r := newRunner(t)
		grown := func(from, to int) int64 {
			task := newTask(from, to)
			task.Trial.Params = k.params
			task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
			debug.FreeOSMemory()
			if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
				t.Fatal(err)
			}
			before := processStatus("VmRSS")
			var failure *trials.ObjectiveError
			if _, err := r.Run(context.Background(), task, s.Train, nil); err != nil && !errors.As(err, &failure) {
				t.Fatal(err)
			}
			return processStatus("VmHWM") - before
		}
		fmt.Printf("grown %d %d %d\n", need.Total(), grown(0, 2), grown(2, 4))
	}
}

// processStatus is a line of /proc/self/status, in bytes.
func processStatus(key string) (n int64) {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n << 10
}
