package study

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	clusterText = "cluster: {nodes: 2, per_node: 8, flops: 312e12, memory: 80GB, memory_bandwidth: 2.0e12, inside: 300e9, between: 25e9}\n"
	modelText   = "model: {gpt: {layers: 24, hidden: 2048, heads: 16, vocab: 51200, seq: 2048}, batch: 512, precision: bf16}\n"
)

// written are files of these texts.
func texts(t testing.TB, texts ...string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		path := filepath.Join(dir, string(rune('a'+i))+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestClusterInOneFileOrTwo(t *testing.T) {
	one := texts(t, clusterText+modelText+"mesh: {tensor: 2, zero: 0}\n")
	two := texts(t, clusterText, modelText+"mesh: {tensor: 2, zero: 0}\n")
	for _, paths := range [][]string{{one[0], ""}, {two[0], two[1]}} {
		f, err := LoadCluster(paths[0], paths[1])
		if err != nil {
			t.Fatal(err)
		}
		if c := f.Problem.Cluster; c.Devices() != 16 || c.Memory != 80e9 || c.Between != 25e9 {
			t.Errorf("got the cluster %+v", c)
		}
		a, err := f.Search()
		if err != nil {
			t.Fatal(err)
		}
		if p := a.Best.Plan; p.Tensor != 2 || p.Zero != 0 || p.Lanes() != 16 {
			t.Errorf("got the plan %s", p)
		}
	}
	layers := texts(t, clusterText+"model: {batch: 512, layers: [{name: a, macs: 1e9, width: 64, params: 1e6, kept: 1000, input: 100}, {macs: 2e9, width: 64, params: 1e6, kept: 1000, input: 100}]}\n")
	f, err := LoadCluster(layers[0], "")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := f.Search(); err != nil || a.Best.Plan.Tensor != 1 {
		t.Errorf("a list of layers: %v, %v", a, err)
	}
}

// Every mistake is one line with its place.
func TestMistakesInClusters(t *testing.T) {
	for _, tt := range []struct{ text, model, want string }{
		{"", "", "a file of a cluster holds one YAML document with the keys cluster, model and mesh"},
		{modelText, "", "a.yaml:1:1: cluster: it is missing: write cluster: {nodes: 16"},
		{clusterText, "", "a.yaml:1:1: model: it is missing: write model: {gpt: {"},
		{clusterText + modelText, modelText, "b.yaml:1:1: model: it is in "},
		{strings.Replace(clusterText, "nodes", "node", 1) + modelText, "", `a.yaml:1:11: unknown key "node" (did you mean "nodes"?); there are `},
		{strings.Replace(clusterText, "nodes: 2", "nodes: 0", 1) + modelText, "", "a.yaml:1:18: cluster.nodes: it must be more than 0: machines"},
		{strings.Replace(clusterText, "80GB", "80 apples", 1) + modelText, "", `"80 apples" is not an amount of memory like 512MiB or 2GB`},
		{strings.Replace(clusterText, "80GB", "1GB", 1) + modelText, "", "cluster.memory: no plan fits: the smallest, data 1 × tensor 16 × pipeline 1, zero 0, micro-batches 512, recompute blocks, takes 1.6 GiB of the 858 MiB"},
		{clusterText, strings.Replace(modelText, "16", "15", 1), "b.yaml:1:48: model.gpt.heads: 15 does not divide hidden 2048: use 8 or 16"},
		{clusterText, strings.Replace(modelText, "512,", "-1,", 1), "b.yaml:1:85: model.batch: -1: a step has at least 1 sample"},
		{clusterText, strings.Replace(modelText, "bf16", "bf8", 1), `model.precision: "bf8": there are f32, bf16, fp16 and fp8`},
		{clusterText, "model: {batch: 4}\n", "model: it needs either gpt: or layers:"},
		{clusterText + "mesh: {tensor: 3}\n", modelText, "a.yaml:2:16: mesh.tensor: 3 does not divide the 16 heads of layer 0 embedding: use 1, 2, 4 or 8"},
		{clusterText, modelText + "mesh: {zero: 4}\n", "b.yaml:2:14: mesh.zero: 4: there are 0, 1, 2 and 3"},
		{clusterText, modelText + "mesh: {data: 3}\n", "mesh.data: "},
		{clusterText + modelText + "mesh: {tensor: 0}\n", "", "a.yaml:3:16: mesh.tensor: 0: use a whole number of at least 1, or leave the key out"},
		{clusterText, modelText + "mesh: {micro_batches: 0}\n", "b.yaml:2:23: mesh.micro_batches: 0: use a whole number of at least 1"},
		{clusterText + modelText + "mesh: {pipeline: -2}\n", "", "a.yaml:3:18: mesh.pipeline: -2: use a whole number from 1 to "},
		{clusterText + modelText + "mesh: {}\n", "", "a.yaml:3:1: mesh: it says nothing"},
		{strings.Replace(clusterText, "25e9", "25e9, threads: 0", 1) + modelText, "", "cluster.threads: 0: use a whole number of at least 1"},
		{strings.Replace(clusterText, "312e12", ".nan", 1) + modelText, "", `a.yaml:1:41: ".nan" has no meaning here: expected a number`},
	} {
		paths := append(texts(t, tt.text, tt.model), "")
		if tt.model == "" {
			paths[1] = ""
		}
		f, err := LoadCluster(paths[0], paths[1])
		if err == nil {
			_, err = f.Search()
		}
		var file *FileError
		if !errors.As(err, &file) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s%s%v\nwant %s", tt.text, tt.model, err, tt.want)
		}
	}
}

// Whatever is in a file, it is planned or one line says what is wrong.
func FuzzCluster(f *testing.F) {
	f.Add([]byte(clusterText + modelText))
	f.Add([]byte(clusterText + modelText + "mesh: {data: 2, tensor: 2, pipeline: 4, chunks: 3, zero: 3, micro_batches: 8, recompute: all}\n"))
	f.Add([]byte(clusterText + "model: {batch: 8, state: {weights: 4, gradients: 4, optimizer: 8}, layers: [{macs: 1e9, width: 64, kept: 1e3, heads: 4}, {macs: .5, joined: true}]}\n"))
	f.Add([]byte("cluster: {nodes: 1e9, per_node: 0.5, flops: -1, memory: 1TiB}\nmodel: {gpt: {heads: 0}}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		_, keys, err := parseCluster(src)
		if err != nil {
			return
		}
		file := &ClusterFile{}
		if file.fill(keys) != nil {
			return
		}
		p := &file.Problem
		if p.Cluster.Devices() > 256 || p.Model.Batch > 1<<12 || len(p.Model.Layers) > 100 {
			return // it would take long
		}
		a, err := p.Search()
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q", err)
			}
			return
		}
		if a.Best.Plan.Lanes() != p.Cluster.Devices() || !(a.Best.Time.Step >= 0) {
			t.Fatalf("the plan %s takes %v", a.Best.Plan, a.Best.Time)
		}
	})
}

// A file of a cluster that is taken for a study says how it is planned.
func TestClusterIsNoStudy(t *testing.T) {
	for _, path := range texts(t, clusterText+modelText, modelText) {
		_, _, err := Load(t.Context(), path, nil, FileOptions{})
		if err == nil || !strings.Contains(err.Error(), "planned with budwood plan --cluster") {
			t.Errorf("got %v", err)
		}
	}
}
