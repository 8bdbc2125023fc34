package engine

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Summary prints the plan: each layer's output, parameters, multiply-accumulates
// and activations for one sample, and the memory of the whole.
func (n *Net) Summary() string {
	if n.err != nil {
		return n.err.Error()
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%v → %v, %v, batch %d, seed %d\n", n.in, n.out, n.cfg.Loss, n.cfg.Batch, n.cfg.Seed)
	lines := [][]string{{"layer", "", "output", "params", "MACs", "activations"}}
	for _, r := range n.plan.Rows {
		kept := r.Note
		if kept == "" && r.Data != nil {
			kept = fmt.Sprint(r.Data.Sample)
		}
		lines = append(lines, []string{r.Path, r.Layer, r.Out.String(), fmt.Sprint(r.Params), fmt.Sprint(r.MACs), kept})
	}
	table(&s, lines)
	c := n.Cost()
	fmt.Fprintf(&s, "%d parameters, %d MACs and %d activations a sample\n", c.Params, c.MACs, c.Activations)
	m := memoryOf(n.plan, n.in, n.out, &n.cfg, nil, nil, nil, nil)
	fmt.Fprintf(&s, "memory: parameters %s, gradients %s, activations and scratch %s, in all %s and the optimizer's state; inference alone %s\n",
		memory(m.Params), memory(m.Grads), memory(m.Activations), memory(m.Train), memory(m.Infer))
	return s.String()
}

// table writes lines of cells, the first three columns to the left, the others
// to the right.
func table(s *strings.Builder, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, l := range lines {
		for i, cell := range l {
			if i < 3 {
				fmt.Fprintf(s, "%-*s  ", widths[i], cell)
			} else {
				fmt.Fprintf(s, "%*s", widths[i]+2*min(i-3, 1), cell)
			}
		}
		s.WriteByte('\n')
	}
}
