package engine

import (
	"encoding/json"
	"math"
	"testing"
)

func TestEarlyStop(t *testing.T) {
	e := EarlyStop{Patience: 2, MinDelta: .1}
	for i, c := range []struct {
		value          float64
		improved, stop bool
	}{{1, true, false}, {.95, false, false}, {.8, true, false}, {.75, false, false}, {.9, false, true}} {
		// the state survives JSON between any two observations
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		e = EarlyStop{}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		if improved, stop := e.Observe(c.value); improved != c.improved || stop != c.stop {
			t.Errorf("observation %d of %g: improved %v, stop %v", i, c.value, improved, stop)
		}
	}
	up := EarlyStop{Maximize: true}
	if improved, _ := up.Observe(-3); !improved {
		t.Error("the first value is no improvement")
	}
	if improved, stop := up.Observe(-2); !improved || stop {
		t.Error("a larger value is no improvement")
	}
	for range 100 {
		if _, stop := up.Observe(-4); stop {
			t.Fatal("stopped without patience")
		}
	}
	if _, stop := up.Observe(math.NaN()); !stop {
		t.Error("NaN does not stop")
	}
}
