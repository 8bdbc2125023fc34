package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"budwood/search"
	"budwood/study"
)

type planCmd struct {
	File    string `arg:"" optional:"" help:"Study file (YAML); with --cluster the file of a model, if that is not in the cluster's." type:"path"`
	Cluster string `help:"Search the mesh (data, tensor, pipeline, zero) for the machines of this file, which need not be here." placeholder:"FILE" type:"path"`
	overrides
	output
}

func (c *planCmd) Run(a *app) error {
	if c.Cluster != "" {
		return c.cluster(a)
	}
	if c.File == "" {
		return usageError{errors.New("expected \"<file>\", a study file, or --cluster FILE; see budwood plan --help")}
	}
	file := fileArg{File: c.File, overrides: c.overrides}
	spec, d, err := file.load(a.ctx)
	if err != nil {
		return err
	}
	t := table{head: []string{"SETTING", "VALUE"}}
	add := func(k, format string, args ...any) { t.add(k, fmt.Sprintf(format, args...)) }
	add("name", "%s", spec.Name)
	if d != nil {
		parts := fmt.Sprintf("%d train rows in %d folds", d.Train.Len(), len(d.Folds))
		if d.Valid != nil {
			parts = fmt.Sprintf("%d train, %d valid", d.Train.Len(), d.Valid.Len())
		}
		add("data", "%s, %d test rows; %d features; %s of %q", parts, d.Test.Len(), d.Features, d.Task, d.Target)
	}
	if p := spec.Program(); p != nil {
		add("command", "%s (in %s)", strings.Join(p.Args, " "), p.Dir)
		add("needs", "%s of a worker", spec.Needs())
	}
	add("objective", "%s %s", spec.Objective.Goal, spec.Objective.Metric)
	for i, o := range spec.Also {
		add(fmt.Sprintf("also[%d]", i), "%s %s", o.Goal, o.Metric)
	}
	q, b := spec.Search, spec.Budget
	add("sampler", "%s", q.Sampler)
	if q.Cost != "" {
		add("cost", "%s", q.Cost)
	}
	add("scheduler", "%s, eta %d, no rung below %s", q.Scheduler, q.Eta, plural(q.Min, "epoch"))
	for i, line := range study.Brackets(spec) {
		add(fmt.Sprintf("bracket[%d]", i), "%s", line)
	}
	add("seed", "%d", q.Seed)
	add("parallel", "%d", q.Parallel)
	if q.Batch > 0 {
		add("batch", "%s a workflow", plural(q.Batch, "trial"))
	} else {
		add("batch", "automatic: a workflow each; trials of less than 0.1 s within the study's, many together")
	}
	add("priority", "%d of 1 (first) to 5", cmp.Or(q.Priority, 3))
	add("warm_start", "%s", q.WarmStart)
	add("budget", "%d trials of at most %d epochs", b.Trials, b.Epochs)
	if b.Time > 0 {
		add("budget.time", "%s", time.Duration(b.Time))
	}
	if b.EnergyWh > 0 {
		add("budget.energy_wh", "%s", search.FormatExact(b.EnergyWh))
	}
	if b.MinGain > 0 {
		add("budget.min_gain", "%s: no new trials once the next is expected to gain less", search.FormatExact(b.MinGain))
	}
	if spec.EarlyStop.Patience > 0 {
		add("early_stop", "%s without an improvement of %s", plural(spec.EarlyStop.Patience, "epoch"), search.FormatExact(spec.EarlyStop.MinDelta))
	} else {
		add("early_stop", "off")
	}
	if spec.Retrain.Best > 0 {
		add("retrain", "the best %d from scratch for %s", spec.Retrain.Best, plural(spec.Retrain.Epochs, "epoch"))
	}
	if text := study.DescribeMesh(spec); text != "" {
		add("mesh", "%s", text)
		add("needs", "%s of a worker", spec.Needs())
	}
	memory, err := study.DescribeMemory(a.ctx, spec, d, study.Offer{})
	if err != nil {
		return err
	}
	if memory != "" {
		add("memory", "%s", memory)
	}
	add("max_retries", "%d", spec.MaxRetries)
	if spec.Keep > 1 {
		add("keep", "the weights of the best %d", spec.Keep)
	}
	if spec.MaxFailed > 0 {
		add("max_failed", "%s", plural(spec.MaxFailed, "trial"))
	}
	for _, k := range spec.Train.Names() {
		add("train."+k, "%s", search.FormatExact(spec.Train[k]))
	}
	for _, dim := range spec.Space.Dims() {
		add("space."+dim.Name, "%s", study.DescribeDim(dim))
	}
	for i, text := range spec.Constraints {
		add(fmt.Sprintf("constraints[%d]", i), "%s", text)
	}
	if spec.Architecture != nil {
		add("architecture", "%s", study.DescribeArchitecture(spec.Architecture))
		if n := spec.Architecture.Folds; n > 1 {
			add("limits", "for the networks of all %d folds together, whose mean is exported", n)
		}
	}
	for i, p := range spec.StartWith {
		add(fmt.Sprintf("start_with[%d]", i), "%s", study.DescribeParams(p))
	}
	return c.write(a.stdout, t, spec)
}
