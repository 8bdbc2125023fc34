package engine

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Summary prints the plan: each layer's output, parameters, multiply-accumulates
// and activations for one sample, and the memory of the whole.
func (n *Net) Summary() string {
	if n.err != nil {
		return n.err.Error()
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%v → %v, %v, batch %d, seed %d\n", n.in, n.out, n.cfg.Loss, n.cfg.Batch, n.cfg.Seed)
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "layer\t\toutput\tparams\tMACs\tactivations\t\n")
	for _, r := range n.plan.rows {
		kept := r.note
		if kept == "" && r.data != nil {
			kept = fmt.Sprint(r.data.sample)
		}
		fmt.Fprintf(w, "%s\t%s\t%v\t%d\t%d\t%s\t\n", r.path, r.layer, r.out, r.params, r.macs, kept)
	}
	w.Flush()
	c := n.plan.cost()
	rest := int64(len(n.arena)) - 2*aligned(int64(len(n.params)))
	fmt.Fprintf(&s, "%d parameters, %d MACs and %d activations a sample\n", c.Params, c.MACs, c.Activations)
	fmt.Fprintf(&s, "memory: parameters %s, gradients %s, activations and scratch %s, in all %s\n",
		bytes(c.Params), bytes(c.Params), bytes(rest), bytes(int64(len(n.arena))))
	return s.String()
}

// bytes writes the memory of a number of floats.
func bytes(floats int64) string {
	b := 4 * float64(floats)
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if b < 1024 {
			return fmt.Sprintf("%.4g %s", b, unit)
		}
		b /= 1024
	}
	return fmt.Sprintf("%.4g GiB", b)
}
