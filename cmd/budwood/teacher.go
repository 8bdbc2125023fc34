package main

import (
	"errors"

	"budwood/data"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/store"
)

// findTeacher finds the network that a study's networks learn from, if it has one.
func (a *app) findTeacher(db *store.Store, spec *study.Spec) error {
	if _, ok := spec.Train["teacher"]; !ok {
		return nil
	}
	blobs, err := a.makeBlobs()
	if err != nil {
		return err
	}
	most, _ := trials.TrialMemory()
	err = study.FindTeacher(a.ctx, db, &data.Cache{Max: most, Files: a.dataFiles(blobs)}, blobs, spec)
	if errors.As(err, new(*study.FieldError)) {
		return usageError{err}
	}
	return err
}
