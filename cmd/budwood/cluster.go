package main

import (
	"fmt"
	"math"
	"time"

	"budwood/engine/layout"
	"budwood/study"
)

// cluster plans the mesh of a cluster that one may not have.
func (c *planCmd) cluster(a *app) error {
	for flag, given := range map[string]bool{"name": c.Name != nil, "trials": c.Trials != nil, "epochs": c.Epochs != nil, "time": c.Time != nil,
		"energy-wh": c.EnergyWh != nil, "parallel": c.Parallel != nil, "seed": c.Seed != nil, "allow-outside": c.AllowOutside} {
		if given {
			return usageError{fmt.Errorf("--%s belongs to a study: leave it out with --cluster", flag)}
		}
	}
	f, err := study.LoadCluster(c.Cluster, c.File)
	if err != nil {
		return err
	}
	answer, err := f.Search()
	if err != nil {
		return err
	}
	t, err := meshTable(&f.Problem, answer)
	if err != nil {
		return err
	}
	return c.write(a.stdout, t, answer)
}

// meshTable shows an answer.
func meshTable(p *layout.Problem, answer *layout.Answer) (table, error) {
	t := table{head: []string{"SETTING", "VALUE"}}
	add := func(k, format string, args ...any) { t.add(k, fmt.Sprintf(format, args...)) }
	e := answer.Best
	samples := int(math.Ceil(float64(p.Model.Batch) / float64(e.Plan.Data*e.Plan.MicroBatches)))
	alone, err := onOne(p, e, samples)
	if err != nil {
		return t, err
	}
	on := plural(e.Plan.Ranks(), "rank")
	if e.Plan.Threads > 1 {
		on += fmt.Sprintf(" of %d threads", e.Plan.Threads)
	}
	add("mesh", "data %d × tensor %d × pipeline %d = %s on %s; %d micro-batches of %s a shard (batch %d)", e.Plan.Data, e.Plan.Tensor, e.Plan.Pipeline,
		plural(e.Plan.Lanes(), "lane"), on, e.Plan.MicroBatches, plural(samples, "sample"), p.Model.Batch)
	if e.Plan.Chunks > 1 {
		add("chunks", "%d pieces of the network a stage, interleaved", e.Plan.Chunks)
	}
	add("zero", "%d", e.Plan.Zero)
	add("recompute", "%s", e.Plan.Recompute)
	m := e.Memory()
	add("memory", "the largest rank %s of its %s: parameters %s, gradients %s, optimizer %s, activations %s, wire %s", layout.Bytes(m.Total()), layout.Bytes(p.Cluster.Memory*float64(e.Plan.Threads)),
		layout.Bytes(m.Parameters), layout.Bytes(m.Gradients), layout.Bytes(m.Optimizer), layout.Bytes(m.Activations), layout.Bytes(m.Wire))
	others := fmt.Sprintf("one device alone would need %s", layout.Bytes(alone.Memory().Total()))
	for zero := range 4 {
		if zero == e.Plan.Zero || e.Plan.Data == e.Plan.Threads {
			continue
		}
		plan := e.Plan
		plan.Zero = zero
		o, err := p.Price(plan)
		if err != nil {
			return t, err
		}
		others += fmt.Sprintf(", zero %d %s", zero, layout.Bytes(o.Memory().Total()))
	}
	add("memory.else", "%s", others)
	s := e.Sent
	add("wire", "a rank sends %s a step: gradients %s, parameters %s, tensor %s, stages %s", layout.Bytes(s.Total()), layout.Bytes(s.Gradients), layout.Bytes(s.Parameters), layout.Bytes(s.Tensor), layout.Bytes(s.Stages))
	d := e.Time
	add("time", "step %s: compute %s, bubble %s (%.1f %%), wire not hidden %s, optimizer %s, slowest machine %s; %.3g × one device", seconds(d.Step), seconds(d.Compute), seconds(d.Bubble),
		100*d.Bubble/d.Step, seconds(d.Wire), seconds(d.Optimizer), seconds(d.Spread), alone.Time.Step/d.Step)
	add("numbers", "data, tensor and micro_batches decide them; another pipeline, recompute or number of ranks does not, in what Budwood trains itself")
	for i, n := range answer.Next {
		add(fmt.Sprintf("next[%d]", i), "%+.1f %%: %s: %s", 100*n.Slower, n.Plan, n.Why)
	}
	if n := answer.Larger; n != nil {
		add("larger", "%+.1f %%: %s: %s", 100*n.Slower, n.Plan, n.Why)
	}
	add("searched", "%s, of which %d fit", plural(answer.Plans, "plan"), answer.Fit)
	return t, nil
}

// onOne is a step on one device of the cluster that has memory enough.
func onOne(p *layout.Problem, e *layout.Estimate, samples int) (*layout.Estimate, error) {
	one := *p
	one.Cluster.Nodes, one.Cluster.PerNode, one.Cluster.Threads = 1, 1, 1
	return one.Price(layout.Plan{MicroBatches: p.Model.Batch / samples, Recompute: e.Plan.Recompute})
}

// seconds is a time with three digits.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case s >= math.MaxInt64/float64(time.Second): // 292 years: more than a Duration holds
		return fmt.Sprintf("%.3g s", s)
	case s >= 999.5:
		return d.Round(time.Second).String()
	case s >= 1:
		return fmt.Sprintf("%.3g s", s)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", 1e3*s)
	}
	return fmt.Sprintf("%.3g µs", math.Max(0, 1e6*s))
}
