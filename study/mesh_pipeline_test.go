package study

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// Stages of a study file reach the trials; the number of micro-batches that follows from
// them is written down, and then another number of stages may go on. Plan tells the stages.
func TestMeshOfStages(t *testing.T) {
	load := func(mesh string) (*Spec, *data.Data, error) {
		return Load(context.Background(), writeStudy(t, strings.Replace(goodFile, "search:", mesh+"\nsearch:", 1)), &data.Cache{}, FileOptions{})
	}
	s, _, err := load("mesh: {pipeline: 2, threads: 2}")
	if err != nil {
		t.Fatal(err)
	}
	if m := s.Mesh; m.Pipeline != 2 || m.Data != 1 || m.MicroBatches != 8 || s.Resources.CPU != 2 {
		t.Errorf("%+v, %+v", s.Mesh, s.Resources)
	}
	if text := DescribeMesh(s); !strings.HasPrefix(text, "data 1 × micro_batches 8 × pipeline 2 on 2 threads") || !strings.Contains(text, "the numbers depend on data and micro_batches alone") {
		t.Errorf("described as %s", text)
	}
	stored, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for mesh, same := range map[string]bool{
		"mesh: {micro_batches: 8}": true, "mesh: {pipeline: 2, ranks: 2}": true, "mesh: {micro_batches: 8, pipeline: 3}": true, "mesh: {pipeline: 3}": false, "": false,
	} {
		other, _, err := load(mesh)
		if err != nil {
			t.Fatal(err)
		}
		other.Data = s.Data
		if err := CanContinue(stored, other); (err == nil) != same {
			t.Errorf("%q goes on after 2 stages: %v", mesh, err)
		}
	}
	for mesh, want := range map[string]string{
		"mesh: {pipeline: 300}":                       "mesh.pipeline: 300 is outside [1, 256]",
		"mesh: {pipeline: 2, threads: 3}":             "3 threads cannot share 2 stages out: use 1 thread or a multiple of 2",
		"mesh: {pipeline: 2, auto: true}":             "mesh.pipeline: auto chooses no pipeline",
		"mesh: {pipeline: 2, ranks: 2, zero: 3}":      "mesh.zero: 3 shares out",
		"mesh: {pipeline: 2, ranks: 2..4, data: 2}":   "3 ranks do not fit data 2 and pipeline 2: use 1 to 2 ranks, or 2 times as many",
		"mesh: {pipeline: 2, micro_batches: 1000000}": "mesh.micro_batches: 1000000 is outside",
	} {
		if _, _, err := load(mesh); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", mesh, err, want)
		}
	}
	s, d, err := load("mesh: {pipeline: 2, ranks: 2}")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := DescribeSteps(context.Background(), s, d, engine.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, l := range lines {
		said[l.Key] = l.Text
	}
	for key, want := range map[string]string{"mesh.stages": "micro-batches under way; 1 from ", "mesh.wire": ", stages ", "mesh.step": "1 lane on 2 ranks", "mesh.time": "bubble "} {
		if !strings.Contains(said[key], want) {
			t.Errorf("%s: %q, want %q", key, said[key], want)
		}
	}
	s.Mesh.Pipeline = 50
	if _, err := DescribeMemory(context.Background(), s, d, Offer{}); err == nil || !strings.Contains(err.Error(), "mesh.pipeline: ") {
		t.Errorf("50 stages: %v", err)
	}
}
