// Command bench measures architecture search and prints Markdown: on the table
// of NAS-Bench-201, where networks are looked up, and in real training.
//
//	go run ./nas/bench -tables ../shared/bench/nas
//	go run ./nas/bench -real mnist|digits|tabular -data ../shared/data
//	go run ./nas/bench -real mnist|digits -rank 24 -data ../shared/data
//
// With -write BENCHMARKS.md the result replaces the part of the file between the
// marks "<!-- nas tables -->" (or mnist, digits, tabular) and "<!-- end -->".
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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
	tables := fs.String("tables", "", "directory of the tables")
	seeds := fs.Int("seeds", 100, "searches of each method on the tables")
	real := fs.String("real", "", "search by real training: mnist, digits or tabular")
	data := fs.String("data", "../shared/data", "directory of the data sets")
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
	write := fs.String("write", "", "file whose marked part the result replaces")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var b bytes.Buffer
	mark := *real
	var err error
	switch {
	case *real != "" && *rank > 0:
		mark += " ranks"
		err = ranking(ctx, &b, progress, *real, *data, *seed, *rank, *epochs, []int{*epochs, 5 * *epochs})
	case *real == "tabular":
		err = tabular(ctx, &b, progress, *data, *folds, *only, *sets, *seed, strings.Split(*samplers, ","), *limit, *timed)
	case *real != "":
		err = images(ctx, &b, progress, *real, *data, *seed, strings.Split(*samplers, ","), *inherit, *limit, *timed)
	case *tables != "":
		mark, err = "tables", nasBench(ctx, &b, *tables, *seeds)
	default:
		return fmt.Errorf("nothing to measure: give -tables DIR or -real NAME")
	}
	if err != nil {
		return err
	}
	if _, err := out.Write(b.Bytes()); err != nil || *write == "" {
		return err
	}
	return replace(*write, "nas "+mark, b.Bytes())
}

// replace puts text between two marks of a file.
func replace(file, mark string, text []byte) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	start, end := []byte("<!-- "+mark+" -->\n"), []byte("<!-- end -->")
	before, rest, ok := bytes.Cut(old, start)
	_, after, closed := bytes.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: the marks %q and %q are not there", file, bytes.TrimSpace(start), end)
	}
	return os.WriteFile(file, bytes.Join([][]byte{before, start, text, end, after}, nil), 0o644)
}
