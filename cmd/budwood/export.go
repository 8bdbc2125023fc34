package main

import (
	"errors"
	"fmt"
	"os"

	"budwood/engine/data"
	"budwood/engine/onnx"
)

type exportCmd struct {
	Study string `arg:"" help:"Name of a study that has ended."`
	File  string `short:"f" help:"The file to write; STUDY.onnx by default." placeholder:"FILE" type:"path"`
}

func (c *exportCmd) Run(a *app) error {
	w, err := a.winner(c.Study)
	if err != nil {
		return err
	}
	net, err := w.spec.Trained(a.ctx, &data.Cache{}, w.blobs, w.key, w.Best.ID, w.Best.Params)
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
		return errors.Join(fmt.Errorf("export %s: %w", w.Best.Name(), err), os.Remove(path))
	}
	fmt.Fprintf(a.stdout, "%s: %s of %s, %s %s; input rows×%v, output rows×%v\n", path, w.Best.Name(), c.Study, w.Main.Metric, number(w.Value), net.In(), net.Out())
	return nil
}
