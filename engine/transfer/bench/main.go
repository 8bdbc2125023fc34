// Command bench measures what starting from a trained network brings: the CNN of
// examples/mnist, trained on MNIST, learns the digits of optdigits (8×8, enlarged to 20×20
// with a margin of 4) from a few rows of each class. The other rows are the test.
//
//	go run ./engine/transfer/bench -data FOLDER -seeds 3
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
	"budwood/engine/transfer"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var cnn = engine.Seq{
	engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 32, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
	engine.MaxPool{}, engine.Dropout{P: .3}, engine.Dense{Out: 10},
}

func run(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	dir := fs.String("data", filepath.Join(os.Getenv("BUDWOOD_DATA"), "data"), "folder with mnist and tabular/optdigits.csv")
	seeds := fs.Int("seeds", 3, "how many, from 1 on")
	epochs := fs.Int("epochs", 3, "of the source")
	if err := fs.Parse(args); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(*dir, "mnist", name+".idx.gz") }
	d, err := data.Load(ctx, data.Source{
		IDX:   &data.IDX{Images: at("train-images"), Labels: at("train-labels"), TestImages: at("test-images"), TestLabels: at("test-labels")},
		Split: data.Split{Valid: 1. / 12},
	})
	if err != nil {
		return err
	}
	all, err := digits(filepath.Join(*dir, "tabular", "optdigits.csv"), d)
	if err != nil {
		return err
	}
	net, err := engine.Compile(cnn, d.Train.Shape, engine.Config{Batch: 64, Seed: 1})
	if err != nil {
		return err
	}
	if _, err := train(net, d.Train, *epochs, .005, nil, 1); err != nil {
		return err
	}
	score, err := net.Evaluate(d.Test)
	if err != nil {
		return err
	}
	source, err := transfer.SourceOf(net)
	if err != nil {
		return err
	}
	asItIs, err := net.Evaluate(all)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "source: MNIST %.4f, on digits as it is %.4f\n\n| rows a class | from scratch | all layers | decay .2 | head alone | CPU of the head alone / all layers |\n|---|---|---|---|---|---|\n", score.Accuracy, asItIs.Accuracy)
	for _, rows := range []int{3, 10, 40} {
		var accuracy [4][]float64
		var used [4]float64
		for seed := range *seeds {
			few, rest := pick(all, rows, uint64(seed+1))
			for way, o := range []transfer.Start{{}, {Outputs: 10}, {Outputs: 10, Decay: .2}, {Outputs: 10, Freeze: -1}} {
				a, cpu, err := learn(source, way == 0, o, few, rest, uint64(seed+1))
				if err != nil {
					return err
				}
				accuracy[way] = append(accuracy[way], a)
				used[way] += cpu
			}
		}
		fmt.Fprintf(out, "| %d |", rows)
		for _, a := range accuracy {
			fmt.Fprintf(out, " %s |", meanAndDeviation(a))
		}
		fmt.Fprintf(out, " %.3f |\n", used[3]/used[1])
	}
	return nil
}

// learn trains on a few rows and tests on the others. cpu is the seconds of training, of the
// features too.
func learn(s transfer.Source, scratch bool, o transfer.Start, few, rest *data.Set, seed uint64) (accuracy, cpu float64, err error) {
	cfg := engine.Config{Batch: min(32, few.Len()), Seed: seed}
	begin := seconds()
	if scratch {
		net, err := engine.Compile(cnn, few.Shape, cfg)
		if err != nil {
			return 0, 0, err
		}
		if cpu, err = train(net, few, 60, .005, nil, seed); err != nil {
			return 0, 0, err
		}
		score, err := net.Evaluate(rest)
		return score.Accuracy, cpu, err
	}
	st, err := s.Start(o, cfg)
	if err != nil {
		return 0, 0, err
	}
	features, err := st.Features(few)
	if err != nil {
		return 0, 0, err
	}
	if _, err := train(st.Net, features, 60, .002, st.Groups, seed); err != nil {
		return 0, 0, err
	}
	cpu = seconds() - begin
	whole, err := st.Whole()
	if err != nil {
		return 0, 0, err
	}
	score, err := whole.Evaluate(rest)
	return score.Accuracy, cpu, err
}

func train(net *engine.Net, set *data.Set, epochs int, rate float64, groups []engine.Group, seed uint64) (cpu float64, err error) {
	begin := seconds()
	t, err := engine.NewTrainer(net, engine.TrainConfig{
		Optimizer: optim.AdamW{WeightDecay: .01}, Schedule: optim.Warmup{Then: optim.CosineDecay{LR: rate}, Share: .05}, Epochs: epochs, Seed: seed, Groups: groups,
	})
	if err != nil {
		return 0, err
	}
	for range epochs {
		if _, err := t.Epoch(set); err != nil {
			return 0, err
		}
	}
	return seconds() - begin, nil
}

// seconds of processor time.
func seconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return float64(time.Now().UnixNano()) / 1e9
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// digits are the rows of optdigits as images of MNIST's size and units.
func digits(file string, like *data.Data) (*data.Set, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n := like.Preparation.Pixels
	set := &data.Set{Shape: data.Shape{28, 28, 1}, Classes: 10}
	lines := bufio.NewScanner(f)
	for first := true; lines.Scan(); first = false {
		if first {
			continue
		}
		cells := strings.Split(lines.Text(), ",")
		var small [64]float64
		for i := range small {
			if small[i], err = strconv.ParseFloat(cells[i], 64); err != nil {
				return nil, err
			}
		}
		class, err := strconv.Atoi(strings.Trim(cells[64], `"`))
		if err != nil {
			return nil, err
		}
		set.Class = append(set.Class, int32(class))
		for y := range 28 {
			for x := range 28 {
				v := 0.
				if y >= 4 && y < 24 && x >= 4 && x < 24 {
					v = bilinear(&small, (float64(y-4)+.5)*8/20-.5, (float64(x-4)+.5)*8/20-.5) / 16 * 255
				}
				set.X = append(set.X, float32((v-n.Mean)*n.Scale))
			}
		}
	}
	return set, lines.Err()
}

func bilinear(img *[64]float64, y, x float64) float64 {
	y, x = min(max(y, 0), 7), min(max(x, 0), 7)
	i, j := min(int(y), 6), min(int(x), 6)
	a, b := y-float64(i), x-float64(j)
	return (1-a)*((1-b)*img[i*8+j]+b*img[i*8+j+1]) + a*((1-b)*img[i*8+8+j]+b*img[i*8+9+j])
}

// pick chooses rows of each class, and the rest.
func pick(all *data.Set, rows int, seed uint64) (few, rest *data.Set) {
	order := rand.New(rand.NewPCG(seed, 9)).Perm(all.Len())
	var count [10]int
	var a, b []int
	for _, i := range order {
		if c := all.Class[i]; count[c] < rows {
			count[c]++
			a = append(a, i)
		} else {
			b = append(b, i)
		}
	}
	return all.Select(a), all.Select(b)
}

func meanAndDeviation(x []float64) string {
	var sum, square float64
	for _, v := range x {
		sum += v
		square += v * v
	}
	n := float64(len(x))
	m := sum / n
	return fmt.Sprintf("%.3f ± %.3f", m, math.Sqrt(max(square/n-m*m, 0)*n/max(n-1, 1)))
}
