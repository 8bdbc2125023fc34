package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
	"budwood/workflows"
)

// update asks a study that runs for something. Done lets go of the server and
// the workers that answer.
func (a *app) update(study, name string, arg ...any) (done func(), err error) {
	conn, err := a.quiet().connect(serverFlags{})
	if err != nil {
		return nil, err
	}
	service, err := ensureService(a) // updates are answered by a worker
	if err != nil {
		conn.Close()
		return nil, err
	}
	done = func() { service.Close(); conn.Close() }
	ctx, cancel := context.WithTimeout(a.ctx, 30*time.Second)
	defer cancel()
	_, err = workflows.Update(ctx, conn.Client, study, name, arg...)
	if err == nil {
		return done, nil
	}
	done()
	switch {
	case a.ctx.Err() != nil:
		return nil, errDetached
	case ctx.Err() != nil:
		return nil, fmt.Errorf("study %s does not answer within 30 s: no worker runs its workflow", study)
	case errors.Is(err, workflows.ErrNotRunning):
		return nil, notRunning(study)
	}
	return nil, usageError{err}
}

// say a change and let go.
func (a *app) change(study, message, name string, arg ...any) error {
	db, err := a.read()
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := db.Study(a.ctx, study)
	if err != nil {
		return err
	}
	if st.State != store.StudyRunning {
		return usageError{fmt.Errorf("study %s has ended already: %s; run its file again with a larger budget to go on", study, st.State)}
	}
	done, err := a.update(study, name, arg...)
	if err != nil {
		return err
	}
	done()
	fmt.Fprintln(a.stdout, message)
	return nil
}

type pauseCmd struct {
	Study string `arg:"" help:"Name of the study."`
}

func (c *pauseCmd) Run(a *app) error {
	return a.change(c.Study, fmt.Sprintf("study %s is paused; go on with: budwood resume %s", c.Study, c.Study), workflows.PauseUpdate)
}

type resumeCmd struct {
	Study string `arg:"" help:"Name of the study."`
}

func (c *resumeCmd) Run(a *app) error {
	return a.change(c.Study, fmt.Sprintf("study %s goes on; follow it with: budwood watch %s", c.Study, c.Study), workflows.ResumeUpdate)
}

type editCmd struct {
	Study    string         `arg:"" help:"Name of the study."`
	Trials   *int           `help:"Total number of trials." placeholder:"N"`
	Time     *time.Duration `help:"Total time; 0: no limit." placeholder:"10m"`
	EnergyWh *float64       `name:"energy-wh" help:"Total energy, in watt-hours; 0: no limit." placeholder:"WH"`
	Parallel *int           `help:"Trials that run at the same time." placeholder:"N"`
	Batch    *int           `help:"Trials that share a workflow." placeholder:"N"`
	Priority *int           `help:"Among all studies, 1 (first) to 5." placeholder:"N"`
	Space    string         `help:"Study file whose space is taken: ranges and choices may grow or shrink, and a parameter with a default may be added." placeholder:"FILE" type:"existingfile"`

	Constraint    []string `sep:"none" xor:"constraints" help:"A condition between parameters, such as 'low < high'. It replaces all conditions; may be repeated." placeholder:"CONDITION"`
	NoConstraints bool     `help:"Remove all conditions between parameters." xor:"constraints"`
}

func (c *editCmd) Run(a *app) error {
	e := study.Edit{Trials: c.Trials, EnergyWh: c.EnergyWh, Parallel: c.Parallel, Batch: c.Batch, Priority: c.Priority}
	if c.Time != nil {
		e.Time = new(study.Duration(*c.Time))
	}
	if c.Space != "" {
		spec, _, err := study.Load(a.ctx, c.Space, &data.Cache{}, study.FileOptions{})
		if err != nil {
			return err
		}
		e.Space = spec.Space
	}
	if len(c.Constraint) > 0 {
		e.Constraints = &c.Constraint
	} else if c.NoConstraints {
		e.Constraints = &[]string{}
	}
	if b, _ := json.Marshal(e); string(b) == "{}" {
		return usageError{errors.New("nothing to change is given; see budwood edit --help")}
	}
	return a.change(c.Study, fmt.Sprintf("study %s is changed", c.Study), workflows.EditUpdate, e)
}

type trialCmd struct {
	Add   trialAddCmd   `cmd:"" help:"Try a candidate next, in addition to the planned trials."`
	Stop  trialStopCmd  `cmd:"" help:"Stop a trial, running or paused."`
	Retry trialRetryCmd `cmd:"" help:"Try the candidate of a trial again, as a new trial."`
	Drop  trialDropCmd  `cmd:"" help:"Set trials aside: they stay on record, and neither the sampler nor best looks at them."`
	Keep  trialKeepCmd  `cmd:"" help:"Count trials again that were set aside."`
}

type trialAddCmd struct {
	Study  string   `arg:"" help:"Name of the study."`
	Params []string `arg:"" help:"Parameters as name=value, for example lr=0.01 act=relu; or one JSON object. What is left out is drawn."`
}

func (c *trialAddCmd) Run(a *app) error {
	p, err := readParams(c.Params)
	if err != nil {
		return usageError{err}
	}
	return a.change(c.Study, "the candidate is tried next", workflows.AddTrialUpdate, study.Candidate{Params: p})
}

// readParams reads name=value pairs, or one JSON object. A value that is a JSON
// number or boolean is one; everything else is a text.
func readParams(args []string) (search.Params, error) {
	p := search.Params{}
	if len(args) == 1 && strings.HasPrefix(strings.TrimSpace(args[0]), "{") {
		d := json.NewDecoder(strings.NewReader(args[0]))
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("params %q: %w", args[0], err)
		}
		if _, err := d.Token(); err != io.EOF {
			return nil, fmt.Errorf("params %q: there is more after the JSON object", args[0])
		}
		return p, nil
	}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("params: %q is not name=value", arg)
		}
		if _, twice := p[name]; twice {
			return nil, fmt.Errorf("params: %q is given twice", name)
		}
		p[name] = value
		if x, err := strconv.ParseFloat(value, 64); err == nil {
			p[name] = x
		} else if b, err := strconv.ParseBool(value); err == nil && (value == "true" || value == "false") {
			p[name] = b
		}
	}
	return p, nil
}

type trialStopCmd struct {
	Study  string `arg:"" help:"Name of the study."`
	Trial  string `arg:"" help:"The trial, like t0031 or 31."`
	Reason string `help:"The reason, for the record." placeholder:"TEXT"`
}

func (c *trialStopCmd) Run(a *app) error {
	id, err := trialNumber(c.Trial)
	if err != nil {
		return err
	}
	return a.change(c.Study, fmt.Sprintf("trial %s is stopped", search.TrialName(id)), workflows.StopTrialUpdate, workflows.StopTrialRequest{Trial: id, Reason: c.Reason})
}

// trialNumber reads a trial's name or number.
func trialNumber(s string) (int, error) {
	id, err := strconv.Atoi(strings.TrimPrefix(s, "t"))
	if err != nil || id < 0 {
		return 0, usageError{fmt.Errorf("%q is not a trial: give it like t0031 or 31", s)}
	}
	return id, nil
}

type trialRetryCmd struct {
	Study string `arg:"" help:"Name of the study."`
	Trial string `arg:"" help:"The trial, like t0031 or 31."`
}

func (c *trialRetryCmd) Run(a *app) error {
	id, err := trialNumber(c.Trial)
	if err != nil {
		return err
	}
	store, err := a.read()
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.Records(a.ctx, c.Study)
	if err != nil {
		return err
	}
	if id >= len(list) {
		return usageError{fmt.Errorf("study %s has no trial %s: it has %s", c.Study, search.TrialName(id), plural(len(list), "trial"))}
	}
	return a.change(c.Study, fmt.Sprintf("the candidate of %s is tried again next", search.TrialName(id)), workflows.AddTrialUpdate,
		study.Candidate{Params: list[id].Params, Source: "retry of " + search.TrialName(id)})
}
