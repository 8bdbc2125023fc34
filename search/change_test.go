package search_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestChanges(t *testing.T) {
	old := search.Space{search.Float("lr", 0, 1), search.Choice("opt", "adam", "sgd").When("sgd", search.Float("mom", 0, 1))}
	lr, opt := old[0], old[1]
	for _, c := range []struct {
		to        search.Space
		what, err string
	}{
		{old, "", ""},
		{search.Space{opt, lr}, "", ""},
		{search.Space{search.Float("lr", 0, 2), opt}, "lr: the range [0, 1] became [0, 2]", ""},
		{search.Space{search.LogFloat("lr", .1, 1), opt}, "lr: it is spread evenly over the logarithm now", ""},
		{search.Space{search.Float("lr", 0, 1, search.Step(.5)), opt}, "lr: the step 0 became 0.5", ""},
		{search.Space{search.Int("lr", 0, 1), opt}, "lr: a float became a int", ""},
		{search.Space{lr, search.Choice("opt", "adam", "sgd", "lion").When("sgd", search.Float("mom", 0, 1)).When("lion", search.Float("beta", 0, 1))},
			"opt: the option lion is new", ""},
		{search.Space{lr, search.Choice("opt", "sgd").When("sgd", search.Float("mom", 0, 1))}, "opt: the option adam is gone", ""},
		{search.Space{lr, opt, search.Int("width", 1, 9, search.Default(4))}, "width: the parameter is new", ""},
		{search.Space{lr, opt, search.Int("width", 1, 9)}, "width: the parameter is new", "give it the default that was meant"},
		{search.Space{lr, search.Choice("opt", "adam", "sgd").When("sgd", search.Float("mom", 0, 1), search.Float("damp", 0, 1))},
			"damp: the parameter is new", "give it the default"},
		{search.Space{lr, opt, search.Choice("norm", "none", "batch").Default("none").When("batch", search.Float("eps", 0, 1))},
			"norm: the parameter is new", ""},
		{search.Space{lr, search.Choice("opt", "adam", "sgd")}, "mom: the parameter is gone", "a range of one value"},
		{search.Space{search.Choice("lr", 0., 1.), opt}, "lr: a float became a choice", "another name"},
		{search.Space{lr, search.Choice("opt", "adam", "sgd"), search.Float("mom", 0, 1)}, "mom: it belonged to a branch of opt and now to the top", "stays in its branch"},
	} {
		var all []string
		for _, ch := range old.Changes(c.to) {
			all = append(all, ch.String())
		}
		if got := strings.Join(all, "\n"); !strings.Contains(got, c.what) || (c.what == "") != (got == "") {
			t.Errorf("changes %q, want %q", got, c.what)
		}
		err := old.Compatible(c.to)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.what, err, c.err)
		}
	}
}

func TestAdopt(t *testing.T) {
	to := search.Space{search.Float("lr", 0, .5), search.Int("width", 1, 9, search.Default(4)),
		search.Choice("norm", "none", "batch").Default("none").When("batch", search.Float("eps", 0, 1))}
	for _, c := range []struct {
		p, want search.Params
		ok      bool
	}{
		{search.Params{"lr": .1}, search.Params{"lr": .1, "width": 4, "norm": "none"}, true},
		{search.Params{"lr": .1, "gone": 3}, search.Params{"lr": .1, "width": 4, "norm": "none"}, true},
		{search.Params{"lr": .1, "width": 2., "norm": "batch", "eps": 1.}, search.Params{"lr": .1, "width": 2, "norm": "batch", "eps": 1.}, true},
		{p: search.Params{"lr": .9}},
		{p: search.Params{"width": 3}},
		{p: search.Params{"lr": .1, "norm": "batch"}},
	} {
		got, ok := to.Adopt(c.p)
		if ok != c.ok || ok && !reflect.DeepEqual(got, c.want) {
			t.Errorf("Adopt(%v) = %v, %v; want %v, %v", c.p, got, ok, c.want, c.ok)
		}
	}
}

func TestDefaults(t *testing.T) {
	width := search.Int("width", 1, 9, search.Default(4))
	act := search.Choice("act", "relu", "tanh").Default("tanh")
	if width.In(search.Params{}) != 4 || width.In(search.Params{"width": 2}) != 2 || act.In(search.Params{}) != "tanh" {
		t.Error("a parameter that a point lacks does not have its default")
	}
	b, err := json.Marshal(search.Space{width, act})
	if err != nil {
		t.Fatal(err)
	}
	var back search.Space
	if err := json.Unmarshal(b, &back); err != nil || back[0].Dim().Default != 4 || back[1].Dim().Default != "tanh" {
		t.Errorf("%s: %v, %v", b, back, err)
	}
	for _, text := range []string{`[{"name":"x","int":[1,4],"default":9}]`, `[{"name":"x","choice":["a"],"default":"b"}]`} {
		if err := json.Unmarshal([]byte(text), &back); err == nil || !strings.Contains(err.Error(), "the default of x") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A space that only grew keeps every point.
func TestNthListsEveryPointOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := searchtest.DrawSpace(t)
		n := s.Size()
		if n == 0 || n > 2000 {
			return
		}
		seen := map[string]bool{}
		for i := range n {
			p := s.Nth(i)
			if q, err := s.Check(p); err != nil || !reflect.DeepEqual(p, q) || seen[p.Key()] {
				t.Fatalf("point %d is %v: %v", i, p, err)
			}
			seen[p.Key()] = true
		}
	})
}
