package main

import (
	"fmt"
	"io"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/quant"
	"budwood/learn/network"
	"budwood/search"
)

// tellLayers says which layers of a network compute in integers.
func tellLayers(out io.Writer, q *quant.Net) {
	floats := q.Floats()
	switch {
	case q.Products() == 0:
		fmt.Fprintf(out, "int8: no layer computes in integers; in float32 are %s\n", strings.Join(floats, ", "))
	case len(floats) == 0:
		fmt.Fprintf(out, "int8: all %d layers with weights compute in integers\n", q.Products())
	default:
		fmt.Fprintf(out, "int8: %d layers with weights compute in integers; in float32 stay %s\n", q.Products(), strings.Join(floats, ", "))
	}
}

// tellOfIntegers says what a network in integers loses against the network, on the
// validation rows or, where folds were trained, on the test rows, and how much smaller and
// faster it is.
func tellOfIntegers(out io.Writer, net *engine.Net, q *quant.Net, d *data.Data) error {
	rows, kind := d.Valid, "validation"
	if rows == nil || rows.Len() == 0 {
		rows, kind = d.Test, "test"
	}
	if rows == nil || rows.Len() == 0 {
		fmt.Fprintln(out, "int8: there are neither validation nor test rows to compare it on")
		return nil
	}
	was := make([]float32, rows.Len()*net.Out().Size())
	if _, err := net.EvaluateTo(was, rows); err != nil {
		return err
	}
	now, err := q.Outputs(rows)
	if err != nil {
		return err
	}
	v := network.Compare(was, now, rows, d.Classes)
	what, worst := "of the RMSE", ""
	if d.Classes > 0 {
		what = "of the accuracy"
		if v.Worst > 0 && v.WorstOf < len(d.ClassNames) {
			worst = fmt.Sprintf(", most of class %s (%.1f %%)", d.ClassNames[v.WorstOf], 100*v.Worst)
		}
	}
	fmt.Fprintf(out, "int8: on %d %s rows it loses %.4f %s (95 %%: %.4f to %.4f)%s and agrees on %.4f of them\n", rows.Len(), kind, v.Drop, what, v.Low, v.High, worst, v.Agrees)
	m := search.Metrics{}
	if err := network.Turns(net, network.Integers{Net: q, Of: net}, rows, m); err != nil {
		return err
	}
	for _, batch := range []int{1, 64} {
		speed := m[fmt.Sprintf("measured_speedup_%d", batch)]
		slower := ""
		if speed < 1 {
			slower = ": slower than float32"
		}
		fmt.Fprintf(out, "int8: measured at batch %d by turns: %.3g → %.3g µs of processor time a row, %.2fx%s\n", batch,
			m[fmt.Sprintf("original_measured_us_%d", batch)], m[fmt.Sprintf("plan_measured_us_%d", batch)], speed, slower)
	}
	return nil
}
