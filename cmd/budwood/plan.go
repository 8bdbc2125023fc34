package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"budwood"
	"budwood/data"
	"budwood/search"
	"budwood/study"
)

type planCmd struct {
	File    string `arg:"" optional:"" help:"Study file (YAML); with --cluster a file with the model, unless the cluster's file has it." type:"path"`
	Cluster string `help:"Search the mesh (data, tensor, pipeline, zero) for the machines that this file describes. They need not exist here." placeholder:"FILE" type:"path"`
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
	spec, d, err := file.load(a)
	if err != nil {
		return err
	}
	memory, err := study.DescribeMemory(a.ctx, spec, d, study.Offer{})
	if err != nil {
		return err
	}
	machine, err := budwood.ReadMachine(a.home)
	if err != nil {
		return err
	}
	steps, err := study.DescribeSteps(a.ctx, spec, d, machine)
	if err != nil {
		return err
	}
	t := settings{table{head: []string{"SETTING", "VALUE"}}}
	t.set("name", "%s", spec.Name)
	t.task(spec, d)
	t.search(spec)
	t.budget(spec)
	if memory != "" {
		t.set("memory", "%s", memory)
	}
	for _, l := range steps {
		t.set(l.Key, "%s", l.Text)
	}
	t.limits(spec)
	t.candidates(spec)
	shown := struct {
		*study.Spec
		Profile *data.Profile `json:"profile,omitempty"`
	}{Spec: spec}
	if d != nil {
		shown.Profile = d.Profile
	}
	if err := c.write(a.stdout, t.table, shown); err != nil || shown.Profile == nil || c.Output != "table" {
		return err
	}
	fmt.Fprintln(a.stdout)
	return writeProfile(a.stdout, shown.Profile, "", planColumns)
}

// planColumns is how many columns of a table a plan shows.
const planColumns = 40

// describeTest is the test part of the data.
func describeTest(d *data.Data) string {
	if d.Test == nil {
		return "no test rows"
	}
	return fmt.Sprintf("%d test rows", d.Test.Len())
}

// settings is the table of a study's settings.
type settings struct{ table }

func (t *settings) set(key, format string, args ...any) { t.add(key, fmt.Sprintf(format, args...)) }

// task is what is trained, and for what.
func (t *settings) task(spec *study.Spec, d *data.Data) {
	if d != nil {
		parts := fmt.Sprintf("%d train rows in %d folds", d.Train.Len(), len(d.Folds))
		if d.Valid != nil {
			parts = fmt.Sprintf("%d train, %d valid", d.Train.Len(), d.Valid.Len())
		}
		of := string(d.Task)
		if d.Classes > 0 {
			of = fmt.Sprintf("%s with %d classes", d.Task, d.Classes)
		}
		t.set("data", "%s, %s; %d features; %s of %q", parts, describeTest(d), d.Features, of, d.Target)
		t.images(d.Images)
	}
	if p := spec.Program(); p != nil {
		t.set("command", "%s (in %s)", strings.Join(p.Args, " "), p.Dir)
		t.set("needs", "%s of a worker", spec.Needs())
	}
	t.set("objective", "%s %s", spec.Objective.Goal, spec.Objective.Metric)
	for i, o := range spec.Also {
		t.set(fmt.Sprintf("also[%d]", i), "%s %s", o.Goal, o.Metric)
	}
}

// search is how the candidates are found and run.
func (t *settings) search(spec *study.Spec) {
	q := spec.Search
	t.set("sampler", "%s", q.Sampler)
	if q.Cost != "" {
		t.set("cost", "%s", q.Cost)
	}
	t.set("scheduler", "%s, eta %d, no rung below %s", q.Scheduler, q.Eta, plural(q.Min, "epoch"))
	for i, line := range study.Brackets(spec) {
		t.set(fmt.Sprintf("bracket[%d]", i), "%s", line)
	}
	t.set("seed", "%d", q.Seed)
	t.set("parallel", "%d", q.Parallel)
	if q.Batch > 0 {
		t.set("batch", "%s a workflow", plural(q.Batch, "trial"))
	} else {
		t.set("batch", "automatic: a workflow each; trials of less than 0.1 s within the study's, many together")
	}
	t.set("priority", "%d of 1 (first) to 5", cmp.Or(q.Priority, 3))
	t.set("warm_start", "%s", q.WarmStart)
}

// budget is how long the study and its trials may take.
func (t *settings) budget(spec *study.Spec) {
	b := spec.Budget
	t.set("budget", "%d trials of at most %d epochs", b.Trials, b.Epochs)
	if b.Time > 0 {
		t.set("budget.time", "%s", time.Duration(b.Time))
	}
	if b.EnergyWh > 0 {
		t.set("budget.energy_wh", "%s", search.FormatExact(b.EnergyWh))
	}
	if b.MinGain > 0 {
		t.set("budget.min_gain", "%s: no new trials once the next is expected to gain less", search.FormatExact(b.MinGain))
	}
	if spec.EarlyStop.Patience > 0 {
		t.set("early_stop", "%s without an improvement of %s", plural(spec.EarlyStop.Patience, "epoch"), search.FormatExact(spec.EarlyStop.MinDelta))
	} else {
		t.set("early_stop", "off")
	}
	if spec.Retrain.Best > 0 {
		t.set("retrain", "the best %d from scratch for %s", spec.Retrain.Best, plural(spec.Retrain.Epochs, "epoch"))
	}
	if text := study.DescribeMesh(spec); text != "" {
		t.set("mesh", "%s", text)
		t.set("needs", "%s of a worker", spec.Needs())
	}
}

// limits are what failures may cost, and what is kept.
func (t *settings) limits(spec *study.Spec) {
	t.set("max_retries", "%d", spec.MaxRetries)
	if spec.Keep > 1 {
		t.set("keep", "the weights of the best %d", spec.Keep)
	}
	if spec.MaxFailed > 0 {
		t.set("max_failed", "%s", plural(spec.MaxFailed, "trial"))
	}
}

// candidates are what is fixed and what is searched.
func (t *settings) candidates(spec *study.Spec) {
	for _, k := range spec.Train.Names() {
		t.set("train."+k, "%s", search.FormatExact(spec.Train[k]))
	}
	for _, dim := range spec.Space.Dims() {
		t.set("space."+dim.Name, "%s", study.DescribeDim(dim))
	}
	for i, text := range spec.Constraints {
		t.set(fmt.Sprintf("constraints[%d]", i), "%s", text)
	}
	if spec.Architecture != nil {
		t.set("architecture", "%s", study.DescribeArchitecture(spec.Architecture))
		if n := spec.Architecture.Folds; n > 1 {
			t.set("limits", "for the networks of all %d folds together, whose mean is exported", n)
		}
	}
	for i, p := range spec.StartWith {
		t.set(fmt.Sprintf("start_with[%d]", i), "%s", study.DescribeParams(p))
	}
}
