package nas

import (
	"testing"

	"pgregory.net/rapid"

	"budwood/engine"
	"budwood/search"
)

// The cost model says of any network of any space what the compiled one has.
func TestCostIsThatOfTheNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := *drawFamily(t)
		s.limits.Memory, s.limits.Inference = 1<<40, 1<<40
		net, n, err := s.measured(s.Sample(search.Rand(rapid.Uint64().Draw(t, "seed"), 0)))
		if err != nil {
			t.Fatal(err)
		}
		c, err := engine.Compile(net, s.in, engine.Config{Batch: batch})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := engine.NewTrainer(c, engine.TrainConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(c.Params())) != n.cost.Params || tr.Memory() != n.memory {
			t.Fatalf("%v: %+v said; it has %d parameters and %+v", net, n, len(c.Params()), tr.Memory())
		}
	})
}
