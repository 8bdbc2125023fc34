package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"budwood/search"
	"budwood/trials"
)

type objectiveCmd struct {
	Test objectiveTestCmd `cmd:"" help:"Run one trial of a command, pause, kill, resume and stop it, and say which parts of the protocol work."`
}

type objectiveTestCmd struct {
	Metric string            `help:"The metric that the study optimises." default:"loss"`
	Param  map[string]string `help:"Parameters of the trial, like lr=0.01." placeholder:"NAME=VALUE"`
	Epochs int               `help:"Epochs of the whole trial, at least 3." default:"6"`
	Time   time.Duration     `help:"Limit of each step." default:"2m"`
	Args   []string          `arg:"" passthrough:"" help:"The program and its arguments, behind --."`
}

// check is a part of the protocol and how it went.
type check struct {
	ok         bool
	what, note string
}

func (c *objectiveTestCmd) Run(a *app) error {
	if len(c.Args) > 0 && c.Args[0] == "--" {
		c.Args = c.Args[1:]
	}
	if c.Epochs < 3 {
		return usageError{errors.New("--epochs: at least 3, so that the trial can be paused and resumed")}
	}
	given := make([]string, 0, len(c.Param))
	for k, v := range c.Param {
		given = append(given, k+"="+v)
	}
	params, err := readParams(given)
	if err != nil {
		return usageError{err}
	}
	var specs []search.ParamSpec
	for _, k := range params.Names() {
		specs = append(specs, search.ParamSpec{Name: k, Choice: []search.OptionSpec{{Value: params[k]}}})
	}
	space, err := search.FromSpecs(specs)
	if err != nil {
		return usageError{err}
	}
	cmd := &trials.Command{Args: c.Args, Time: c.Time}
	if err := cmd.Validate(space); err != nil {
		return usageError{err}
	}
	blobs, err := os.MkdirTemp("", "budwood-objective-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(blobs)
	t := &objectiveTest{a: a, cmd: cmd, runner: &trials.Runner{Blobs: trials.Dir(blobs), Every: time.Millisecond}, task: trials.Task{
		Study: "objective-test", Trial: search.Trial{Params: params}, Total: c.Epochs,
		Objectives: []search.Objective{{Metric: c.Metric}},
	}}
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
		fmt.Fprintf(a.stdout, "%s of the protocol missing: a study runs it all the same, with what that costs\n", plural(failed, "part"))
	}
	return nil
}

type objectiveTest struct {
	a      *app
	cmd    *trials.Command
	runner *trials.Runner
	task   trials.Task
	output string
	checks []check
}

func (t *objectiveTest) note(ok bool, what, note string) {
	if note != "" {
		note = ": " + note
	}
	t.checks = append(t.checks, check{ok, what, note})
}

// segment trains up to a budget; alive may cancel it.
func (t *objectiveTest) segment(ctx context.Context, from, to int, alive func(search.Measurement)) (trials.Result, error) {
	task := t.task
	task.From, task.To = from, to
	return t.runner.Run(ctx, task, t.cmd.Objective(func(_ *trials.Trial, b []byte) { t.output = string(b) }), alive)
}

// run goes through the life of a trial: train to a rung, pause, resume, be
// killed in the middle, resume, be stopped.
func (t *objectiveTest) run(ctx context.Context, epochs int) error {
	half := epochs / 2
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
	t.note(second.Budget == epochs && len(second.Curve) == epochs-half, "resumes at the epoch after the rung", fmt.Sprintf("epochs %d to %d", half+1, second.Budget))

	// Killed in the middle: the segment goes on from the checkpoint inside it.
	t.task.Trial.ID = 1
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
	t.note(again.Budget == epochs && len(again.Curve) == epochs, "goes on after it was killed", fmt.Sprintf("%d epochs known, the rest in %.1f s", half, time.Since(before).Seconds()))

	// Stopped: does it listen, or must it be told by a signal?
	t.task.Trial.ID = 2
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
