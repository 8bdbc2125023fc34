package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx"
	"budwood/engine/quant"
	"budwood/learn/network"
)

type exportCmd struct {
	Study       string `arg:"" help:"Name of a study that has ended."`
	File        string `short:"f" help:"The file to write; STUDY.onnx by default. FILE.safetensors holds the weights alone." placeholder:"FILE" type:"path"`
	Dtype       string `help:"Number format of the weights: f32; f16 or bf16, which take half the space; int8: computed in integers, compared with the network on the validation rows. By default f32, of a compressed network in integers int8." enum:",f32,f16,bf16,int8" default:"" placeholder:"FORMAT"`
	Trial       string `help:"Another trial than the best, such as one of the front." placeholder:"t0012"`
	NetworkOnly bool   `help:"Leave out the preparation of the data: the network then takes encoded rows."`
}

var dtypes = map[string]engine.Precision{"": engine.F32, "f32": engine.F32, "f16": engine.FP16, "bf16": engine.BF16}

const aboutExt = ".json" // of the file beside a network

// Run writes the network of the best trial, or of the one that is named, and beside it, as JSON, what its
// input columns and its outputs are called.
func (c *exportCmd) Run(a *app) error {
	switch {
	case filepath.Ext(c.File) == aboutExt:
		return usageError{fmt.Errorf("--file: columns and classes are written beside the network, to a file with %s: give the network another ending, like .onnx", aboutExt)}
	case c.File == "-":
		return usageError{errors.New("--file: two files are written, and - is one: give the name of a file")}
	}
	w, err := a.trainedTrial(c.Study, c.Trial)
	if err != nil {
		return err
	}
	if learner := w.spec.Learner(w.trial.Params); learner != "network" {
		return c.exportTrees(a, w, learner)
	}
	d, best, err := w.spec.TrainedOn(a.ctx, w.data, w.blobs, w.key, w.trial.ID, w.trial.Params)
	if err != nil {
		return err
	}
	path := c.File
	if path == "" {
		path = c.Study + ".onnx"
	}
	in := best.In()
	var net *engine.Net
	var q *quant.Net
	ints, already := best.(network.Integers)
	switch {
	case already && c.Dtype != "" && c.Dtype != "int8":
		return usageError{fmt.Errorf("--dtype %s: %s of %s computes in integers: leave --dtype away", c.Dtype, w.trial.Name(), c.Study)}
	case already:
		net, q = ints.Of, ints.Net
	default:
		net = best.(*engine.Net)
		if c.Dtype == "int8" {
			if q, err = quant.Quantize(net, d.Train, quant.Options{}); err != nil {
				return fmt.Errorf("export %s: %w", w.trial.Name(), err)
			}
		}
	}
	write, writeONNX := func(f io.Writer) error { return net.Save(f, dtypes[c.Dtype]) }, func(f io.Writer, o onnx.Options) error { return onnx.Write(f, net, o) }
	if q != nil {
		write, writeONNX = q.Save, func(f io.Writer, o onnx.Options) error { return onnx.WriteQ(f, q, o) }
	}
	if filepath.Ext(path) == ".safetensors" {
		err = create(path, write)
	} else {
		o := onnx.Options{Weights: dtypes[c.Dtype]}
		if !c.NetworkOnly {
			o.Data, in = d.Preparation, d.Preparation.Raw()
		}
		err = create(path, func(f io.Writer) error { return writeONNX(f, o) })
	}
	if err != nil {
		return fmt.Errorf("export %s: %w", w.trial.Name(), err)
	}
	about, err := tellOfData(path, d.Preparation)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %s of %s, %s; input rows×%v, output rows×%v; columns and classes in %s\n",
		path, w.trial.Name(), c.Study, w.ValuesOf(w.trial), in, net.Out(), about)
	if q == nil {
		return nil
	}
	tellLayers(a.stdout, q)
	if already { // the study has compared it
		return nil
	}
	return tellOfIntegers(a.stdout, net, q, d)
}

// tellOfData writes what columns and classes are called beside a model.
func tellOfData(path string, p *data.Preparation) (about string, err error) {
	about = strings.TrimSuffix(path, filepath.Ext(path)) + aboutExt
	return about, create(about, func(f io.Writer) error {
		e := json.NewEncoder(f)
		e.SetIndent("", " ")
		return e.Encode(p)
	})
}

// create writes a file, of which nothing is left after an error.
func create(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err := errors.Join(err, write(f), f.Close()); err != nil {
		if st != nil && st.Mode().IsRegular() { // not a device
			return errors.Join(err, os.Remove(path))
		}
		return err
	}
	return nil
}
