// Mutate shows what the tests of a package would not notice. It makes small
// faults (mutants) in a copy of its code, such as <= for < or a removed
// assignment, runs the tests for each, and lists the mutants with which all of
// them still pass:
//
//	go run ./internal/mutate ./search -seed 2
//
// The copy is compiled once, with a switch for each mutant (mutant schemata;
// Untch, Offutt and Harrold 1993), and only the tests that come to the place of a
// mutant run with it. Neither the copy nor the tests write into the working tree.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// errFew says that too few mutants were noticed.
var errFew = errors.New("too few mutants were noticed")

// run is the command. It returns 1 if too few mutants were noticed and 2 if the
// measurement failed.
func run(args []string, stdout, stderr io.Writer) int {
	err := mutate(args, stdout, stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errFew):
		return 1
	}
	fmt.Fprintln(stderr, "mutate:", err)
	return 2
}

// options are the flags.
type options struct {
	seed     uint64
	n        int     // sampled mutants; 0 means all
	min      float64 // the part that has to be noticed
	parallel int
	tests    string // further packages whose tests run
	files    string // patterns of file names
	only     string // an expression for "file.go:line:column"
	run      string // an expression for the names of tests
	short    bool
	verbose  bool
	keys     bool
}

func mutate(args []string, stdout, stderr io.Writer) error {
	var o options
	fs := flag.NewFlagSet("mutate", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: mutate PACKAGE [flags]")
		fs.PrintDefaults()
	}
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the sample")
	fs.IntVar(&o.n, "n", 200, "sample so many mutants; 0: all")
	fs.Float64Var(&o.min, "min", .9, "exit with 1 if less than this `part` is noticed")
	fs.IntVar(&o.parallel, "p", 2, "run so many mutants at a time")
	fs.StringVar(&o.tests, "tests", "", "run the tests of these `packages` too (PKG,PKG)")
	fs.StringVar(&o.files, "files", "", "change only these `files` (asha.go,cmaes*.go)")
	fs.StringVar(&o.only, "only", "", "change only places file.go:line:column that this `expression` matches")
	fs.StringVar(&o.run, "run", "", "run only tests whose name this `expression` matches: without slow ones, for example")
	fs.BoolVar(&o.short, "short", false, "run the short tests")
	fs.BoolVar(&o.verbose, "v", false, "list the mutants that were noticed as well")
	fs.BoolVar(&o.keys, "keys", false, "list what was not noticed as lines for equivalent.txt, to which the reason has to be added")
	var pattern string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		pattern, args = args[0], args[1:]
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if pattern == "" || fs.NArg() > 0 {
		return errors.New("give one package, and then the flags")
	}
	return o.measure(pattern, stdout, stderr)
}

// measure does the work, for one package.
func (o *options) measure(pattern string, stdout, stderr io.Writer) error {
	start := time.Now()
	show := newProgress(stderr)
	defer show.clear()
	show.say("reading %s", pattern)
	found, err := load(pattern)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%s names %d packages; give one", pattern, len(found))
	}
	src := found[0]
	all := src.find()
	sampled, err := o.choose(src, all)
	if err != nil {
		return err
	}
	known, err := equivalents(equivalentList)
	if err != nil {
		return err
	}
	mutants := without(sampled, known)
	b := &bench{source: src, mutants: mutants, options: o, show: show, warn: func(format string, args ...any) {
		show.clear()
		fmt.Fprintf(stderr, format+"\n", args...)
	}}
	if b.dir, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.build(pattern, splitList(o.tests)); err != nil {
		return err
	}
	if err := b.trace(); err != nil {
		return err
	}
	if err := b.judge(); err != nil {
		return err
	}
	show.clear()
	for _, k := range stale(all, known) {
		fmt.Fprintf(stderr, "equivalent.txt: %s has no %q\n", src.path, k)
	}
	noticed := 0
	for _, m := range mutants {
		if m.noticed != "" {
			noticed++
		}
		switch {
		case m.noticed == "" && o.keys:
			fmt.Fprintln(stdout, m.key()+"\t")
		case m.noticed == "" || o.verbose:
			fmt.Fprintln(stdout, m.describe())
		}
	}
	part := 1.
	if len(mutants) > 0 {
		part = float64(noticed) / float64(len(mutants))
	}
	fmt.Fprintf(stdout, "%s: %d of %d mutants noticed (%.1f %%), %d equivalent left out, seed %d, %s\n",
		src.path, noticed, len(mutants), 100*part, len(sampled)-len(mutants), o.seed, time.Since(start).Round(time.Second))
	if part < o.min {
		return errFew
	}
	return nil
}

// choose samples from the mutants of the files and places that were asked for.
func (o *options) choose(src *source, all []*mutant) ([]*mutant, error) {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var some []*mutant
	for _, m := range all {
		in := o.files == ""
		for _, p := range splitList(o.files) {
			ok, err := path.Match(p, m.base())
			if err != nil {
				return nil, fmt.Errorf("-files %s: %w", p, err)
			}
			in = in || ok
		}
		if in && only.MatchString(m.place()) {
			some = append(some, m)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("there is nothing to change in %s", src.path)
	}
	return sample(some, o.n, o.seed), nil
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
