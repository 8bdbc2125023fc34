package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"budwood"
	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/store"
	"budwood/workflows"
)

// fileArg is a study file and what overrides it.
type fileArg struct {
	File string `arg:"" help:"Study file (YAML)." type:"path"`
	overrides
}

// overrides are flags that change what a study file says.
type overrides struct {
	Name         *string         `help:"Give the study another name." placeholder:"NAME"`
	Trials       *int            `help:"Override budget.trials." placeholder:"N"`
	Epochs       *int            `help:"Override budget.epochs." placeholder:"N"`
	Time         *study.Duration `help:"Override budget.time, like 10m." placeholder:"TIME"`
	EnergyWh     *float64        `name:"energy-wh" help:"Override budget.energy_wh." placeholder:"WH"`
	Parallel     *int            `help:"Override search.parallel." placeholder:"N"`
	Seed         *uint64         `help:"Override search.seed." placeholder:"N"`
	AllowOutside bool            `help:"Allow data outside the study file's directory."`
}

// load reads the study and its data, so that every mistake in them is found
// before anything starts.
func (f *fileArg) load(a *app) (*study.Spec, *data.Data, error) {
	for flag, n := range map[string]*int{"trials": f.Trials, "epochs": f.Epochs, "parallel": f.Parallel} {
		if n != nil && *n == 0 { // which in a study stands for the default
			return nil, nil, usageError{fmt.Errorf("--%s: 0 does nothing: give at least 1", flag)}
		}
	}
	if err := tableInstead("this command", f.File); err != nil {
		return nil, nil, err
	}
	most, _ := trials.TrialMemory()
	return study.Load(a.ctx, f.File, &data.Cache{Max: most, Shared: a.sharedData()}, study.FileOptions{Outside: f.AllowOutside, Override: func(s *study.Spec) {
		override(&s.Name, f.Name)
		override(&s.Budget.Trials, f.Trials)
		override(&s.Budget.Epochs, f.Epochs)
		override(&s.Budget.Time, f.Time)
		override(&s.Budget.EnergyWh, f.EnergyWh)
		override(&s.Search.Parallel, f.Parallel)
		override(&s.Search.Seed, f.Seed)
	}})
}

func override[T any](field, v *T) {
	if v != nil {
		*field = *v
	}
}

type runCmd struct {
	fileArg
	runFlags
}

// runFlags say how a study is run.
type runFlags struct {
	serverFlags
	Plain  bool `help:"Print one line for each event, also on a terminal."`
	Detach bool `help:"Return as soon as the study runs."`

	AllowCommands bool `help:"Allow the program of a study whose objective is a command. Needed once for each program."`
}

func (c *runCmd) Run(a *app) error {
	spec, d, err := c.load(a)
	if err != nil {
		return err
	}
	a.sayImages(d)
	if err := a.sayMesh(spec, d); err != nil {
		return err
	}
	a.sayProfile(d, c.File)
	return c.runFlags.run(a, spec)
}

// run submits a study and follows it.
func (c *runFlags) run(a *app, spec *study.Spec) (err error) {
	submitted := false
	defer func() {
		if a.ctx.Err() != nil && a.gone() == nil && !submitted {
			a.say("interrupted before study %s was submitted", spec.Name)
			err = errDetached
		}
	}()
	if err := a.permit(spec.Program(), c.AllowCommands); err != nil {
		return err
	}
	if err := a.room(); err != nil {
		return err
	}
	conn, err := a.connect(c.serverFlags)
	if err != nil {
		return err
	}
	defer conn.Close()
	service, err := ensureService(a)
	if err != nil {
		return err
	}
	defer service.Close()
	db, err := a.readSoon()
	if err != nil {
		return err
	}
	defer db.Close()
	old, err := db.Study(a.ctx, spec.Name)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNoStudy) {
		return err
	}
	if err := study.CheckWarmStart(a.ctx, db, spec); err != nil {
		return usageError{err}
	}
	if err := a.keepData(spec); err != nil {
		return err
	}
	if err := a.findTeacher(db, spec); err != nil {
		return err
	}
	if exists {
		if spec.ReadAsBefore(old.Spec) {
			a.say("study %s reads its table as when it was stored; give it another --name to have it understood as a new one", spec.Name)
			if _, err := spec.Probe(a.ctx, &data.Cache{}); err != nil {
				return err
			}
		}
		if err := study.CanContinue(old.Spec, spec); err != nil {
			return usageError{err}
		}
		if old.State == store.StudyRunning && !study.SameCommand(old.Spec, spec) {
			return usageError{fmt.Errorf("study %s runs, with another command than its file has now: end it with budwood stop %s, and run the file again to go on with the new one", spec.Name, spec.Name)}
		}
		if err := a.sayChange(db, spec); err != nil {
			return err
		}
		if done, err := a.already(db, &old, spec); err != nil {
			return err
		} else if done {
			return c.compress(a, db, spec)
		}
	}
	submitted = true
	if _, err := workflows.Submit(a.ctx, conn.Client, spec, workflows.DefaultQueue); err != nil {
		return fmt.Errorf("submit study %s: %w", spec.Name, err)
	}
	if exists && old.State == store.StudyRunning {
		if err := a.enlarge(conn, &old, spec); err != nil {
			return err
		}
	}
	if c.Detach {
		fmt.Fprintf(a.stdout, "study %s runs; follow it with: budwood watch %s\n", spec.Name, spec.Name)
		return nil
	}
	if conn.server != nil {
		a.say("study %s in the web UI %s", spec.Name, link(a.stderr, conn.server.Info, spec.Name))
	}
	return a.follow(db, conn, spec.Name, c.Plain)
}

// sayMesh says which mesh was chosen for a study's ranks, and if they are predicted to take
// longer than one would.
func (a *app) sayMesh(spec *study.Spec, d *data.Data) error {
	if text := study.MeshChoice(spec); text != "" {
		a.say("mesh chosen %s", text)
	}
	if !spec.Mesh.Ranks.Several() {
		return nil
	}
	machine, err := budwood.ReadMachine(a.home)
	if err != nil {
		return err
	}
	lines, err := study.DescribeSteps(a.ctx, spec, d, machine)
	for _, l := range lines {
		if l.Key == study.MeshWarning {
			a.say("%s", l.Text)
		}
	}
	return err
}

// sayChange says which trials of a study were trained by what is no longer there.
func (a *app) sayChange(store *store.Store, spec *study.Spec) error {
	list, err := store.Versions(a.ctx, spec.Name)
	if err != nil {
		return err
	}
	if line := study.DescribeChange(spec.Name, list, spec.Version()); line != "" {
		a.say("%s", line)
	}
	return nil
}

// already tells of a study that exists: one that ended with all it was asked
// for is only shown again.
func (a *app) already(db *store.Store, old *store.Study, spec *study.Spec) (done bool, err error) {
	r, err := budwood.ReadResult(a.ctx, db, spec.Name)
	if err != nil {
		return false, err
	}
	if old.State == store.StudyRunning {
		a.say("study %s goes on: %s so far", spec.Name, plural(len(r.Trials), "trial"))
		return false, nil
	}
	before, err := specOf(old)
	if err != nil {
		return false, err
	}
	if old.State == store.StudyCompleted && !spec.MoreThan(before, len(r.Trials)) {
		which := fmt.Sprintf("budget.trials above %d", max(before.Budget.Trials, len(r.Trials)))
		for key, word := range map[string]string{"budget.time": "time budget", "budget.energy_wh": "energy budget"} {
			if strings.Contains(old.Reason, word) {
				which = key
			}
		}
		a.say("study %s has ended already; raise %s to go on, or give it another --name", spec.Name, which)
		return true, a.ended(db, spec.Name)
	}
	a.say("study %s goes on after %s", spec.Name, plural(len(r.Trials), "trial"))
	return false, nil
}

// enlarge gives a study that runs the larger budgets that it is now submitted with.
func (a *app) enlarge(conn *connection, old *store.Study, spec *study.Spec) error {
	before, err := specOf(old)
	if err != nil {
		return err
	}
	edit, says := spec.Grown(before)
	if says == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.ctx, 30*time.Second)
	defer cancel()
	switch _, err := workflows.Update(ctx, conn.Client, spec.Name, workflows.EditUpdate, edit); {
	case err == nil:
		a.say("study %s: %s", spec.Name, says)
	case a.ctx.Err() == nil:
		a.say("study %s keeps its budget, which could not be changed while it runs (%v); change it with: budwood edit %s", spec.Name, err, spec.Name)
	}
	return nil
}

// follow shows a study until it ends, then its result. With a connection it shows
// every epoch of the trials that run, without one what they have reported.
func (a *app) follow(store *store.Store, conn *connection, name string, plain bool) error {
	w := &watcher{store: store, name: name, home: a.home, conn: conn}
	err := errors.Join(a.alive.Keep("the state directory", a.home), a.alive.Keep("the store", store.Path()))
	if err == nil {
		err = a.await(w)
	}
	switch {
	case err != nil:
	case terminal(a.stderr) && !plain:
		err = a.live(w)
	default:
		err = a.lines(w)
	}
	if gone := a.gone(); gone != nil {
		return gone
	}
	if a.ctx.Err() != nil || errors.Is(err, errDetached) {
		a.say("detached; study %s goes on. Follow it with: budwood watch %s. End it with: budwood stop %s", name, name, name)
		return errDetached
	}
	if err == nil {
		err = a.ended(store, name)
	}
	if err == nil {
		err = a.followSmaller(store, conn, name, plain)
	}
	return err
}

// ended shows how a study ended. One that failed, or has no best trial, is an error.
func (a *app) ended(db *store.Store, name string) error {
	if err := a.summary(db, name); err != nil {
		return err
	}
	row, err := db.Study(a.ctx, name)
	if err != nil {
		return err
	}
	r, err := budwood.ReadResult(a.ctx, db, name)
	if err != nil {
		return err
	}
	counted := search.Counted(r.Trials)
	n, last := failures(counted)
	switch {
	case row.State == store.StudyFailed:
		return fmt.Errorf("study %s failed: %s", name, row.Reason)
	case r.Best != nil:
		return nothingFits(&row, r)
	case len(counted) == 0 && len(r.Trials) > 0:
		return errAllAside(name)
	case n > 0 && n == len(counted):
		return fmt.Errorf("study %s: all of its trials failed: %s", name, study.DescribeReason(last.Reason))
	case len(r.Trials) == 0:
		return fmt.Errorf("study %s ended without a best trial: it had no trials", name)
	}
	end := counted[len(counted)-1]
	return fmt.Errorf("study %s ended without a best trial: none of %s has a value; the last one is %s: %s", name, plural(len(counted), "trial"), end.State, strings.TrimPrefix(study.DescribeReason(end.Reason), string(end.State)+": "))
}

// errAllAside is why a study has no best whose trials were all set aside.
func errAllAside(study string) error {
	return fmt.Errorf("study %s has no best: all of its trials are set aside; have some of them count again with budwood trial keep %s TRIALS", study, study)
}

// await waits until the workflow has begun to record the study, or goes on with
// one that had ended.
func (a *app) await(w *watcher) error {
	deadline := time.Now().Add(15 * time.Second)
	for {
		study, err := w.store.Study(a.ctx, w.name)
		if err == nil && study.State == store.StudyRunning {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNoStudy) {
			return err
		}
		if time.Now().After(deadline) {
			if err == nil { // it has ended already
				return nil
			}
			return fmt.Errorf("study %s does not start: see the log in %s/logs", w.name, a.home)
		}
		select {
		case <-a.ctx.Done():
			return errDetached
		case <-time.After(30 * time.Millisecond):
		}
	}
}

type watchCmd struct {
	Study string `arg:"" help:"Name of the study."`
	Plain bool   `help:"Print one line for each event, also on a terminal."`
}

func (c *watchCmd) Run(a *app) error {
	db, err := a.read()
	if err != nil {
		return err
	}
	defer db.Close()
	study, err := db.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	if study.State != store.StudyRunning {
		return a.ended(db, c.Study)
	}
	conn, err := a.connected()
	if err != nil {
		return err
	}
	if conn != nil {
		defer conn.Close()
	}
	return a.follow(db, conn, c.Study, c.Plain)
}
