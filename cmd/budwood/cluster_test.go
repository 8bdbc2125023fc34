package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/engine/layout"
)

const (
	clusterFile = "cluster: {nodes: 16, per_node: 8, flops: 312e12, memory: 80GB, memory_bandwidth: 2.0e12, inside: 300e9, between: 25e9}\n"
	modelFile   = "model: {gpt: {layers: 80, hidden: 12288, heads: 96, vocab: 51200, seq: 2048}, batch: 2304, precision: bf16}\n"
)

// planned runs plan with files of these texts behind --cluster and more arguments.
func planned(t *testing.T, texts []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("BUDWOOD_BLOBS", "") // the command sets it for this process; later tests must not see that
	dir := t.TempDir()
	full := []string{"plan", "--home", home(t)}
	for i, text := range texts {
		path := filepath.Join(dir, string(rune('a'+i))+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			path = "--cluster=" + path
		}
		full = append(full, path)
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), append(full, args...), &out, &errs)
	return code, out.String(), errs.String()
}

// A cluster that nobody has here is planned, with memory, wire, time and what came
// next.
func TestPlanOfACluster(t *testing.T) {
	for _, texts := range [][]string{{clusterFile + modelFile}, {clusterFile, modelFile}} {
		code, out, errs := planned(t, texts)
		if code != exitDone || errs != "" {
			t.Fatalf("exit code %d, %s", code, errs)
		}
		for _, want := range []string{"SETTING", "\nmesh ", " = 128 lanes on 128 ranks; ", "(batch 2304)\n", "\nmemory ", "the largest rank ", "\nwire ", "a rank sends ",
			"\ntime ", "step ", "bubble ", " × one device\n", "\nnumbers ", "\nnext[0] ", "\nnext[4] "} {
			if !strings.Contains(out, want) {
				t.Errorf("there is no %q in\n%s", want, out)
			}
		}
	}
	code, out, _ := planned(t, []string{clusterFile + modelFile + "mesh: {tensor: 8, zero: 0, recompute: blocks}\n"}, "-o", "json")
	var a layout.Answer
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v in\n%s", code, err, out)
	}
	if p := a.Best.Plan; p.Tensor != 8 || p.Zero != 0 || p.Recompute != layout.RecomputeBlocks || p.Lanes() != 128 || a.Best.Time.Step <= 0 || len(a.Next) == 0 || a.Next[0].Why == "" {
		t.Errorf("got %s", out)
	}
}

// Every mistake is one line, with where it is and what would do, and exit code 2.
func TestMistakesInAClusterFile(t *testing.T) {
	for _, tt := range []struct {
		texts []string
		args  []string
		want  string
	}{
		{[]string{clusterFile}, nil, "a.yaml:1:1: model: it is missing: "},
		{[]string{clusterFile, clusterFile + modelFile}, nil, "b.yaml:1:1: cluster: it is in "},
		{[]string{clusterFile + modelFile + "mesh: {tensor: 5}\n"}, nil, "a.yaml:3:16: mesh.tensor: 5 does not divide the 96 heads of layer 0 embedding: use 3, 4, 6 or 8"},
		{[]string{strings.Replace(clusterFile, "80GB", "8GB", 1) + modelFile}, nil, "a.yaml:1:58: cluster.memory: no plan fits: "},
		{[]string{clusterFile + modelFile}, []string{"--trials", "3"}, "--trials belongs to a study: leave it out with --cluster"},
		{nil, nil, `expected "<file>", a study file, or --cluster FILE; see budwood plan --help`},
	} {
		code, out, errs := planned(t, tt.texts, tt.args...)
		line, _, _ := strings.Cut(errs, "\n")
		if code != exitUsage || out != "" || !strings.HasPrefix(line, "budwood: ") || !strings.Contains(line, tt.want) {
			t.Errorf("%v: exit code %d, %s%s\nwant %s", tt.args, code, out, errs, tt.want)
		}
	}
	code, _, errs := planned(t, nil, "--cluster", "/nowhere/cluster.yaml")
	if code != exitUsage || !strings.Contains(errs, "/nowhere/cluster.yaml: no such file or directory") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// A mistaken unit gives a long time, which is told as well.
func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{
		-1e-9: "0 µs", 2e-6: "2 µs", 0.0184: "18.4 ms", 150.09: "150 s", 1000: "16m40s", 9e9: "2500000h0m0s", 1e15: "1e+15 s", math.Inf(1): "+Inf s",
	} {
		if got := seconds(s); got != want {
			t.Errorf("%g: %s, want %s", s, got, want)
		}
	}
}
