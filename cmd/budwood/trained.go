package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"budwood"
	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/store"
)

// trained is a trial of a study, and where the weights of its network are.
type trained struct {
	*budwood.Result
	trial *search.Record
	spec  *study.Spec
	data  *data.Cache
	blobs blob.Store
	key   string
}

// trainedTrial finds a trial of a study that has weights, by name; "" is the best.
func (a *app) trainedTrial(study, name string) (*trained, error) {
	store, err := a.read()
	if err != nil {
		return nil, err
	}
	defer store.Close()
	s, err := store.Study(a.ctx, study)
	if err != nil {
		return nil, err
	}
	r, err := budwood.ReadResult(a.ctx, store, study)
	if err != nil {
		return nil, err
	}
	t, err := a.chosen(store, r, name)
	if err != nil {
		return nil, err
	}
	if r.Note != "" && t.ID == r.Best.ID {
		a.say("%s", r.Note)
	}
	spec, err := specOf(&s)
	if err != nil {
		return nil, err
	}
	blobs, err := a.openBlobs()
	if err != nil {
		return nil, err
	}
	key, err := checkpointOf(a.ctx, blobs, r, t)
	return &trained{r, t, spec, &data.Cache{Files: a.dataFiles(blobs)}, blobs, key}, err
}

// chosen is the trial of a name like t0012 or 12, or without one the best.
func (a *app) chosen(db *store.Store, r *budwood.Result, name string) (*search.Record, error) {
	if name == "" {
		if r.Best == nil {
			if r.Count > 0 && r.Aside == r.Count {
				return nil, errAllAside(r.Study)
			}
			return nil, fmt.Errorf("study %s has no trial with a value yet", r.Study)
		}
		return r.Best, nil
	}
	id, err := trialNumber(name)
	var rec search.Record
	if err == nil {
		rec, err = db.At(a.ctx, r.Study, id)
	}
	switch {
	case err == nil:
		return &rec, nil
	case r.Count == 0:
		return nil, usageError{fmt.Errorf("study %s has no trials yet", r.Study)}
	case errors.As(err, new(usageError)), errors.Is(err, store.ErrNoTrial):
		return nil, usageError{fmt.Errorf("study %s has no trial %q; its trials are t0000 to %s", r.Study, name, search.TrialName(r.Count-1))}
	}
	return nil, err
}

// checkpointOf is the key of the last checkpoint of a trial.
func checkpointOf(ctx context.Context, blobs blob.Store, r *budwood.Result, t *search.Record) (string, error) {
	list, err := blobs.List(ctx, trials.StudyKey(r.Study))
	if err != nil {
		return "", err
	}
	key := ""
	var others []string // trials with weights
	for _, b := range list {
		name, checkpoint, _ := strings.Cut(strings.TrimPrefix(b.Key, trials.StudyKey(r.Study)+"/"), "/")
		switch {
		case !strings.HasPrefix(checkpoint, "e"):
		case name == t.Name():
			key = b.Key
		case !slices.Contains(others, name):
			others = append(others, name)
		}
	}
	_, measured := t.Last()
	switch {
	case !measured && !t.State.Ended():
		return "", fmt.Errorf("study %s: %s has no weights yet: it is %s", r.Study, t.Name(), t.State)
	case !measured || !t.State.Usable():
		return "", fmt.Errorf("study %s: %s has no weights: it is %s: %s", r.Study, t.Name(), t.State, study.DescribeReason(t.Reason))
	case key != "":
		return key, nil
	case len(others) == 0:
		return "", fmt.Errorf("study %s: the checkpoint of %s is not in %v: the study still runs, better trials were set aside after it had ended, or its workers kept checkpoints elsewhere; say where with --blobs", r.Study, t.Name(), blobs)
	}
	return "", fmt.Errorf("study %s: the weights of %s are not kept, those of %s are: choose one of them with --trial, or run the file under another --name with keep: %d, which keeps those of the best", r.Study, t.Name(), some(others, 8), 10)
}

// some joins the first of many words, and counts the rest.
func some(words []string, most int) string {
	if n := len(words) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), n)
	}
	return strings.Join(words, ", ")
}
