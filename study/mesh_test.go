package study

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
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

// mesh: auto takes as many lanes as there are for a trial where the study starts, and
// keeps that number; plan says what is chosen and what its steps take.
func TestAutoMeshOfAStudy(t *testing.T) {
	load := func(mesh, search string) (*Spec, *data.Data) {
		text := strings.Replace(goodFile, "search:", mesh+"\nsearch:", 1)
		s, d, err := Load(context.Background(), writeStudy(t, strings.Replace(text, "search:", search, 1)), &data.Cache{}, FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s, d
	}
	s, d := load("mesh: auto\nresources: {cpu: 3}", "search:")
	if m := s.Mesh; !m.Auto || m.Threads != 3 || m.Data != 0 || s.Resources.CPU != 3 {
		t.Errorf("%+v, %+v", s.Mesh, s.Resources)
	}
	if text := DescribeMesh(s); text != "auto, on at most 3 lanes" {
		t.Errorf("described as %s", text)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Spec
	if err := json.Unmarshal(b, &back); err != nil || back.Complete() != nil || back.Mesh.Threads != 3 || !back.Mesh.Auto {
		t.Errorf("as JSON %s: %v", b, err)
	}
	for mesh, same := range map[string]bool{"mesh: {auto: true, threads: 2}": true, "mesh: {threads: 3}": false, "": false} {
		other, _ := load(mesh, "search:")
		other.Data = s.Data
		if err := CanContinue(b, other); (err == nil) != same {
			t.Errorf("%q goes on after mesh: auto: %v", mesh, err)
		}
	}
	lines, err := DescribeSteps(context.Background(), s, d, engine.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, l := range lines {
		said[l.Key] = l.Text
	}
	for key, want := range map[string]string{"mesh.chosen": "on one thread for ", "mesh.why": "one lane, for a step has ", "mesh.step": "1 lane on 1 rank", "mesh.memory": "a rank ", "mesh.wire": "sends nothing",
		"mesh.time": "step ", "mesh.epoch": "budwood doctor --calibrate"} {
		if !strings.Contains(said[key], want) {
			t.Errorf("%s: %q, want %q", key, said[key], want)
		}
	}
	s, d = load("mesh: {data: 2}", "search:")
	if lines, err = DescribeSteps(context.Background(), s, d, engine.BuiltIn()); err != nil || len(lines) == 0 || lines[0].Key != "mesh.step" || !strings.HasPrefix(lines[0].Text, "data 2 × ") {
		t.Errorf("of a mesh that is written: %v, %v", lines, err)
	}
	s, d = load("", "search:")
	if lines, err = DescribeSteps(context.Background(), s, d, engine.BuiltIn()); err != nil || lines != nil {
		t.Errorf("without a mesh: %v, %v", lines, err)
	}
}

// Plan warns where batch norm has few values of a channel in a micro-batch, and only there.
func TestPlanWarnsOfPoorBatchNorm(t *testing.T) {
	for file, warns := range map[string]bool{
		"mesh: {data: 4}\ntrain: {norm: batch, batch: 16}\nsearch:": true, // 4 values
		"mesh: {data: 1}\ntrain: {norm: batch, batch: 16}\nsearch:": false,
		"mesh: {data: 4}\ntrain: {batch: 16}\nsearch:":              false,
	} {
		s, d, err := Load(context.Background(), writeStudy(t, strings.Replace(goodFile, "search:", file, 1)), &data.Cache{}, FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		lines, err := DescribeSteps(context.Background(), s, d, engine.BuiltIn())
		if err != nil {
			t.Fatal(err)
		}
		last := lines[len(lines)-1]
		if got := last.Key == "mesh.warning" && strings.HasPrefix(last.Text, "a batch norm sees 4 values of a channel"); got != warns {
			t.Errorf("%q: %+v", file, last)
		}
	}
}
