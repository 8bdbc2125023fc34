package main

import (
	"fmt"
	"time"

	"budwood/data"
	"budwood/trials"
	"budwood/trials/store"
	"budwood/workflows"
)

type stopCmd struct {
	Study string `arg:"" help:"Name of the study."`
	Now   bool   `help:"Stop the running trials too, instead of letting them finish their segments."`
}

func (c *stopCmd) Run(a *app) error {
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
		fmt.Fprintf(a.stdout, "study %s has ended already: %s\n", c.Study, study.State)
		return nil
	}
	done, err := a.update(c.Study, workflows.StopUpdate, workflows.StopRequest{Now: c.Now})
	if err != nil {
		return err
	}
	defer done()
	for {
		study, err = db.Study(a.ctx, c.Study)
		if err != nil {
			return err
		}
		if study.State != store.StudyRunning {
			return a.summary(db, c.Study)
		}
		select {
		case <-a.ctx.Done():
			a.say("study %s is ending; its running trials finish their segments", c.Study)
			return errDetached
		case <-time.After(100 * time.Millisecond):
		}
	}
}

type rmCmd struct {
	Study string `arg:"" help:"Name of the study."`
}

func (c *rmCmd) Run(a *app) error {
	st, err := a.state()
	if err != nil {
		return err
	}
	defer st.Close()
	study, err := st.Store.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	if study.State == store.StudyRunning {
		return usageError{fmt.Errorf("study %s is running: end it first with budwood stop %s", c.Study, c.Study)}
	}
	if err := st.Files.Blobs.DeleteAll(a.ctx, trials.StudyKey(c.Study)); err != nil {
		return err
	}
	if err := st.Files.Blobs.DeleteAll(a.ctx, trials.OutputsKey(c.Study)); err != nil {
		return err
	}
	if err := st.Store.Delete(a.ctx, c.Study); err != nil {
		return err
	}
	specs, err := st.Store.Specs(a.ctx)
	if err != nil {
		return err
	}
	var used []data.Source
	for _, raw := range specs {
		spec, err := specOf(&store.Study{Spec: raw})
		if err != nil { // what data it has cannot be told
			return err
		}
		if spec.Data != nil {
			used = append(used, *spec.Data)
		}
	}
	if err := st.Files.Drop(a.ctx, used); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "study %s is deleted\n", c.Study)
	return nil
}
