package nas

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"budwood/data"
	"budwood/search"
)

// Whatever reads as the architecture block of a study file gives networks that
// can be built, changed and written, or is refused.
func FuzzSpec(f *testing.F) {
	for _, s := range []string{
		`{"family": "mlp", "depth": [1, 4], "width": [16, 256], "ops": ["relu", "gelu"], "limits": {"params": 200000}}`,
		`{"family": "cnn", "stages": [1, 2], "channels": [8, 16], "kernels": [3, 5], "ops": ["conv", "depthwise", "residual", "fpn"]}`,
		`{"family": "sequence", "vocab": 9, "heads": [1, 2]}`, `{"family": "cell"}`, `{"family": "tabular", "dropout": [0, 0.5]}`,
		`{"grammar": [{"repeat": [1, 3], "of": {"ref": "layer"}}], "define": {"layer": [{"op": "dense", "out": {"int": [16, 128], "log": true}}, {"oneof": ["relu", "tanh"]}]}}`,
		`{"grammar": {"add": ["skip", {"concat": ["relu", {"op": "conv", "out": {"choice": [1, 8]}, "stride": 2}]}]}}`,
		`{"grammar": {"cell": 4, "edge": {"oneof": ["none", "skip", {"op": "conv", "kernel": [1, 3]}]}}, "limits": {"joules": 1e-9}}`,
		`{"grammar": {"ref": "a"}, "define": {"a": [{"ref": "a"}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var spec Spec
		if json.Unmarshal(text, &spec) != nil {
			return
		}
		g, err := spec.grammar()
		if err != nil {
			return
		}
		s, err := spec.Space()
		if err != nil {
			return
		}
		out, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var back Grammar
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%s became %s: %v", text, out, err)
		}
		if again, err := json.Marshal(back); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%s became %s: %v", out, again, err)
		}
		for _, in := range []data.Shape{{5}, {6, 3}, {8, 8, 2}} {
			b, err := s.For(in, 3)
			if err != nil {
				continue
			}
			r := search.Rand(1, 0)
			one := b.Sample(r)
			two, err := b.Mutate(r, one)
			if err != nil {
				t.Fatal(err)
			}
			child, err := b.Cross(r, one, two)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range []Genome{one, two, child, b.Smallest()} {
				if _, _, err := b.Build(g); err != nil {
					t.Fatalf("%s for %v: %v: %v", text, in, g, err)
				}
				same := Genome{}
				written, _ := g.MarshalText()
				if err := same.UnmarshalText(written); err != nil || !same.Equal(g) {
					t.Fatalf("%s became %v: %v", written, same, err)
				}
			}
		}
	})
}

// What params say of a network, its hash and where it comes from is read without
// harm, whoever wrote it.
func FuzzParams(f *testing.F) {
	p := search.Params{}
	g := Genome{}
	if err := g.UnmarshalText([]byte("[conv(8) (skip + relu) dense(3)]")); err != nil {
		f.Fatal(err)
	}
	g.into(p, &Origin{Parents: []int{12, 7}, Change: "dense out 64→96", Avoided: 3, Inherits: true})
	f.Add(p[search.ArchitectureKey].(string))
	for _, s := range []string{"relu", "relu ~", "relu ~t1 t-2 !x: : #0123456789abcdef", " ~: #", "#", "relu #zzzzzzzzzzzzzzzz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := search.Params{search.ArchitectureKey: text}
		_ = Key(p)
		_ = new(Space).literal().markOf(p)
		o, ok := OriginOf(p)
		g, err := FromParams(p)
		if err != nil || !ok {
			return
		}
		again := search.Params{}
		g.into(again, &o)
		if back, ok := OriginOf(again); !ok || !slices.Equal(back.Parents, o.Parents) || back.Avoided != o.Avoided || back.Change != o.Change || back.Inherits != o.Inherits {
			t.Fatalf("%q: %+v became %+v", text, o, back)
		}
		if back, err := FromParams(again); err != nil || !back.Equal(g) {
			t.Fatalf("%q: %v became %v: %v", text, g, back, err)
		}
	})
}
