package calibrate

import (
	"context"
	"math"
	"time"

	"budwood/data"
	"budwood/engine"
)

// together measures what two lanes lose that compute at once: by the steps of a large
// and of a small network, t₂ = t₁/2·(1 + crowd/2) + meet. These times are on the wall:
// of many steps, the fastest counts.
func together(ctx context.Context, m *engine.Machine) error {
	if m.Cores < 2 {
		return nil
	}
	var one, two [2]float64
	for i, which := range [...]int{large, wide} {
		var err error
		if one[i], two[i], err = beside(ctx, &references[which], [...]int{40, 200}[i]); err != nil {
			return err
		}
	}
	m.Busy = two[0] > busy*one[0] // they have not been free at the same time
	if m.Busy {
		m.Crowd, m.Meet = engine.BuiltIn().Crowd, engine.BuiltIn().Meet
		return nil
	}
	lost := func(i int) float64 { return two[i] - one[i]/2 }
	m.Crowd = min(max((lost(0)-lost(1))/((one[0]-one[1])/4), 0), mostCrowd)
	m.Meet = min(max(lost(1)-m.Crowd*one[1]/4, 0), mostMeet)
	return nil
}

const (
	busy      = .75    // of the time of one lane that two take at most if both processors are theirs
	mostCrowd = .5     // where the cores of a machine share a memory that is too slow for both
	mostMeet  = 200e-6 // beyond it is what other programs take
)

// The references by which lanes and half the precision are measured.
const wide, large = 1, 4

// beside is the seconds of a step in two shards: one after the other, and at once.
func beside(ctx context.Context, r *reference, steps int) (one, two float64, err error) {
	set := r.samples(1)
	least := [2]float64{math.Inf(1), math.Inf(1)}
	var trainers [2]*engine.Trainer
	for i, mesh := range []engine.Mesh{{Data: 2}, engine.Threads(2)} {
		if trainers[i], err = r.train(engine.F32, mesh); err != nil {
			return 0, 0, err
		}
	}
	for range steps {
		for i, t := range trainers {
			if ctx.Err() != nil {
				return 0, 0, context.Cause(ctx)
			}
			took, err := epoch(t, set)
			if err != nil {
				return 0, 0, err
			}
			least[i] = min(least[i], took)
		}
	}
	return least[0], least[1], nil
}

func epoch(t *engine.Trainer, s *data.Set) (seconds float64, err error) {
	began := time.Now()
	_, err = t.Epoch(s)
	return time.Since(began).Seconds(), err
}
