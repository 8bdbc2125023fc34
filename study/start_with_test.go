package study

import (
	"encoding/json"
	"strings"
	"testing"

	"budwood/search"
)

// What start_with leaves out is drawn: by the study's seed, within the branch and
// the constraints; what was added with a default has that.
func TestStartWithIsFilled(t *testing.T) {
	complete := func(seed uint64, extra ...search.Param) *Spec {
		t.Helper()
		momentum := search.Float("momentum", 0, .99)
		space := search.Space{search.LogFloat("lr", 1e-4, 1), search.Int("layers", 1, 50), search.Choice("opt", "adam", "sgd").When("sgd", momentum)}
		s := &Spec{Name: "s", Space: append(space, extra...), Constraints: []string{"lr * layers < 0.05"}, Search: Search{Seed: seed},
			StartWith: []search.Params{{"lr": .01}, {"lr": .02, "momentum": .5}, {}}}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := complete(1)
	c, err := s.constraints()
	if err != nil {
		t.Fatal(err)
	}
	filled := func(s *Spec) []search.Params {
		t.Helper()
		list, err := s.startWith(c)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := filled(s)
	for i, p := range first {
		if q, err := s.Space.Check(p); err != nil || !c.Hold(q) {
			t.Errorf("start_with[%d]: %s: %v", i, p, err)
		}
	}
	if p := first[0]; p["lr"] != .01 {
		t.Errorf("a given value is %v", p)
	}
	if p := first[1]; p["opt"] != "sgd" || p["momentum"] != .5 {
		t.Errorf("the branch of what was given is not taken: %s", p)
	}
	for i, p := range filled(complete(1)) {
		if p.Key() != first[i].Key() {
			t.Errorf("start_with[%d]: %s and %s by the same seed", i, p, first[i])
		}
	}
	if filled(complete(2))[0].Key() == first[0].Key() {
		t.Error("another seed draws the same")
	}
	stored, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	more := complete(1, search.Float("dropout", 0, .5, search.Default(.1)))
	if p := filled(more)[0]; p["dropout"] != .1 {
		t.Errorf("a parameter that was added is %v", p["dropout"])
	}
	if err := CanContinue(stored, more); err != nil {
		t.Errorf("with a parameter added: %v", err)
	}
	// It has been tried: a space that no longer holds it goes on without it.
	without := *more
	without.StartWith = nil
	if err := CanContinue(stored, &without); err != nil {
		t.Errorf("without start_with: %v", err)
	}
	without.StartWith = more.StartWith[:1]
	if err := CanContinue(stored, &without); err == nil || !strings.Contains(err.Error(), "its start_with differs: leave it as it was, or out") {
		t.Errorf("with another start_with: %v", err)
	}
	bad := *s
	bad.StartWith = []search.Params{{"lr": .01, "layers": 6}}
	if err := bad.Complete(); err == nil || !strings.Contains(err.Error(), `start_with[0]: it breaks the constraint "lr * layers < 0.05"`) {
		t.Errorf("against a constraint: %v", err)
	}
}
