package nas

import (
	"encoding/json"
	"reflect"
	"testing"

	"budwood/data"
	"budwood/search"
)

func TestOriginTravelsWithTheGenome(t *testing.T) {
	var g Genome
	if err := g.UnmarshalText([]byte("[dense(4) relu]")); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Origin{{}, {Change: "lr 1→2"}, {Parents: []int{12}, Change: "dense out 64→96, + tanh", Avoided: 3}, {Parents: []int{3, 7}, Inherits: true}} {
		p := search.Params{}
		g.into(p, &o)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		p = search.Params{}
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		got, ok := OriginOf(p)
		if !ok || !reflect.DeepEqual(got, o) {
			t.Errorf("%v: %+v, want %+v", p[search.ArchitectureKey], got, o)
		}
		h, err := FromParams(p)
		if err != nil || !h.Equal(g) {
			t.Errorf("%v: %v, %v", p[search.ArchitectureKey], h, err)
		}
	}
	p := search.Params{}
	g.Into(p)
	if _, ok := OriginOf(p); ok {
		t.Errorf("%v has an origin", p)
	}
	for _, text := range []string{"relu ~t: x", "relu ~t-4 : x", "relu ~!a : "} {
		if o, ok := OriginOf(search.Params{search.ArchitectureKey: text}); ok {
			t.Errorf("%q: %+v", text, o)
		}
	}
}

// Every child names a trial before it and what changed.
func TestSamplersTellTheOrigin(t *testing.T) {
	space := bind(t, Spec{Family: "mlp"}, data.Shape{8})
	hyper := search.Space{search.LogFloat("lr", 1e-4, 1)}
	for _, s := range []search.Sampler{Evolution{Space: space, Population: 5, Sample: 3}, LocalSearch{Space: space, First: 5}, NSGA2{Space: space, Population: 5}} {
		children := 0
		for i, r := range study(t, s, space, hyper, 40, 1, thousand) {
			o, ok := OriginOf(r.Params)
			if !ok {
				t.Fatalf("%T: trial %d has no origin: %v", s, i, r.Params)
			}
			for _, p := range o.Parents {
				if p >= i {
					t.Errorf("%T: trial %d is a child of %d", s, i, p)
				}
			}
			if len(o.Parents) > 0 {
				children++
			}
		}
		if children < 20 {
			t.Errorf("%T: %d children", s, children)
		}
	}
}
