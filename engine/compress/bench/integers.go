package main

import (
	"bytes"
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx"
	"budwood/engine/quant"
)

// inIntegers compares the network with itself in integers of 8 bits: points of accuracy,
// the root of the mean squared difference of logits, and sizes of files.
func (b *bench) inIntegers(n *engine.Net) error {
	var whole, graph bytes.Buffer
	if err := n.Save(&whole, engine.F32); err != nil {
		return err
	}
	if err := onnx.Write(&graph, n, onnx.Options{}); err != nil {
		return err
	}
	want := make([]float32, b.Test.Len()*n.Out().Size())
	if _, err := n.EvaluateTo(want, b.Test); err != nil {
		return err
	}
	fmt.Fprintln(b.out, "| calibration | points | agrees | rms of logits | safetensors | ONNX |")
	fmt.Fprintln(b.out, "|---|---|---|---|---|---|")
	for _, name := range []string{"minmax", "percentile: 99.99", "mse"} {
		c, err := quant.ParseCalibration(name)
		if err != nil {
			return err
		}
		q, err := quant.Quantize(n, b.Train, quant.Options{Calibration: c, Seed: b.seed})
		if err != nil {
			return err
		}
		got, err := q.Outputs(b.Test)
		if err != nil {
			return err
		}
		classes := n.Out().Size()
		right, agree, sum := 0, 0, 0.
		a, w := data.Argmax(got, classes), data.Argmax(want, classes)
		for i, c := range b.Test.Class {
			if a[i] == c {
				right++
			}
			if a[i] == w[i] {
				agree++
			}
		}
		for i, v := range want {
			d := float64(v - got[i])
			sum += d * d
		}
		var file, qdq bytes.Buffer
		if err := q.Save(&file); err != nil {
			return err
		}
		if err := onnx.WriteQ(&qdq, q, onnx.Options{}); err != nil {
			return err
		}
		rows := float64(len(b.Test.Class))
		fmt.Fprintf(b.out, "| %s | %+.2f | %.4f | %.4f | %d, %.2f x | %d, %.2f x |\n", name, 100*(float64(right)/rows-b.best), float64(agree)/rows, math.Sqrt(sum/float64(len(want))),
			file.Len(), float64(whole.Len())/float64(file.Len()), qdq.Len(), float64(graph.Len())/float64(qdq.Len()))
	}
	return nil
}
