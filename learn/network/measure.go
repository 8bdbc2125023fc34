package network

import (
	"context"
	"fmt"

	"budwood/search"
	"budwood/trials/blob"
)

// Plan is a plan whose network was trained, and is kept.
type Plan struct {
	Trial      int           `json:"trial"`
	Params     search.Params `json:"params"`
	Seed       uint64        `json:"seed"`
	Checkpoint string        `json:"checkpoint"`
}

// Measure lets each plan's network take turns with the original, and adds to m what
// [Turns] finds of it, under its trial's name: see [MeasuredOf]. The plan best is what m
// tells of already.
func (s Supervised) Measure(ctx context.Context, blobs blob.Store, plans []Plan, best int, m search.Metrics) error {
	if len(plans) == 0 || s.Plan == nil {
		return nil
	}
	original, err := s.Plan.Source(ctx, s.cpu)
	if err != nil {
		return err
	}
	for _, p := range plans {
		of := search.Metrics{}
		if plan, err := readPlan(s.all(p.Params), p.Seed); err != nil || plan.untouched() {
			continue // it is the original
		}
		if p.Trial == best {
			of = m
		} else {
			net, err := s.Trained(ctx, blobs, p.Checkpoint, p.Params, p.Seed)
			if err == nil {
				err = Turns(original, net, s.Data.Test, of)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				continue // its weights are gone: what was predicted remains
			}
		}
		for _, batch := range []int{1, costBatch} {
			us, speedup := MeasuredOf(p.Trial, batch)
			m[us], m[speedup] = of[fmt.Sprintf("plan_measured_us_%d", batch)], of[fmt.Sprintf("measured_speedup_%d", batch)]
		}
	}
	return nil
}

// MeasuredOf are the names of what is measured of a plan at so many rows at once: the
// microseconds of a row, and how many times faster it is than the original.
func MeasuredOf(trial, rows int) (us, speedup string) {
	name := search.TrialName(trial)
	return fmt.Sprintf("%s_measured_us_%d", name, rows), fmt.Sprintf("%s_measured_speedup_%d", name, rows)
}
