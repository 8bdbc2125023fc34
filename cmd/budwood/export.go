package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"budwood"
	"budwood/engine/data"
	"budwood/engine/onnx"
	"budwood/trials"
)

type exportCmd struct {
	Study string `arg:"" help:"Name of a study that has ended."`
	File  string `short:"f" help:"The file to write; STUDY.onnx by default." placeholder:"FILE" type:"path"`
}

func (c *exportCmd) Run(a *app) error {
	store, err := a.read()
	if err != nil {
		return err
	}
	defer store.Close()
	study, err := store.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	r, err := budwood.ReadResult(a.ctx, store, c.Study)
	if err != nil {
		return err
	}
	if r.Best == nil {
		return fmt.Errorf("study %s has no trial with a value yet", c.Study)
	}
	spec, err := specOf(&study)
	if err != nil {
		return err
	}
	blobs := filepath.Join(a.home, "blobs")
	key, err := checkpointOf(blobs, c.Study, r.Best.ID)
	if err != nil {
		return err
	}
	net, err := spec.Trained(a.ctx, &data.Cache{}, trials.Dir(blobs), key, r.Best.ID, r.Best.Params)
	if err != nil {
		return err
	}
	path := c.File
	if path == "" {
		path = c.Study + ".onnx"
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(onnx.Write(f, net), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("export %s: %w", r.Best.Name(), err), os.Remove(path))
	}
	fmt.Fprintf(a.stdout, "%s: %s of %s, %s %s; input rows×%v, output rows×%v\n", path, r.Best.Name(), c.Study, r.Main.Metric, number(r.Value), net.In(), net.Out())
	return nil
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
