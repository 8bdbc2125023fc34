package main

import (
	"fmt"
	"path/filepath"

	"budwood"
	"budwood/trials"
	"budwood/workflows"
)

// winner is the best trial of a study, and where the weights of its network are.
type winner struct {
	*budwood.Result
	spec  *workflows.Spec
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
	blobs := filepath.Join(a.home, "blobs")
	key, err := checkpointOf(blobs, study, r.Best.ID)
	return &winner{r, spec, trials.Dir(blobs), key}, err
}

// checkpointOf is the key of the last checkpoint of a trial; a study that has
// ended keeps that of its best trial.
func checkpointOf(blobs, study string, trial int) (string, error) {
	prefix := trials.TrialKey(study, trial)
	list, err := filepath.Glob(filepath.Join(blobs, filepath.FromSlash(prefix), "e*"))
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", fmt.Errorf("study %s: the checkpoint of its best trial %s is not in %s: the study runs yet, or trained on another machine", study, prefix, blobs)
	}
	return prefix + "/" + filepath.Base(list[len(list)-1]), nil
}
