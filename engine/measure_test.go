package engine

import (
	"sync"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// What a network is said to cost before it is compiled is what its plan says,
// whoever measures at the same time and whatever was measured before.
func TestMeasureIsThePlan(t *testing.T) {
	in := data.Shape{8, 8, 2}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for _, k := range kinds {
				b, _, y := plan.New(in, 32, F32.format(), k.layer.build)
				plan.LayOut(b.Blocks)
				out, cost, err := Measure(k.layer, in)
				if err != nil || !out.Equal(y.Shape) || cost != Cost(b.Cost()) {
					t.Errorf("%s: %v, %+v measured, %v, %+v planned: %v", k.name, out, cost, y.Shape, b.Cost(), err)
				}
				c, m, err := MeasureMemory(k.layer, in, Config{}, TrainConfig{})
				config := Config{}.defaults()
				if want := memoryOf(b, in, y.Shape, &config, &TrainConfig{}, (&TrainConfig{}).units(b), nil, nil); err != nil || c != cost || m != want {
					t.Errorf("%s: %+v, %+v measured, %+v planned: %v", k.name, c, m, want, err)
				}
			}
		})
	}
	wg.Wait()
}
