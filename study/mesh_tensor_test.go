package study

import (
	"context"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// The parts of layers are told by plan and belong to what a study computes; parts that
// no network of the study can be cut into are an error of plan.
func TestMeshOfParts(t *testing.T) {
	load := func(mesh string) (*Spec, *data.Data, error) {
		return Load(context.Background(), writeStudy(t, strings.Replace(goodFile, "search:", mesh+"\nsearch:", 1)), &data.Cache{}, FileOptions{})
	}
	s, d, err := load("mesh: {tensor: 2}")
	if err != nil || s.Mesh.Tensor != 2 || s.Mesh.Data != 1 {
		t.Fatalf("%+v, %v", s.Mesh, err)
	}
	if text := DescribeMesh(s); !strings.HasPrefix(text, "data 1 × micro_batches accumulate × tensor 2 on 1 threads") || !strings.Contains(text, "data, micro_batches and tensor alone") {
		t.Errorf("described as %s", text)
	}
	s.Mesh.Tensor = 100
	if _, err := DescribeMemory(context.Background(), s, d, Offer{}); err == nil || !strings.Contains(err.Error(), "mesh.tensor: ") {
		t.Errorf("100 parts: %v", err)
	}
	if _, _, err := load("mesh: {tensor: 257}"); err == nil || !strings.Contains(err.Error(), "mesh.tensor: 257 is outside [1, 256]") {
		t.Errorf("257 parts: %v", err)
	}
}

// Ranks share the parts of layers out, if there are enough of them; plan says so, what they
// send, and that it does not pay for so small a network. Ranks that could not are an error.
func TestMeshOfPartsOnRanks(t *testing.T) {
	load := func(mesh string) (map[string]string, error) {
		text := strings.Replace(goodFile, "search:", "train: {width: 256}\n"+mesh+"\nsearch:", 1)
		s, d, err := Load(context.Background(), writeStudy(t, text), &data.Cache{}, FileOptions{})
		if err != nil {
			return nil, err
		}
		lines, err := DescribeSteps(context.Background(), s, d, engine.BuiltIn())
		said := map[string]string{"mesh": DescribeMesh(s)}
		for _, l := range lines {
			said[l.Key] = l.Text
		}
		return said, err
	}
	for mesh, want := range map[string]map[string]string{
		"mesh: {data: 2, tensor: 2, ranks: 4}": {"mesh": "a multiple of 2, each has one part of the layers", "mesh.step": "1 lane on 4 ranks, each with one of 2 parts of the layers", "mesh.wire": ", tensor ", "mesh.warning": "4 ranks would take "},
		"mesh: {data: 3, tensor: 2, ranks: 3}": {"mesh.step": "1 lane on 3 ranks, 2 parts of the layers in turn", "mesh.warning": "Leave ranks out"},
		"mesh: {data: 2, tensor: 2}":           {"mesh.step": "1 lane on 1 rank, 2 parts of the layers in turn", "mesh.wire": "sends nothing", "mesh.warning": ""},
	} {
		said, err := load(mesh)
		if err != nil {
			t.Fatalf("%s: %v", mesh, err)
		}
		for key, text := range want {
			if !strings.Contains(said[key], text) || text == "" && said[key] != "" {
				t.Errorf("%s: %s: %q, want %q", mesh, key, said[key], text)
			}
		}
	}
	if _, err := load("mesh: {data: 1, pipeline: 2, threads: 2, recompute: all}"); err != nil {
		t.Errorf("stages that are computed again: %v", err)
	}
	for mesh, want := range map[string]string{
		"mesh: {data: 2, tensor: 2, ranks: 3}":    "mesh.ranks: 3 ranks do not fit data 2 and tensor 2: use 1 to 2 ranks, or 2 times as many",
		"mesh: {data: 2, tensor: 2, ranks: 2..4}": "mesh.ranks: 3 ranks do not fit",
		"mesh: {data: 2, ranks: 1..3}":            "mesh.ranks: 3 ranks are more than the 2 shards of data: use at most 2 ranks, or data 3",
		"mesh: {data: 2, recompute: all}":         "mesh.recompute: all is of the stages of a pipeline",
	} {
		if _, err := load(mesh); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", mesh, err, want)
		}
	}
}
