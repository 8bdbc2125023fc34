package search_test

import (
	"encoding/json"
	"testing"

	"budwood/search"
)

func TestKeyTellsPointsApart(t *testing.T) {
	points := []search.Params{
		{},
		{"x": 3},
		{"x": "3"},
		{"x": true},
		{"x": "true"},
		{"x": "3;y=4"},
		{"x": 3, "y": 4},
		{"x": .1},
		{"x": .1 + 1e-17*16},
	}
	seen := map[string]search.Params{}
	for _, p := range points {
		if q, dup := seen[p.Key()]; dup {
			t.Errorf("%v and %v have the same key %q", p, q, p.Key())
		}
		seen[p.Key()] = p
	}
	if a, b := (search.Params{"x": 3}).Key(), (search.Params{"x": 3.}).Key(); a != b {
		t.Errorf("int 3 and float 3 differ: %q, %q", a, b)
	}
}

func TestTypedKeysReadJSONNumbers(t *testing.T) {
	lr := search.LogFloat("lr", 1e-4, 1)
	width := search.Int("width", 16, 256, search.Log)
	act := search.Choice("act", "relu", "tanh")
	kernel := search.Ordinal("kernel", 3, 5)
	var p search.Params
	if err := json.Unmarshal([]byte(`{"lr":1,"width":64,"act":"tanh","kernel":5}`), &p); err != nil {
		t.Fatal(err)
	}
	if lr.In(p) != 1 || width.In(p) != 64 || act.In(p) != "tanh" || kernel.In(p) != 5 {
		t.Errorf("read %v %v %v %v", lr.In(p), width.In(p), act.In(p), kernel.In(p))
	}
	none := search.Params{}
	if lr.In(none) != 0 || width.In(none) != 0 || act.In(none) != "" || kernel.In(none) != 0 {
		t.Error("a parameter that does not exist must read as zero")
	}
}

func TestParamsString(t *testing.T) {
	p := search.Params{"width": 64, "lr": .012345678, "act": "relu"}
	if got, want := p.String(), "act=relu lr=0.01235 width=64"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
