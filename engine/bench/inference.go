package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"budwood/engine"
	"budwood/engine/calibrate"
	"budwood/engine/onnx"
)

// batches of the table of inference, and how many of them onnxruntime computes in one
// call, so that its binding does not count.
var inferenceBatches = []struct{ rows, copies int }{{1, 64}, {64, 8}}

// inference prints what a row takes without training, beside onnxruntime on the exported
// file, by turns: the fastest turn of each, which a busy machine disturbs least.
func inference(out io.Writer, models []model, npm string, rounds int, seconds float64) error {
	peer, err := startRuntime(npm)
	if err != nil {
		fmt.Fprintf(out, "\ninference: no comparison: %v\n", err)
	} else {
		defer peer.stop()
		fmt.Fprintf(out, "\ninference, one thread, beside onnxruntime-node %s (without its binding: many batches in a call); fastest turns\n", peer.version)
	}
	fmt.Fprintf(out, "\n| model, batch | µs a row | onnxruntime | ratio |\n|---|---|---|---|\n")
	for _, m := range models {
		n, err := engine.Compile(m.layers, m.in, engine.Config{Batch: 64, Seed: 1})
		if err != nil {
			return fmt.Errorf("model %s: %w", m.name, err)
		}
		for _, b := range inferenceBatches {
			if err := infer(out, m, n, b.rows, b.copies, peer, rounds, seconds); err != nil {
				return fmt.Errorf("model %s: %w", m.name, err)
			}
		}
	}
	return nil
}

// infer prints a line of the table.
func infer(out io.Writer, m model, n *engine.Net, batch, times int, peer *onnxRuntime, rounds int, seconds float64) error {
	rows := batch * times
	dims := append([]int{rows}, m.in...)
	file := ""
	if peer != nil {
		file = filepath.Join(peer.folder, fmt.Sprintf("%s%d.onnx", m.name, batch))
		var b bytes.Buffer
		if err := onnx.Write(&b, n, onnx.Options{}); err != nil {
			return err
		}
		many, err := copies(b.Bytes(), times)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, many, 0o600); err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	x, y := make([]float32, rows*m.in.Size()), make([]float32, rows*n.Out().Size())
	for i := range x {
		x[i] = 2*r.Float32() - 1
	}
	f, err := n.Inference()
	if err != nil {
		return err
	}
	var ours, theirs []float64
	for range rounds {
		a, err := perRow(f, x, y, rows, batch, seconds)
		if err != nil {
			return err
		}
		ours = append(ours, a)
		if peer == nil {
			continue
		}
		b, err := peer.run(file, dims, seconds)
		if err != nil {
			return err
		}
		theirs = append(theirs, b)
	}
	fmt.Fprintf(out, "| %s) %s, %d | %.2f |", m.name, m.what, batch, slices.Min(ours))
	if peer == nil {
		fmt.Fprintln(out, " – | – |")
		return nil
	}
	fmt.Fprintf(out, " %.2f | %.2f× |\n", slices.Min(theirs), slices.Min(theirs)/slices.Min(ours))
	return nil
}

// perRow predicts batch after batch for some seconds of processor time, and returns the
// microseconds of a row. x and y are those of many batches.
func perRow(f *engine.Inference, x, y []float32, rows, batch int, seconds float64) (float64, error) {
	in, w := len(x)/rows*batch, len(y)/rows*batch
	done, start := 0, calibrate.Clock()
	for {
		for at, to := 0, 0; at < len(x); at, to = at+in, to+w {
			if err := f.Predict(x[at:at+in], y[to:to+w]); err != nil {
				return 0, err
			}
		}
		done += rows
		if took := calibrate.Clock() - start; took >= seconds {
			return took / float64(done) * 1e6, nil
		}
	}
}
