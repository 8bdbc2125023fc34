package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"budwood"
	"budwood/search"
	"budwood/trials/segment"
	"budwood/trials/store"
	"budwood/workflows"
)

type trialDropCmd struct {
	Study  string `arg:"" help:"Name of the study."`
	Trials string `arg:"" help:"The trials, like t0003-t0007 or t0001,t0003-t0007."`
	Why    string `help:"The reason, for the record." placeholder:"TEXT"`
}

func (c *trialDropCmd) Run(a *app) error {
	why := strings.TrimSpace(c.Why)
	if why == "" {
		why = "set aside by the user"
	}
	return a.setAside(c.Study, c.Trials, why)
}

type trialKeepCmd struct {
	Study  string `arg:"" help:"Name of the study."`
	Trials string `arg:"" help:"The trials, like t0003-t0007 or t0001,t0003-t0007."`
}

func (c *trialKeepCmd) Run(a *app) error { return a.setAside(c.Study, c.Trials, "") }

// setAside has trials count no longer, and why; or again, if why is "". A study
// that runs is asked for it; else it is done in the store.
func (a *app) setAside(study, ranges, why string) error {
	db, err := a.read()
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := db.Study(a.ctx, study)
	if err != nil {
		return err
	}
	before, err := budwood.ReadBest(a.ctx, db, study)
	if err != nil {
		return err
	}
	ids, err := search.ParseTrialRanges(ranges, before.Count)
	if err != nil {
		return usageError{fmt.Errorf("study %s: %w", study, err)}
	}
	aside, err := db.Aside(a.ctx, study)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id int) bool { return slices.Contains(aside, id) == (why != "") })
	if len(ids) == 0 {
		return usageError{fmt.Errorf("study %s: %s: nothing to do: %s", study, ranges, map[bool]string{true: "set aside already", false: "not set aside"}[why != ""])}
	}
	asked := false
	if st.State == store.StudyRunning {
		done, err := a.update(study, workflows.SetAsideUpdate, workflows.AsideRequest{Trials: ids, Why: why, Keep: why == ""})
		switch {
		case err == nil:
			done()
			asked = true
		case !errors.Is(err, workflows.ErrNotRunning): // one that runs without a server has no workflow to ask
			return err
		}
	}
	if !asked {
		if err := a.setAsideInStore(db, study, ids, why); err != nil {
			return err
		}
	}
	after, err := budwood.ReadBest(a.ctx, db, study)
	if err != nil {
		return err
	}
	names := search.TrialRanges(ids)
	if why == "" {
		fmt.Fprintf(a.stdout, "study %s: counted again: %s\n", study, names)
	} else {
		fmt.Fprintf(a.stdout, "study %s: set aside: %s (undo: budwood trial keep %s %s). budget.trials still includes them: raise it by %d to try as many others\n",
			study, names, study, names, len(ids))
	}
	switch {
	case after.Best == nil:
		fmt.Fprintln(a.stdout, "best    none: no other trial has a value")
	case before.Best == nil || before.Best.ID != after.Best.ID:
		fmt.Fprintf(a.stdout, "best    %s: %s, in place of %s\n", after.Best.Name(), after.Values(), nameOr(before.Best, "none"))
		return a.sayWeights(&st, after)
	default:
		fmt.Fprintf(a.stdout, "best    %s, as before\n", after.Best.Name())
	}
	return nil
}

func nameOr(r *search.Record, none string) string {
	if r == nil {
		return none
	}
	return r.Name()
}

// setAsideInStore changes the store itself.
func (a *app) setAsideInStore(reader *store.Store, study string, ids []int, why string) error {
	store, err := store.Open(reader.Path())
	if err != nil {
		return err
	}
	_, err = store.SetAside(a.ctx, study, ids, why)
	return errors.Join(err, store.Close())
}

// sayWeights says so if the network of a new best is no longer there: a study that
// ends keeps the weights of its best trial alone.
func (a *app) sayWeights(st *store.Study, r *budwood.Result) error {
	spec, err := specOf(st)
	if err != nil || spec.Data == nil || st.State == store.StudyRunning {
		return err
	}
	blobs, err := a.openBlobs()
	if err != nil {
		return err
	}
	if _, err := checkpointOf(a.ctx, blobs, r, r.Best); err == nil {
		return nil
	}
	fmt.Fprintf(a.stdout, "weights of %s are gone, as the study kept those of its best when it ended: to have them, raise budget.trials, run the file again, and meanwhile: budwood trial retry %s %s\n",
		r.Best.Name(), st.Name, r.Best.Name())
	return nil
}

// setAside counts the trials that are: ", 3 set aside"; "" if none is.
func setAside(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d set aside", n)
}

// partsOf lists what a version consists of: " (model.py, train.py)".
func partsOf(v segment.Version) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(v)), func(name string) bool { return v[name] == "" })
	if len(names) == 0 || v.ID() == v[names[0]] { // a Go objective has but a name
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}
