package study

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"budwood/data"
	"budwood/search"
)

// A mesh in a study file reaches the built-in objective and the trials, asks for its
// processors, and is told by plan. Where a step is computed may change when the
// study goes on; into what it is cut may not.
func TestMeshOfAStudy(t *testing.T) {
	load := func(mesh string) (*Spec, *data.Data) {
		s, d, err := Load(context.Background(), writeStudy(t, strings.Replace(goodFile, "search:", mesh+"\nsearch:", 1)), &data.Cache{}, FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s, d
	}
	s, d := load("mesh: {threads: 2}")
	if s.Mesh.Data != 2 || s.Mesh.Threads != 2 || s.Resources.CPU != 2 || s.Resources.Class() != "cpu=2" {
		t.Errorf("%+v, %+v", s.Mesh, s.Resources)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Spec
	if err := json.Unmarshal(b, &back); err != nil || back.Mesh.Threads != 2 || back.Complete() != nil {
		t.Errorf("as JSON %s: %v", b, err)
	}
	built, err := s.Model().Supervised(d)
	if err != nil || built.Mesh.Threads != 2 {
		t.Errorf("the objective has %+v, %v", built.Mesh, err)
	}
	if task := s.Task(search.Segment{}, search.Trial{}); task.Mesh.Threads != 2 {
		t.Errorf("a trial has %+v", task.Mesh)
	}
	if text := DescribeMesh(s); !strings.HasPrefix(text, "data 2 × micro_batches accumulate on 2 threads") {
		t.Errorf("described as %s", text)
	}
	for mesh, same := range map[string]bool{"mesh: {data: 2}": true, "mesh: {data: 2, recompute: blocks}": true, "mesh: {threads: 4}": false, "": false} {
		other, _ := load(mesh)
		other.Data = s.Data
		if err := CanContinue(b, other); (err == nil) != same {
			t.Errorf("%q goes on after mesh: {threads: 2}: %v", mesh, err)
		}
	}
}
