package nas

import (
	"context"
	"testing"

	"budwood/search"
)

// Where the best have no neighbours left, local search climbs from a random network,
// though those that it leaves are better.
func TestLocalSearchClimbsAgain(t *testing.T) {
	edge := OneOf{Op{Name: "skip"}, Op{Name: "relu"}, Op{Name: "tanh"}}
	propose := func(space *Space, req search.Request) search.Params {
		out, err := LocalSearch{Space: space, First: 3}.Propose(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	fresh := func() *Space {
		space, err := New(Grammar{Root: Cell{4, edge}}, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return space
	}
	space := fresh()
	req := search.Request{Objectives: []search.Objective{{Metric: "loss"}}, N: 1, Seed: 1}
	foot, climbs := 0, 0
	for i := range 150 {
		req.First = i
		p := propose(space, req)
		if other := propose(fresh(), req); other.Key() != p.Key() {
			t.Fatalf("trial %d is %v, of a space that remembers nothing %v", i, p, other)
		}
		o, ok := OriginOf(p)
		switch {
		case !ok:
			t.Fatalf("trial %d has no origin: %v", i, p)
		case i < 3:
		case len(o.Parents) > 0 && o.Parents[0] < foot:
			t.Fatalf("trial %d comes from %d, before the climb that began with %d", i, o.Parents[0], foot)
		case len(o.Parents) == 0 && o.Avoided >= climbDraws:
			foot, climbs = i, climbs+1
		}
		req.Past = append(req.Past, search.Record{
			Trial: search.Trial{ID: i, Params: p}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": float64(i)}}}, // the older the better
		})
	}
	if climbs < 2 {
		t.Errorf("%d climbs after the first", climbs)
	}
}
