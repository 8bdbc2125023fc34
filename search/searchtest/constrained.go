package searchtest

import (
	"context"
	"errors"
	"testing"

	"budwood/search"
)

// constraintCase is a space with conditions; points is how many satisfy them, 0
// if they are endless.
type constraintCase struct {
	space      search.Space
	conditions []string
	points     int
}

// constrained are spaces of which little is left.
func constrained() map[string]constraintCase {
	x, y := search.Float("x", 0, 1), search.Float("y", 0, 1)
	i, j := search.Int("i", 1, 20), search.Int("j", 1, 20)
	act := search.Choice("act", "relu", "tanh").When("tanh", search.LogFloat("lr", 1e-4, 1))
	return map[string]constraintCase{
		"half":     {search.Space{x, y}, []string{"x < y"}, 0},
		"corner":   {search.Space{x, y}, []string{"x + y < 0.15"}, 0},
		"line":     {search.Space{x, y}, []string{"x + y == 1"}, 0},
		"branches": {search.Space{act, i}, []string{"not (act == tanh and lr > 0.001)", "act == tanh or i > 18"}, 0},
		"finite":   {search.Space{i, j}, []string{"i * j <= 20", "i != j"}, 66 - 4},
		"one":      {search.Space{i, j, search.Choice("c", "a", "b")}, []string{"i + j == 40", "c == b"}, 1},
	}
}

// checkConstraints runs a study of 30 trials, or to the end of what the
// conditions leave.
func checkConstraints(t *testing.T, s search.Sampler, c constraintCase) {
	t.Helper()
	conditions, err := search.Constrain(c.space, c.conditions...)
	if err != nil {
		t.Fatal(err)
	}
	trials := 30
	if c.points > 0 {
		trials = c.points
	}
	seen := map[string]bool{}
	var past []search.Record
	for len(past) < trials {
		req := request(c.space, past, min(3, trials-len(past)))
		req.Constraints = conditions
		if len(past)%9 == 0 {
			checkProposal(t, s, req)
		}
		got := mustPropose(t, s, req)
		if len(got) != req.N {
			t.Fatalf("%d of %d params proposed after %d", len(got), req.N, len(past))
		}
		for _, p := range got {
			if text, broken := conditions.Broken(p); broken {
				t.Fatalf("%v breaks %s", p, text)
			}
			if c.points > 0 && seen[p.Key()] {
				t.Fatalf("%v twice", p)
			}
			seen[p.Key()] = true
			past = append(past, fate(len(past), trials, p))
		}
	}
	if c.points > 0 {
		req := request(c.space, past, 1)
		req.Constraints = conditions
		if got, err := s.Propose(context.Background(), req); len(got) > 0 || !errors.Is(err, search.ErrExhausted) {
			t.Fatalf("after all %d points: %v, %v; want ErrExhausted", c.points, got, err)
		}
	}
}

// changeCase is a space before and after a change in mid-study.
type changeCase struct{ from, to search.Space }

func changed() map[string]changeCase {
	x := search.Float("x", 0, 1)
	opt := search.Choice("opt", "adam", "sgd").When("sgd", search.Float("mom", 0, 1))
	return map[string]changeCase{
		"wider":     {search.Space{x, opt}, search.Space{search.Float("x", -1, 3), opt}},
		"narrower":  {search.Space{x, opt}, search.Space{search.Float("x", .4, .5), opt}},
		"option":    {search.Space{x, opt}, search.Space{x, search.Choice("opt", "lion", "sgd", "adam").When("sgd", search.Float("mom", 0, 1)).When("lion", search.LogFloat("beta", .1, 1))}},
		"parameter": {search.Space{x, opt}, search.Space{x, search.Choice("norm", "none", "batch").Default("none").When("batch", search.Float("eps", 0, 1)), opt, search.Int("n", 1, 9, search.Default(4))}},
		"finite":    {search.Space{search.Int("i", 1, 6)}, search.Space{search.Int("i", 1, 6), search.Choice("c", "a", "b").Default("a")}},
	}
}

// checkChange goes on in a changed space; a point of the old one, with what was
// added at its default, is not proposed again.
func checkChange(t *testing.T, s search.Sampler, c changeCase) {
	t.Helper()
	if err := c.from.Compatible(c.to); err != nil {
		t.Fatal(err)
	}
	past, _ := history(t, s, c.from, 30)
	seen := map[string]bool{}
	for _, r := range past {
		if p, ok := c.to.Adopt(r.Params); ok {
			seen[p.Key()] = true
		}
	}
	left := 20
	if size := c.to.Size(); size > 0 {
		left = size - len(past)
	}
	for i := range left {
		req := request(c.to, past, 1)
		if i%5 == 0 {
			checkProposal(t, s, req)
		}
		got := mustPropose(t, s, req)
		if len(got) != 1 {
			t.Fatalf("nothing proposed after %d trials", len(past))
		}
		if seen[got[0].Key()] {
			t.Fatalf("%v was tried before the space changed", got[0])
		}
		past = append(past, fate(len(past), 99, got[0]))
	}
}

// checkMany proposes in a space of 200 parameters of every kind.
func checkMany(t *testing.T, s search.Sampler) {
	t.Helper()
	var space search.Space
	for i := range 50 {
		name := func(kind string) string { return kind + string(rune('a'+i/26)) + string(rune('a'+i%26)) }
		space = append(space, search.Float(name("f"), -1, 1), search.Int(name("i"), 1, 9), search.LogFloat(name("l"), 1e-6, 1), search.Choice(name("c"), "a", "b", "c"))
	}
	var past []search.Record
	for id := range 30 {
		past = append(past, fate(id, 30, space.Sample(search.Rand(1, id))))
	}
	checkProposal(t, s, request(space, past, 2))
}
