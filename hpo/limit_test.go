package hpo

import (
	"math"
	"strings"
	"testing"

	"budwood/search"
)

// rangesCase is a request after n results over a seed, or two, and a learning rate.
func rangesCase(most float64, seeds, n int) search.Request {
	space := search.Space{search.LogFloat("lr", 1e-5, 1)}
	for k := range seeds {
		space = append(space, &search.Dim{Name: "seed" + string(rune('a'+k)), Kind: search.KindInt, Hi: most})
	}
	req := search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, First: n, N: 1, Seed: 3}
	for id := range n {
		x := space.Sample(search.Rand(1, id))
		y := math.Pow(math.Log10(x["lr"].(float64))+2, 2)
		for k := range seeds {
			y += .5 * float64(x["seed"+string(rune('a'+k))].(int)) / most
		}
		req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: x}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": y}}}})
	}
	return req
}

// What a proposal costs does not depend on how many values a range has. (The climb went
// from each value to the next one.)
func TestWorkDoesNotDependOnTheRange(t *testing.T) {
	t.Parallel()
	work := func(most float64, seeds, n int) int {
		req := rangesCase(most, seeds, n)
		m := new(GP).model(req, read(req))
		a := newMaximizer(m.c, m.p, &m.tried, m.h.length)
		all := a.left
		a.left = 20_000 // enough, and an end to what has none
		if x := a.propose(req.Rand(0), m.best, usualEffort); x == nil {
			t.Errorf("%d seeds of 0 to %g: nothing proposed", seeds, most)
		}
		if all < 10_000 {
			t.Errorf("%d evaluations are few", all)
		}
		return 20_000 - a.left
	}
	for _, seeds := range []int{1, 2} {
		for _, n := range []int{10, 25} {
			some := work(100, seeds, n)
			for _, most := range []float64{1<<31 - 1, 1 << 45} {
				if got := work(most, seeds, n); got > 2*some {
					t.Errorf("%d seeds of 0 to %g after %d results: %d evaluations, of 0 to 100 %d", seeds, most, n, got, some)
				}
			}
		}
	}
}

// A proposal that came to its limit is the best of what was found, and says so.
func TestProposalsSayThatTheyCameToTheirLimit(t *testing.T) {
	t.Parallel()
	req := rangesCase(1000, 1, 12)
	m := new(GP).model(req, read(req))
	a := newMaximizer(m.c, m.p, &m.tried, m.h.length)
	a.left = 450 // the 400 that are compared, and little for climbing
	if x := a.propose(req.Rand(0), m.best, usualEffort); x == nil || !strings.Contains(a.cut(), "the work for one proposal") || a.left < -100 {
		t.Errorf("%v, %q, %d evaluations left", x, a.cut(), a.left)
	}
	a = newMaximizer(m.c, m.p, &m.tried, m.h.length)
	if a.propose(req.Rand(0), m.best, usualEffort); a.cut() != "" {
		t.Errorf("%q with %d evaluations left", a.cut(), a.left)
	}
	if n := evaluations(400, 60); n < 500 || n > 5000 {
		t.Errorf("%d evaluations of a large process", n)
	}
}
