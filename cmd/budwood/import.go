package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx/reader"
	"budwood/engine/pretrained"
)

type importCmd struct {
	File    string `arg:"" help:"An ONNX file, or a safetensors file with the names of torchvision or timm." type:"path"`
	Network string `help:"Architecture of a safetensors file." placeholder:"NAME"`
	Input   string `help:"Shape of one sample where the file leaves it open: an ONNX file's own order, as 3x224x224; height, width and channels for safetensors, as 224x224x3." placeholder:"SHAPE"`
	Check   pair   `help:"Compare: what the network predicts for the rows of the first file (numpy.save, in the file's order) with the second." placeholder:"X.npy Y.npy"`
}

// pair is two files that a flag takes.
type pair [2]string

// Decode implements kong.MapperValue.
func (p *pair) Decode(ctx *kong.DecodeContext) error {
	for i := range p {
		if err := ctx.Scan.PopValueInto("file", &p[i]); err != nil {
			return fmt.Errorf("two files belong to it, X.npy and Y.npy: %w", err)
		}
	}
	return nil
}

// checkBound is the largest difference, as a share of the largest output, that counts as
// the same.
const checkBound = 1e-4

// Run reads a network and prints what it is.
func (c *importCmd) Run(a *app) error {
	in, err := shapeOf(c.Input)
	if err != nil {
		return usageError{fmt.Errorf("--input: %w", err)}
	}
	var dims data.Shape
	var x, want []float32
	if c.Check != (pair{}) {
		if dims, x, err = readArray(c.Check[0]); err != nil {
			return usageError{fmt.Errorf("--check: %w", err)}
		}
		if _, want, err = readArray(c.Check[1]); err != nil {
			return usageError{fmt.Errorf("--check: %w", err)}
		}
		if in == nil && len(dims) > 1 {
			if in = dims[1:]; c.Network != "" && len(in) == 3 {
				in = data.Shape{in[1], in[2], in[0]}
			}
		}
	}
	f, err := os.Open(c.File)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return usageError{err}
		}
		return err
	}
	defer f.Close()
	m, err := pretrained.Read(c.File, f, pretrained.Options{Network: c.Network, In: in})
	if err != nil {
		return usageError{err}
	}
	n, err := m.Compile(engine.Config{Batch: 1})
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(c.File), err)
	}
	w := a.stdout
	at := m.In
	t := table{head: []string{"", "LAYER", "OUTPUT", "PARAMETERS"}}
	for i, l := range m.Layer {
		out, cost, err := engine.Measure(l, at)
		if err != nil {
			return err
		}
		t.add(strconv.Itoa(i), brief(l.String()), out.String(), fmt.Sprint(cost.Params))
		at = out
	}
	if err := t.print(w); err != nil {
		return err
	}
	source := "safetensors, as " + c.Network
	if m.Opset > 0 {
		source = fmt.Sprintf("ONNX, opset %d, by %s", m.Opset, cmp.Or(m.Producer, "an unknown program"))
	}
	fmt.Fprintf(w, "\nfile     %s: %s\n", filepath.Base(c.File), source)
	fmt.Fprintf(w, "network  %d parameters, %d multiply-accumulates a row\n", len(n.Params()), n.Cost().MACs)
	was := ""
	if m.First {
		was = fmt.Sprintf(" (in the file %v, channels first)", m.FileIn)
	}
	fmt.Fprintf(w, "input    %v%s\n", n.In(), was)
	was = ""
	if m.Softmax {
		was = " (in the file their softmax)"
	}
	fmt.Fprintf(w, "output   %v%s\n", n.Out(), was)
	for _, line := range m.Ignored {
		fmt.Fprintf(w, "ignored  %s\n", line)
	}
	for _, line := range append(m.Notes, unnormed(m)...) {
		fmt.Fprintf(w, "note     %s\n", line)
	}
	if want == nil {
		return nil
	}
	return c.compare(a, m, n, dims, x, want)
}

// compare checks the network against outputs that are known.
func (c *importCmd) compare(a *app, m *reader.Model, n *engine.Net, dims data.Shape, x, want []float32) error {
	if len(dims) < 2 || !data.Shape(dims[1:]).Equal(m.FileIn) {
		return usageError{fmt.Errorf("--check: %s has the shape %v; rows of the file are %v", c.Check[0], dims, m.FileIn)}
	}
	y := make([]float32, dims[0]*n.Out().Size())
	if err := n.Predict(m.Rows(x), y); err != nil {
		return err
	}
	y = m.Outputs(y)
	if len(y) != len(want) {
		return usageError{fmt.Errorf("--check: %s has %d numbers, the network gives %d for %d rows", c.Check[1], len(want), len(y), dims[0])}
	}
	var most, worst float64
	for i, v := range want {
		most = max(most, math.Abs(float64(v)))
		if d := math.Abs(float64(v) - float64(y[i])); !(d <= worst) {
			worst = d
		}
	}
	share := worst / most
	if most == 0 {
		share = worst
	}
	fmt.Fprintf(a.stdout, "check    %s: largest difference %.2g, %.2g of the largest output %.4g\n", plural(dims[0], "row"), worst, share, most)
	if !(share <= checkBound) {
		return fmt.Errorf("%s: the network differs from %s by %.2g of its largest output; at most %g is the same", filepath.Base(c.File), filepath.Base(c.Check[1]), share, checkBound)
	}
	return nil
}

// unnormed says that convolutions have no batch norm, as after an export for inference.
func unnormed(m *reader.Model) []string {
	convs, norms := 0, 0
	count(m.Layer, func(l engine.Layer) {
		switch l.(type) {
		case engine.Conv, engine.Conv1D:
			convs++
		case engine.BatchNorm:
			norms++
		}
	})
	if convs < 2 || norms > 0 {
		return nil
	}
	return []string{fmt.Sprintf("its %d convolutions have no batch norm: an export for inference folds it in. It can be trained all the same", convs)}
}

// brief is the beginning of a layer's description that fits a line.
func brief(s string) string {
	const most = 46
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// count calls f for each layer within a network.
func count(l engine.Layer, f func(engine.Layer)) {
	f(l)
	switch l := l.(type) {
	case engine.Seq:
		for _, x := range l {
			count(x, f)
		}
	case engine.Residual:
		count(l.Body, f)
	case engine.Par:
		for _, x := range l.Branches {
			count(x, f)
		}
	case engine.Cell:
		for _, e := range l.Edges {
			count(e.Body, f)
		}
	}
}

func readArray(file string) (data.Shape, []float32, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	dims, x, err := data.ReadNPY(bytes.NewReader(b))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return dims, x, nil
}

// shapeOf reads a shape, as 3x224x224; nil for none.
func shapeOf(text string) (s data.Shape, err error) {
	if text == "" {
		return nil, nil
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == 'x' || r == '×' || r == ',' }) {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no shape: write sizes with an x between, as 3x224x224", text)
		}
		s = append(s, n)
	}
	return s, nil
}
