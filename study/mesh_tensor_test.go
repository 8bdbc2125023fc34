package study

import (
	"context"
	"strings"
	"testing"

	"budwood/data"
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
