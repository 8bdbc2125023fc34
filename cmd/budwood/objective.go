package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

type objectiveCmd struct {
	Test objectiveTestCmd `cmd:"" help:"Show what a command is given, run one trial of it, pause, kill, resume and stop it, and say which parts of the protocol work."`
}

type objectiveTestCmd struct {
	Metric string            `help:"The metric that the study optimises." default:"loss"`
	Param  map[string]string `help:"Parameters of the trial, like lr=0.01." placeholder:"NAME=VALUE"`
	Epochs int               `help:"Epochs of the whole trial, at least 3." default:"6"`
	Time   time.Duration     `help:"Limit of each step." default:"2m"`
	What   string            `arg:"" help:"A study file; or, behind --, a program and its arguments."`
	Args   []string          `arg:"" optional:"" passthrough:"" help:"The arguments."`

	AllowCommands bool `help:"Allow the program of a study file. Needed once for each program."`
}

// check is a part of the protocol and how it went.
type check struct {
	ok         bool
	what, note string
}

func (c *objectiveTestCmd) Run(a *app) error {
	if c.Epochs < 3 {
		return usageError{errors.New("--epochs: at least 3, so that the trial can be paused and resumed")}
	}
	var task trials.Task
	var cmd *trials.Command
	var candidates []search.Params
	var err error
	if file := c.file(); file != "" {
		cmd, task, candidates, err = c.study(a, file)
	} else {
		cmd, task, candidates, err = c.program()
	}
	if err != nil {
		return err
	}
	task.Total = c.Epochs
	if err := showVectors(a.stdout, cmd, task, candidates); err != nil {
		return err
	}
	if c.file() != "" {
		if err := a.permit(cmd, c.AllowCommands); err != nil {
			return err
		}
	}
	blobs, err := os.MkdirTemp("", "budwood-objective-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(blobs)
	runner := &trials.Runner{Blobs: blob.Dir(blobs), Every: time.Millisecond}
	t := &objectiveTest{a: a, cmd: cmd, runner: runner, task: task, candidates: candidates}
	err = t.run(a.ctx, c.Epochs)
	failed := 0
	for _, k := range t.checks {
		mark := "works   "
		if !k.ok {
			mark, failed = "missing ", failed+1
		}
		fmt.Fprintf(a.stdout, "%s%s%s\n", mark, k.what, k.note)
	}
	if err != nil {
		return err
	}
	if failed > 0 {
		fmt.Fprintf(a.stdout, "%s of the protocol missing: a study runs it anyway, and pays for what is missing\n", plural(failed, "part"))
	}
	return nil
}

// file is the study file that was named instead of a program.
func (c *objectiveTestCmd) file() string {
	if len(c.Args) == 0 && (strings.HasSuffix(c.What, ".yaml") || strings.HasSuffix(c.What, ".yml")) {
		return c.What
	}
	return ""
}

// study is the command of a study file, and three of its candidates.
func (c *objectiveTestCmd) study(a *app, file string) (*trials.Command, trials.Task, []search.Params, error) {
	if len(c.Param) > 0 {
		return nil, trials.Task{}, nil, usageError{errors.New("--param: the parameters are those of the study file")}
	}
	spec, _, err := study.Load(a.ctx, file, &data.Cache{}, study.FileOptions{})
	if err != nil {
		return nil, trials.Task{}, nil, err
	}
	cmd := spec.Program()
	if cmd == nil {
		return nil, trials.Task{}, nil, usageError{fmt.Errorf("%s: the study has no command", file)}
	}
	if cmd.Time == 0 {
		cmd.Time = c.Time
	}
	candidates, err := spec.Examples(3)
	return cmd, trials.Task{Study: spec.Name, Seed: spec.Search.Seed, Objectives: spec.Objectives()}, candidates, err
}

// program is a command that was typed, and the candidate that was.
func (c *objectiveTestCmd) program() (*trials.Command, trials.Task, []search.Params, error) {
	given := make([]string, 0, len(c.Param))
	for k, v := range c.Param {
		given = append(given, k+"="+v)
	}
	task := trials.Task{Study: "objective-test", Objectives: []search.Objective{{Metric: c.Metric}}}
	cmd := &trials.Command{Args: append([]string{c.What}, c.Args...), Time: c.Time}
	params, err := readParams(given)
	var specs []search.ParamSpec
	for _, k := range params.Names() {
		specs = append(specs, search.ParamSpec{Name: k, Choice: []search.OptionSpec{{Value: params[k]}}})
	}
	var space search.Space
	if err == nil {
		space, err = search.FromSpecs(specs)
	}
	if err == nil {
		err = cmd.Validate(space)
	}
	if err != nil {
		return nil, task, nil, usageError{err}
	}
	return cmd, task, []search.Params{params}, nil
}

// showVectors prints what the processes of candidates are given, exactly: the
// argument vector, and what the command adds to the environment.
func showVectors(w io.Writer, cmd *trials.Command, task trials.Task, candidates []search.Params) error {
	for i, p := range candidates {
		args, set, unset := cmd.Vector(task.Study, search.Trial{ID: i, Params: p}, task.Seed, task.Total)
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(args); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s   %s\nargs    %s\n", search.TrialName(i), study.DescribeParams(p), strings.TrimSpace(text.String()))
		for _, v := range set {
			fmt.Fprintf(w, "env     %s\n", v)
		}
		if len(unset) > 0 {
			fmt.Fprintf(w, "not set %s\n", strings.Join(unset, ", "))
		}
	}
	return nil
}

type objectiveTest struct {
	a          *app
	cmd        *trials.Command
	runner     *trials.Runner
	task       trials.Task
	candidates []search.Params // each trial has the next one
	output     string
	checks     []check
}

// begin begins with another trial.
func (t *objectiveTest) begin(id int) {
	t.task.Trial = search.Trial{ID: id, Params: t.candidates[id%len(t.candidates)]}
}

func (t *objectiveTest) note(ok bool, what, note string) {
	if note != "" {
		note = ": " + note
	}
	t.checks = append(t.checks, check{ok, what, note})
}

// segment trains up to a budget; alive may cancel it.
func (t *objectiveTest) segment(ctx context.Context, from, to int, alive func(search.Measurement)) (segment.Result, error) {
	task := t.task
	task.From, task.To = from, to
	return t.runner.Run(ctx, task, t.cmd.Train(func(_ *trials.Trial, b []byte) { t.output = string(b) }), alive)
}

// run goes through the life of a trial: train to a rung, pause, resume, be
// killed in the middle, resume, be stopped.
func (t *objectiveTest) run(ctx context.Context, epochs int) error {
	half := epochs / 2
	t.begin(0)
	first, err := t.segment(ctx, 0, half, nil)
	if err != nil {
		t.note(false, "reports", "")
		return err
	}
	t.note(true, "reports", fmt.Sprintf("%d of %d, the last one %s", len(first.Curve), half, metricsLine(first.Final.Metrics)))
	t.note(first.State == search.Paused, "pauses at a rung", strings.TrimSpace(fmt.Sprintf("%s at %d %s", first.State, first.Budget, first.Reason)))
	t.note(first.Energy.Joules > 0, "energy", fmt.Sprintf("%.3g J, %s", first.Energy.Joules, first.Energy.Method))
	if first.State != search.Paused {
		return nil
	}

	// What a resumed command reports again was trained again.
	var epochsSeen int
	second, err := t.segment(ctx, half, epochs, func(search.Measurement) { epochsSeen++ })
	if err != nil {
		t.note(false, "resumes", "")
		return err
	}
	t.note(second.Budget == epochs && len(second.Curve) == epochs-half, "resumes at the epoch after the rung", fmt.Sprintf("epochs %d to %d%s", half+1, second.Budget, ending(second)))

	// Killed in the middle: the segment goes on from the checkpoint inside it.
	t.begin(1)
	killed, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	_, err = t.segment(killed, 0, epochs, func(m search.Measurement) {
		if m.Budget == half {
			kill(trials.ErrInterrupted)
		}
	})
	if !errors.Is(err, trials.ErrInterrupted) {
		return fmt.Errorf("it could not be interrupted: %w", err)
	}
	before := time.Now()
	again, err := t.segment(ctx, 0, epochs, nil)
	if err != nil {
		t.note(false, "goes on after it was killed", "")
		return err
	}
	t.note(again.Budget == epochs && len(again.Curve) == epochs, "goes on after it was killed", fmt.Sprintf("%d epochs known, the rest in %.1f s%s", half, time.Since(before).Seconds(), ending(again)))

	// Stopped: does it listen, or must it be told by a signal?
	t.begin(2)
	stopped, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var told time.Time
	res, err := t.segment(stopped, 0, epochs, func(m search.Measurement) {
		if m.Budget == 1 {
			told = time.Now()
			stop(errors.New("enough"))
		}
	})
	if err != nil {
		return err
	}
	took := time.Since(told)
	t.note(res.State == search.Stopped && took < 9*time.Second, "stops when it is told to", fmt.Sprintf("it took %.1f s", took.Seconds()))
	if s := strings.TrimSpace(t.output); s != "" {
		fmt.Fprintf(t.a.stderr, "output of the last run:\n%s\n", s)
	}
	return nil
}

// ending tells of a trial that ended by itself, and why: that may be the
// candidate's fault.
func ending(r segment.Result) string {
	if r.State == search.Completed || r.State == search.Paused {
		return ""
	}
	return fmt.Sprintf(", %s: %s", r.State, study.DescribeReason(r.Reason))
}
