package nas_test

import (
	"context"
	"math"
	"testing"

	"budwood/nas"
	"budwood/nas/nasbench"
	"budwood/search"
)

// In a space of 28 variables samplers that learn are far ahead of chance after 100
// evaluations, and the predictor, which explores less where there is more to explore, far
// ahead of evolution.
func TestSearchesOfALargeSpace(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred searches")
	}
	t.Parallel()
	const seeds = 16
	regret := map[string]float64{}
	for seed := range uint64(seeds) {
		c, err := nasbench.NewChain(seed % 8)
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]search.Sampler{
			"random": nas.Random{Space: c.Space}, "evolution": nas.Evolution{Space: c.Space}, "local": nas.LocalSearch{Space: c.Space}, "predictor": nas.Predictor{Space: c.Space},
		} {
			r, err := c.Search(context.Background(), s, seed, 100)
			if err != nil {
				t.Fatal(err)
			}
			regret[name] += r[0] / seeds
		}
	}
	for name, most := range map[string]float64{"evolution": 2.1, "local": 1.5, "predictor": 1.35} {
		if regret[name] > most {
			t.Errorf("%s has a regret of %.2f, want at most %g (random %.2f)", name, regret[name], most, regret["random"])
		}
	}
	if regret["random"] < 2.3 {
		t.Errorf("random has a regret of %.2f: the problem is too easy", regret["random"])
	}
}

// The value of the best network is reached by no other, and by it.
func TestChainKnowsItsBest(t *testing.T) {
	c, err := nasbench.NewChain(3)
	if err != nil {
		t.Fatal(err)
	}
	least := 10.
	g := c.Space.Sample(search.Rand(1, 0))
	r := search.Rand(1, 1)
	for range 6000 { // annealing
		h, err := c.Space.Mutate(r, g)
		if err != nil {
			t.Fatal(err)
		}
		old, _ := c.Regret(g)
		regret, err := c.Regret(h)
		if err != nil {
			t.Fatal(err)
		}
		if regret < -1e-9 {
			t.Fatalf("%v is better than the best by %g", h, -regret)
		}
		if r.Float64() < math.Exp((old-regret)/.1) {
			g = h
		}
		least = min(least, regret)
	}
	if least > .3 {
		t.Errorf("annealing ends at a regret of %g", least)
	}
}
