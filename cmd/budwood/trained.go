package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"budwood"
	"budwood/engine/data"
	"budwood/trials"
	"budwood/workflows"
)

// winner is the best trial of a study, and where the weights of its network are.
type winner struct {
	*budwood.Result
	spec  *workflows.Spec
	data  *data.Cache
	blobs trials.Blobs
	key   string
}

// winner finds the best trial of a study.
func (a *app) winner(study string) (*winner, error) {
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
	if r.Best == nil {
		return nil, fmt.Errorf("study %s has no trial with a value yet", study)
	}
	spec, err := specOf(&s)
	if err != nil {
		return nil, err
	}
	blobs, err := a.openBlobs()
	if err != nil {
		return nil, err
	}
	key, err := checkpointOf(a.ctx, blobs, study, r.Best.ID)
	return &winner{r, spec, &data.Cache{Files: a.dataFiles(blobs)}, blobs, key}, err
}

// checkpointOf is the key of the last checkpoint of a trial; a study that has
// ended keeps that of its best trial.
func checkpointOf(ctx context.Context, blobs trials.Blobs, study string, trial int) (string, error) {
	prefix := trials.TrialKey(study, trial)
	list, err := blobs.List(ctx, prefix)
	if err != nil {
		return "", err
	}
	list = slices.DeleteFunc(list, func(b trials.Blob) bool { return !strings.HasPrefix(b.Key, prefix+"/e") })
	if len(list) == 0 {
		return "", fmt.Errorf("study %s: the checkpoint of its best trial %s is not in %v: the study runs yet, better ones were set aside after it had ended, or its workers kept checkpoints elsewhere; say where with --blobs", study, prefix, blobs)
	}
	return list[len(list)-1].Key, nil
}
