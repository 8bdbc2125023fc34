// Command fit fits the constants of package layout to published training runs, and
// tells how well they predict runs that they were not fitted to.
//
//	go run ./engine/layout/fit              the errors of the stored constants
//	go run ./engine/layout/fit -rewrite     fits, cross-validates and stores: some minutes
//	go run ./engine/layout/fit -check FILE  the errors on another table of the same format
//
// The runs are in runs.csv; README.md says where they were published.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"budwood/engine/layout"
)

//go:embed runs.csv
var table []byte

func main() {
	if err := do(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		os.Exit(1)
	}
}

func do(args []string, w io.Writer) error {
	flags := flag.NewFlagSet("fit", flag.ContinueOnError)
	rewrite := flags.Bool("rewrite", false, "fit the constants anew, cross-validate, and store them")
	check := flags.String("check", "", "tell the errors on this table instead")
	out := flags.String("o", "engine/layout/fitted.json", "where -rewrite stores the constants")
	if err := flags.Parse(args); err != nil {
		return err
	}
	src := table
	if *check != "" {
		var err error
		if src, err = os.ReadFile(*check); err != nil {
			return err
		}
	}
	runs, err := read(bytes.NewReader(src))
	if err != nil {
		return err
	}
	stored, err := layout.ReadFitted()
	if err != nil {
		return err
	}
	if *rewrite {
		k := fit(runs)
		stored = &layout.Fitted{Constants: *k, Crossed: cross(runs)}
	}
	p, wrong := predict(runs, &stored.Constants)
	if err := errors.Join(p.report(w, &stored.Constants), wrong); err != nil {
		return err
	}
	for _, c := range stored.Crossed {
		fmt.Fprintf(w, "cross-validated, %s: median %.1f %%, within 20 %%: %.0f %%, pairs %.0f %%\n", c.LeftOut, 100*c.Median, 100*c.Within, 100*c.Pairs)
	}
	if !*rewrite || *check != "" {
		return nil
	}
	for _, x := range p {
		stored.Residuals = append(stored.Residuals, layout.Residual{Source: x.source, Case: x.name, Measured: x.measured, Error: x.err()})
	}
	b, err := json.MarshalIndent(stored, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(*out, append(b, '\n'), 0o644)
}
