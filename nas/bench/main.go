// Command bench measures architecture search and prints Markdown: on the table
// of NAS-Bench-201, where networks are looked up, and in real training.
//
//	go run ./nas/bench
//	go run ./nas/bench -real mnist|digits|tabular
//	go run ./nas/bench -real mnist|digits -rank 24
//
// All but the digits read the folder that $BUDWOOD_DATA names. With -write
// docs/benchmarks the tables are kept there as CSV and shown by the pages.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"budwood/internal/bench"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	tables := fs.String("tables", bench.Data("bench", "nas"), "directory of the tables")
	seeds := fs.Int("seeds", 100, "searches of each method on the tables")
	real := fs.String("real", "", "search by real training: mnist, digits or tabular")
	data := fs.String("data", bench.Data("data"), "directory of the data sets")
	seed := fs.Uint64("seed", 1, "of a search by real training")
	sets := fs.Int("sets", 10, "how many of the tabular sets")
	folds := fs.String("folds", "", "directory that keeps the folds of the tabular sets and what was found; a later run goes on there")
	only := fs.String("only", "", "comma-separated names of tabular sets, instead of the first ones")
	samplers := fs.String("samplers", "evolution,random", "comma-separated, or oneshot, which is evolution over a supernet, of a search by real training; the others have as long as the first took")
	limit := fs.Duration("time", 0, "of a search by real training, instead of the study file's")
	inherit := fs.Bool("inherit", false, "children begin with their parents' weights, in a search by real training on images")
	rank := fs.Int("rank", 0, "instead of a search, how many networks to rank by shared weights and by training each alone")
	epochs := fs.Int("epochs", 27, "with -rank: of each network alone; shared weights get as many, and five times as many")
	timed := fs.Bool("timed", true, "keep the time limits of the study files; without, each sampler gets as many trials")
	write := fs.String("write", "", "folder of pages, docs/benchmarks, that keeps and shows the result")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *real == "" && *tables == "" || *data == "" && *real != "" && *real != "digits" { // the digits are in the repository
		return bench.ErrNoData
	}
	var found []bench.Table
	var err error
	switch {
	case *real != "" && *rank > 0:
		found, err = ranking(ctx, progress, *real, *data, *seed, *rank, *epochs, []int{*epochs, 5 * *epochs})
	case *real == "tabular":
		found, err = tabular(ctx, progress, *data, *folds, *only, *sets, *seed, strings.Split(*samplers, ","), *limit, *timed)
	case *real != "":
		found, err = images(ctx, progress, *real, *data, *seed, strings.Split(*samplers, ","), *inherit, *limit, *timed)
	default:
		found, err = nasBench(ctx, *tables, *seeds)
	}
	if err != nil {
		return err
	}
	for _, t := range found {
		if _, err := fmt.Fprintf(out, "%s\n%s\n", t.Name, t.Markdown()); err != nil {
			return err
		}
	}
	if *write == "" {
		return nil
	}
	return bench.Write(*write, found...)
}
