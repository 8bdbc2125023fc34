package study_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/data"
	"budwood/learn/network"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
)

// The block compress of a file is read, and its mistakes have their place.
func TestCompressBlock(t *testing.T) {
	const head = "name: d\nspace: [{name: lr, float: [0.001, 0.01]}]\ndata: {csv: d.csv, target: y}\ncompress:\n"
	read := func(block string) (*study.Spec, error) {
		dir := t.TempDir()
		rows := "a,y\n" + strings.Repeat("1,x\n2,z\n", 20)
		file := filepath.Join(dir, "d.yaml")
		for name, text := range map[string]string{"d.csv": rows, "d.yaml": head + block} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s, _, err := study.Load(context.Background(), file, &data.Cache{}, study.FileOptions{})
		return s, err
	}
	s, err := read("  target: {size: 4x, latency: 2x}\n  max_drop: 0.4%\n  methods: [prune, int8]\n  protect: ['0']\n  fine_tune: {epochs: 5, lr: 0.002, alpha: 0}\n  int8: {calibration: mse, rows: 100}\n  budget: {trials: 9, time: 10m}\n")
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Then.Options(s.Name)
	if err != nil || o.Name != "d-c" || o.Target["size"] != 4 || o.Target["latency"] != 2 || o.MaxDrop != .004 || o.Trials != 9 || o.Int8.Rows != 100 || *o.FineTune.Alpha != 0 || o.Time.String() != "10m0s" {
		t.Errorf("options %+v, %v", o, err)
	}
	for block, want := range map[string]string{
		"  target: {sise: 4x}\n":                  `d.yaml:5:18: compress.target.sise: there is no target "sise" (did you mean "size"?)`,
		"  target: {size: 4x}\n  max_drop: two\n": "d.yaml:6:13:",
		"  methods: [prune, distil]\n":            "d.yaml:5:20:",
		"  fine_tune: {lr: -1}\n":                 "d.yaml:5:19: compress.fine_tune.lr: lr: -1 is outside",
		"  int8: {calibration: maxmin}\n":         "d.yaml:5:23: compress.int8.calibration: calibration: maxmin is none of minmax, percentile, mse",
		"  name: d\n":                             "d.yaml:5:9:",
	} {
		if _, err := read(block); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%sis %v, want %s", block, err, want)
		}
	}
}

// A study whose file says so is followed by the compression of its best network; the methods
// and values that are given bound what is searched.
func TestStudyIsCompressed(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	ctx := context.Background()
	b := studytest.New(t, nil)
	alpha := 0.
	s := taught(t, "big", "", func(s *study.Spec) {
		s.Space, s.Train = search.Space{search.LogFloat("lr", .005, .01)}, search.Params{"width": 64}
		s.Data.Rows, s.Data.Split = 300, data.Split{Valid: .2, Test: .2}
		s.Objective = search.Objective{Metric: "valid_accuracy"}
		s.Budget = study.Budget{Trials: 1, Epochs: 6}
		s.Then = &study.CompressBlock{
			Target: map[string]string{"size": "3x"}, MaxDrop: .1, Methods: []string{"prune", "int8"},
			FineTune: study.FineTune{Epochs: 2, Alpha: &alpha, LR: .004}, Int8: study.Int8{Calibration: "mse", Rows: 50}, Budget: study.CompressBudget{Trials: 4},
		}
	})
	if _, err := study.Local(ctx, s, b.Recorder, b.Runner, nil); err != nil {
		t.Fatal(err)
	}
	all := b.Records(t, "big-c")
	if len(all) != 4 {
		t.Fatalf("the compression has %d plans, want 4", len(all))
	}
	got := stored(t, b, "big-c")
	if names := got.Space.Dims(); len(names) != 3 || got.Train["lr"] != .004 || got.Train["alpha"] != 0. || got.Train["calibration"] != "mse" || got.Compress.Rows != 50 || got.Budget.Epochs != 2 {
		t.Errorf("searched are %v, fixed %v", names, got.Train)
	}
	if m, ok := all[1].Last(); !ok || all[1].Params["int8"] != "all" || m.Metrics[network.PlanCost] >= 1 {
		t.Errorf("integers alone: %v %v", all[1].Params, m.Metrics)
	}
	// Of a study that is compressed nothing is left to be said about, and another trial may be named.
	trial := 0
	again, err := study.Compression(ctx, b.Recorder.Store, study.CompressOptions{Name: "other", From: "big", Methods: []string{"int8"}, Trial: &trial, Trials: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := study.Local(ctx, again, b.Recorder, b.Runner, nil); err != nil {
		t.Fatal(err)
	}
	if of := stored(t, b, "other"); of.Teacher.Trial != 0 || len(of.Space.Dims()) != 2 || len(b.Records(t, "other")) != 2 {
		t.Errorf("of trial %d with %v", of.Teacher.Trial, of.Space.Dims())
	}
	trial = 7
	if _, err := study.Compression(ctx, b.Recorder.Store, study.CompressOptions{Name: "none", From: "big", Trial: &trial}); err == nil {
		t.Error("a trial that is not there is compressed")
	}
	if _, err := study.Compression(ctx, b.Recorder.Store, study.CompressOptions{From: "big", Methods: []string{"cut"}}); err == nil || !strings.Contains(err.Error(), "methods[0]") {
		t.Errorf("a method that is none: %v", err)
	}
}

// Plans fit in the column of a table.
func TestPlanInShort(t *testing.T) {
	for want, p := range map[string]search.Params{
		"as it is":                     {"keep": 1., "rank": 1., "int8": "no", "alpha": .4},
		"int8":                         {"keep": 1., "rank": 1., "int8": "all", "alpha": .4},
		"keep .24 rank .35 int8i α.45": {"keep": .2375, "rank": .35, "int8": "inner", "alpha": .447},
		"rank .5":                      {"rank": .5, "int8": "no", "alpha": .001},
	} {
		if got := study.PlanInShort(p); got != want {
			t.Errorf("%v is %q, want %q", p, got, want)
		}
	}
}
