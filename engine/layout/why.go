package layout

import (
	"fmt"
	"strings"
)

// why says in a few words why a plan lost against the best: what grew most, and what
// made it.
func (c *costs) why(best, e *Estimate) string {
	x, y := best.Time, e.Time
	for _, t := range []*Time{&x, &y} { // as shares of the best's step
		for _, f := range []*float64{&t.Compute, &t.Bubble, &t.Wire, &t.Optimizer} {
			*f *= 100 / best.Time.Step
		}
	}
	type part struct {
		grew float64
		text string
	}
	most := part{y.Compute - x.Compute, fmt.Sprintf("compute %+.1f %%%s", y.Compute-x.Compute, c.slower(best.Plan, e.Plan))}
	for _, p := range []part{
		{y.Bubble - x.Bubble, fmt.Sprintf("bubble %+.1f %%: pipeline %d with %d micro-batches", y.Bubble-x.Bubble, e.Plan.Pipeline, e.Plan.MicroBatches)},
		{y.Wire - x.Wire, fmt.Sprintf("wire %+.1f %%%s", y.Wire-x.Wire, c.farther(best, e))},
		{y.Optimizer - x.Optimizer, fmt.Sprintf("optimizer %+.1f %%: a rank steps more parameters", y.Optimizer-x.Optimizer)},
	} {
		if p.grew > most.grew {
			most = p
		}
	}
	return most.text
}

// slower says what makes the products of a plan slower.
func (c *costs) slower(best, p Plan) string {
	switch {
	case p.Recompute != best.Recompute && p.Recompute != RecomputeNone:
		return ": recompute " + string(p.Recompute)
	case p.Tensor > best.Tensor && float64(p.Tensor)/float64(best.Tensor) >= c.samples(best)/c.samples(p):
		return fmt.Sprintf(": tensor %d makes products narrow", p.Tensor)
	case c.samples(p) < c.samples(best):
		return fmt.Sprintf(": micro-batches of %.0f", c.samples(p))
	case p.Pipeline > best.Pipeline:
		return fmt.Sprintf(": the largest of %d stages", p.Pipeline)
	}
	return ""
}

// farther says what makes a plan send more, or more slowly.
func (c *costs) farther(best, e *Estimate) string {
	p := e.Plan
	var parts []string
	if per := c.Cluster.PerNode; p.Tensor > per && best.Plan.Tensor <= per {
		parts = append(parts, fmt.Sprintf("tensor %d crosses nodes", p.Tensor))
	}
	grew, what := 0.0, ""
	for _, s := range []struct {
		name string
		x, y float64
	}{
		{"tensor", best.Sent.Tensor, e.Sent.Tensor}, {"gradients", best.Sent.Gradients, e.Sent.Gradients},
		{"parameters", best.Sent.Parameters, e.Sent.Parameters}, {"stages", best.Sent.Stages, e.Sent.Stages},
	} {
		if s.y-s.x > grew {
			grew, what = s.y-s.x, fmt.Sprintf("%s %s instead of %s", s.name, Bytes(s.y), Bytes(s.x))
		}
	}
	if what != "" && len(parts) == 0 {
		parts = append(parts, what)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// Bytes is an amount of memory in words: 412 MiB, 2.1 GiB.
func Bytes(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for ; n >= 1000 && i < len(units)-1; i++ {
		n /= 1024
	}
	if n < 10 && i > 0 {
		return fmt.Sprintf("%.1f %s", n, units[i])
	}
	return fmt.Sprintf("%.0f %s", n, units[i])
}
