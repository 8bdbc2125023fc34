// Command bench measures how fast the engine trains, on one thread, and compares
// it with PyTorch if that is installed: both programs take turns in one run, so
// that what the machine does besides meets both, and medians are printed. It
// prints five tables: training, products of matrices beside the processor's
// peak, two trainings at once beside one, one training on two threads, and, where it is asked for, the
// predicted time of steps beside the measured one (mesh), and inference beside onnxruntime (inference).
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"

	"budwood/engine/calibrate"
	"budwood/engine/kernel"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	names := fs.String("models", "", "letters of the models to train; all by default")
	rounds := fs.Int("rounds", 5, "turns of each program")
	seconds := fs.Float64("seconds", 0.5, "processor time of a turn")
	tables := fs.String("tables", "train,gemm,pair,lanes,ranks", "what to measure")
	machine := fs.String("machine", "", "file of what budwood doctor --calibrate measured, or built-in; for the table mesh, which else measures this machine")
	npm := fs.String("onnxruntime", os.Getenv("ONNXRUNTIME"), "folder in which npm has installed onnxruntime-node; for the table inference")
	python := fs.String("python", "python3,/usr/bin/python3", "where to look for PyTorch; nothing: no comparison")
	if err := fs.Parse(args); err != nil {
		return err
	}
	cpu, err := kernel.CPU()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s/%s, %d processors, kernels for %s; %d rounds of %g s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu, *rounds, *seconds)
	var chosen []model
	for _, m := range models {
		if strings.Contains(*names, m.name) || *names == "" {
			chosen = append(chosen, m)
		}
	}
	for _, t := range strings.Split(*tables, ",") {
		switch t {
		case "train":
			err = compare(out, chosen, strings.Split(*python, ","), *rounds, *seconds)
		case "gemm":
			gemmTable(out, *rounds, *seconds/4)
			if cpu == "avx512" {
				err = narrow(out, args)
			}
		case "pair":
			err = pairs(out, chosen, *rounds, *seconds)
		case "lanes":
			err = lanes(out, chosen, 20**rounds)
		case "ranks":
			err = ranks(out, chosen, 20**rounds)
		case "pipeline":
			err = pipelines(out, 100**rounds)
		case "mesh":
			err = predictions(out, chosen, *machine, 8**rounds)
		case "inference":
			err = inference(out, chosen, *npm, *rounds, *seconds)
		default:
			err = fmt.Errorf("table %q: is none of train, gemm, pair, lanes, ranks, pipeline, mesh, inference", t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// narrow prints the table of products once more, with the kernels for AVX2,
// which are chosen when a program starts.
func narrow(out io.Writer, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append(args, "-tables", "gemm")...)
	cmd.Env = append(os.Environ(), "ENGINE_CPU=avx2")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return cmd.Run()
}

// compare prints the table of training.
func compare(out io.Writer, models []model, pythons []string, rounds int, seconds float64) error {
	env := tuned
	if cpu, _ := kernel.CPU(); cpu == "avx512" {
		env = slices.Concat(env, tuned512)
	}
	peer, err := startTorch(pythons, env)
	if err != nil {
		fmt.Fprintf(out, "\nno comparison: %v\n", err)
	} else {
		defer peer.stop()
		fmt.Fprintf(out, "\nPyTorch %s, one thread, %s\n", peer.version, strings.Join(env, " "))
	}
	fmt.Fprintf(out, "\n| model, batch | samples/s | PyTorch | ratio | peak, GFLOP/s |\n|---|---|---|---|---|\n")
	for _, m := range models {
		t, err := newTraining(m)
		if err != nil {
			return fmt.Errorf("model %s: %w", m.name, err)
		}
		var ours, theirs, ratios, peaks []float64
		for range rounds {
			a, err := t.run(seconds, calibrate.Clock)
			if err != nil {
				return fmt.Errorf("model %s: %w", m.name, err)
			}
			ours = append(ours, a)
			peaks = append(peaks, flops(0.02, func() float64 { return kernel.Peak(1 << 12) }))
			if peer == nil {
				continue
			}
			b, err := peer.rate(m.name, seconds)
			if err != nil {
				return err
			}
			theirs, ratios = append(theirs, b), append(ratios, a/b)
		}
		fmt.Fprintf(out, "| %s) %s, %d | %.0f |", m.name, m.what, m.batch, median(ours))
		if peer != nil {
			fmt.Fprintf(out, " %.0f | %.1f× |", median(theirs), median(ratios))
		} else {
			fmt.Fprint(out, " – | – |")
		}
		fmt.Fprintf(out, " %.0f |\n", median(peaks))
	}
	return nil
}

// pairs prints how fast two trainings at once are, beside one alone. Both sides
// count samples a second of processor time, so that on two processors a share of
// 1 means twice the speed; what remains is how much the two disturb each other.
func pairs(out io.Writer, models []model, rounds int, seconds float64) error {
	fmt.Fprintf(out, "\ntwo trainings at once\n\n| model | one, samples/s of a processor | two at once | share |\n|---|---|---|---|\n")
	for _, m := range models {
		var both [2]*training
		for i := range both {
			t, err := newTraining(m)
			if err != nil {
				return fmt.Errorf("model %s: %w", m.name, err)
			}
			both[i] = t
		}
		var ones, twos, shares []float64
		for range rounds {
			one, err := both[0].run(seconds, calibrate.Clock)
			if err != nil {
				return fmt.Errorf("model %s: %w", m.name, err)
			}
			var rates [2]float64
			var errs [2]error
			var wg sync.WaitGroup
			for i, t := range both {
				wg.Go(func() { rates[i], errs[i] = t.run(2*seconds, calibrate.Clock) })
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					return fmt.Errorf("model %s: %w", m.name, err)
				}
			}
			two := rates[0] + rates[1]
			ones, twos, shares = append(ones, one), append(twos, two), append(shares, two/one)
		}
		fmt.Fprintf(out, "| %s) %s | %.0f | %.0f | %.2f |\n", m.name, m.what, median(ones), median(twos), median(shares))
	}
	return nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
