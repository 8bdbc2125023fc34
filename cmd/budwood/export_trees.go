package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"budwood/engine/onnx"
)

// exportTrees writes the model of a trial whose learner is no network, to be read by onnxruntime or, as
// FILE.trees, by package trees.
func (c *exportCmd) exportTrees(a *app, w *trained, learner string) error {
	switch {
	case c.Dtype != "" && c.Dtype != "f32":
		return usageError{fmt.Errorf("--dtype %s: %s of %s is a model of %s, whose numbers are written as f32", c.Dtype, w.trial.Name(), c.Study, learner)}
	case filepath.Ext(c.File) == ".safetensors":
		return usageError{errors.New("--file: the weights of a network are written as .safetensors; trees as .onnx or .trees")}
	}
	d, m, err := w.spec.Trees(a.ctx, w.data, w.blobs, w.key, w.trial.ID, w.trial.Params)
	if err != nil {
		return err
	}
	path := c.File
	if path == "" {
		path = c.Study + ".onnx"
	}
	in := d.Train.Shape
	if filepath.Ext(path) == ".trees" {
		err = create(path, m.Save)
	} else {
		o := onnx.Options{}
		if !c.NetworkOnly {
			o.Data, in = d.Preparation, d.Preparation.Raw()
			if m.Loss == "poisson" { // its values are in the target's own unit
				own := *d.Preparation
				own.TargetMean, own.TargetScale, o.Data = 0, 1, &own
			}
		}
		err = create(path, func(f io.Writer) error { return onnx.WriteTrees(f, m, d.Preparation, d.Train.Shape.Size(), o) })
	}
	if err != nil {
		return fmt.Errorf("export %s: %w", w.trial.Name(), err)
	}
	about, err := tellOfData(path, d.Preparation)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %s of %s, %s, %s; input rows×%v, output rows×%d; columns and classes in %s\n",
		path, w.trial.Name(), c.Study, learner, w.ValuesOf(w.trial), in, m.Predictions(), about)
	return nil
}
