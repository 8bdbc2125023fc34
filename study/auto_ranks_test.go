package study

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// mesh: auto with a range of ranks is chosen when the file is read: what it comes to is in
// the study, is the same wherever it is read, and is told with its reason. What no candidate
// can be trained with is not chosen.
func TestAutoMeshOfRanks(t *testing.T) {
	load := func(text string) (*Spec, *data.Data, error) {
		return Load(context.Background(), writeStudy(t, strings.Replace(goodFile, "search:", text+"\nsearch:", 1)), &data.Cache{}, FileOptions{})
	}
	for _, c := range []struct {
		text  string
		check func(m *engine.Mesh, cpu int) bool
		said  string
	}{
		{"mesh: {auto: true, ranks: 1..4, threads: 1}", func(m *engine.Mesh, _ int) bool { return m.Ranks == engine.Ranks{} && m.Data == 1 && m.Threads == 1 }, "; one lane, for more lanes would save less"},
		{"mesh: {auto: true, ranks: 2..4, threads: 1}", func(m *engine.Mesh, _ int) bool { return m.Ranks.Min == 2 && m.Data >= 2 && m.Threads == 1 }, " ranks of one thread: predicted "},
		{"mesh: {auto: true, ranks: 2, threads: 3}\nresources: {mem: 1GiB}", func(m *engine.Mesh, cpu int) bool {
			return m.Ranks == engine.Ranks{Min: 2, Max: 2} && m.Tensor < 2 && cpu == 1
		}, "on 2 ranks of one thread"},
		{"mesh: {auto: true, ranks: 2..3, data: 6, zero: 1}", func(m *engine.Mesh, _ int) bool { return m.Data == 6 && m.Zero == 1 }, "data 6 × "},
	} {
		s, d, err := load(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if s.Mesh.Auto || s.Mesh.World != nil || s.Mesh.Data == 0 || !c.check(&s.Mesh, max(s.Resources.CPU, 1)) {
			t.Errorf("%s: %+v, %+v", c.text, s.Mesh, s.Resources)
		}
		if text := MeshChoice(s); !strings.Contains(text, c.said) || strings.Contains(text, "\n") {
			t.Errorf("%s: chosen %s", c.text, text)
		}
		lines, err := DescribeSteps(context.Background(), s, d, engine.BuiltIn())
		if err != nil || len(lines) < 2 || lines[0].Key != "mesh.chosen" {
			t.Errorf("%s: plan says %v, %v", c.text, lines, err)
		}
		stored, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := load(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if again.Data = s.Data; CanContinue(stored, again) != nil {
			t.Errorf("%s: read again: %v", c.text, CanContinue(stored, again))
		}
		var back Spec
		if err := json.Unmarshal(stored, &back); err != nil || back.Complete() != nil || back.Mesh.Data != s.Mesh.Data || back.Mesh.Ranks != s.Mesh.Ranks {
			t.Errorf("%s: as JSON %s: %v", c.text, stored, err)
		}
	}
	for text, want := range map[string]string{
		"mesh: {auto: true, ranks: 2, pipeline: 2}":                           "mesh.pipeline: auto chooses the stages, too",
		"mesh: {auto: true, ranks: 2, tensor: 2}":                             "mesh: auto finds no mesh for all candidates of the space, the first one that was tried says: footprint: mesh.tensor: ",
		"mesh: {auto: true, ranks: 2..3, threads: 1}\nresources: {mem: 1KiB}": "mesh: auto finds no mesh for all candidates of the space",
	} {
		if _, _, err := load(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	// The longest candidate would have three ranks, with which all together take longer.
	s, _, err := Load(context.Background(), "../examples/digits/study.yaml", &data.Cache{}, FileOptions{Override: func(s *Spec) {
		s.Mesh = engine.Mesh{Auto: true, Ranks: engine.Ranks{Min: 1, Max: 4}, Threads: 1}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "; one lane, for data 3 × micro_batches 1, zero 3 on 3 ranks of one thread would save less than 5 % of the time of all of them"; s.Mesh.Ranks.Several() || s.Mesh.Data != 1 || !strings.Contains(MeshChoice(s), want) {
		t.Errorf("%+v, chosen %s", s.Mesh, MeshChoice(s))
	}
}
