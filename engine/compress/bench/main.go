// Command bench measures what cuts and low ranks cost in accuracy: the MLP and the CNN
// of examples/mnist are trained, compressed, and trained a few epochs more.
//
//	go run ./engine/compress/bench -data FOLDER -net mlp -seeds 2
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
	"budwood/engine/loss"
	"budwood/engine/optim"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// recipe is a network and how it is trained.
type recipe struct {
	layers               engine.Seq
	batch, epochs, again int // again: epochs after a cut
	rate                 float64
}

var recipes = map[string]recipe{
	"mlp": {engine.Seq{
		engine.Dense{Out: 256}, engine.ReLU{}, engine.Dropout{P: .2}, engine.Dense{Out: 128}, engine.ReLU{}, engine.Dropout{P: .2}, engine.Dense{Out: 10},
	}, 128, 12, 10, .002},
	"cnn": {engine.Seq{
		engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 32, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
		engine.MaxPool{}, engine.Dropout{P: .3}, engine.Dense{Out: 10},
	}, 64, 15, 3, .005},
}

type bench struct {
	recipe
	*data.Data
	out  io.Writer
	seed uint64
	best float64 // accuracy of the whole network
	cost engine.Cost

	whole    *engine.Net
	integers bool
}

func run(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	dir := fs.String("data", filepath.Join(os.Getenv("BUDWOOD_DATA"), "data", "mnist"), "folder of MNIST's four files")
	name := fs.String("net", "mlp", "mlp or cnn")
	seeds := fs.Int("seeds", 1, "how many, from 1 on")
	integers := fs.Bool("int8", false, "in integers of 8 bits, by each calibration, instead of cuts and ranks")
	if err := fs.Parse(args); err != nil {
		return err
	}
	r, ok := recipes[*name]
	if !ok {
		return fmt.Errorf("there is no network %q; there are mlp and cnn", *name)
	}
	at := func(name string) string { return filepath.Join(*dir, name+".idx.gz") }
	d, err := data.Load(ctx, data.Source{
		IDX:   &data.IDX{Images: at("train-images"), Labels: at("train-labels"), TestImages: at("test-images"), TestLabels: at("test-labels")},
		Split: data.Split{Valid: 1. / 12},
	})
	if err != nil {
		return err
	}
	for seed := range *seeds {
		b := bench{recipe: r, Data: d, out: out, seed: uint64(seed + 1), integers: *integers}
		if err := b.run(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) run() error {
	begin := time.Now()
	n, err := engine.Compile(b.layers, b.Train.Shape, engine.Config{Batch: b.batch, Seed: b.seed})
	if err == nil {
		err = b.train(n, b.Train, b.epochs, b.rate)
	}
	if err != nil {
		return err
	}
	b.cost, b.whole = n.Cost(), n
	if b.best, err = b.score(n); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "seed %d: %v, %d parameters, %d MACs: test accuracy %.4f after %d epochs, %.0f s\n",
		b.seed, b.layers, b.cost.Params, b.cost.MACs, b.best, b.epochs, time.Since(begin).Seconds())
	if b.integers {
		return b.inIntegers(n)
	}
	fmt.Fprintln(b.out, "| how | MACs | parameters | cut | trained again | points | batch 64 | batch 1 |")
	fmt.Fprintln(b.out, "|---|---|---|---|---|---|---|---|")
	for _, how := range compress.Importances {
		small, err := b.prune(n, how, .5)
		if err != nil {
			return err
		}
		if err := b.row(fmt.Sprintf("50 %% of the MACs, %s", how), small, b.Train); err != nil {
			return err
		}
	}
	for _, share := range []float64{.75, .25} {
		small, err := b.prune(n, compress.L1, share)
		if err != nil {
			return err
		}
		if err := b.row(fmt.Sprintf("%.0f %% of the MACs, l1", 100*share), small, b.Train); err != nil {
			return err
		}
	}
	if err := b.steps(n, .25, 4); err != nil {
		return err
	}
	soft, err := b.teach(n)
	if err != nil {
		return err
	}
	small, err := b.prune(n, compress.L1, .5)
	if err == nil {
		small, err = lossOf(small, loss.Distillation{Temperature: 2, Alpha: .3})
	}
	if err == nil {
		err = b.row("50 % of the MACs, l1, distilled (T 2, α .3)", small, soft)
	}
	if err != nil {
		return err
	}
	for _, energy := range []float64{.8, .9} {
		ranks, err := compress.Ranks(n, energy)
		if err != nil {
			return err
		}
		thin, err := compress.LowRank(n, ranks)
		if err != nil {
			return err
		}
		if err := b.row(fmt.Sprintf("rank, energy %g: %v", energy, ranks), thin, b.Train); err != nil {
			return err
		}
	}
	fresh, err := b.prune(n, compress.L1, .5)
	if err == nil {
		fresh, err = engine.Compile(fresh.Layer(), n.In(), n.Config())
	}
	if err == nil {
		err = b.row("50 % of the MACs, from scratch", fresh, b.Train)
	}
	return err
}

// steps cuts in several steps, with training between them; the last one trains as
// after a single cut.
func (b *bench) steps(n *engine.Net, share float64, k int) error {
	left := 1.
	for i, next := range compress.Steps(share, k) {
		small, err := b.prune(n, compress.L1, next/left)
		if err != nil {
			return err
		}
		if i == k-1 {
			return b.row(fmt.Sprintf("%.0f %% of the MACs in %d cuts, l1", 100*share, k), small, b.Train)
		}
		if err := b.train(small, b.Train, max(b.again/3, 1), b.rate/2); err != nil {
			return err
		}
		n, left = small, next
	}
	return nil
}

func (b *bench) prune(n *engine.Net, how compress.Importance, share float64) (*engine.Net, error) {
	scores, err := compress.Scores(n, how, compress.Evidence{Set: b.Train, Seed: b.seed})
	if err != nil {
		return nil, err
	}
	keep, err := compress.Choose(n.Layer(), n.In(), scores, compress.Budget{MACs: share})
	if err != nil {
		return nil, err
	}
	small, err := compress.PruneMean(n, keep, b.Train, 10)
	if err != nil {
		return nil, err
	}
	return small, small.Recalibrate(b.Train, 10)
}

// row prints what is left of the accuracy at once, and after some epochs.
func (b *bench) row(how string, n *engine.Net, train *data.Set) error {
	cut, err := b.score(n)
	if err != nil {
		return err
	}
	if err := b.train(n, train, b.again, b.rate/2); err != nil {
		return err
	}
	again, err := b.score(n)
	if err != nil {
		return err
	}
	c := n.Cost()
	_, err = fmt.Fprintf(b.out, "| %s | %.3f | %d | %.4f | %.4f | %+.2f | %.2fx | %.2fx |\n",
		how, float64(c.MACs)/float64(b.cost.MACs), c.Params, cut, again, 100*(again-b.best), b.speed(n, 64), b.speed(n, 1))
	return err
}

// speed is how much faster a network predicts than the whole one, so many rows at a
// time: the best of nine turns that they take.
func (b *bench) speed(n *engine.Net, rows int) float64 {
	x, y := make([]float32, rows*n.In().Size()), make([]float32, rows*n.Out().Size())
	b.Test.Read(x, 0)
	var best [2]float64
	for turn := range 9 {
		for i, n := range []*engine.Net{b.whole, n} {
			begin, calls := time.Now(), 0
			for time.Since(begin) < 20*time.Millisecond {
				if n.Predict(x, y) != nil {
					return 0
				}
				calls++
			}
			if v := time.Since(begin).Seconds() / float64(calls); turn == 0 || v < best[i] {
				best[i] = v
			}
		}
	}
	return best[0] / best[1]
}

func (b *bench) train(n *engine.Net, s *data.Set, epochs int, rate float64) error {
	t, err := engine.NewTrainer(n, engine.TrainConfig{
		Optimizer: optim.AdamW{WeightDecay: .01},
		Schedule:  optim.Warmup{Then: optim.CosineDecay{LR: rate}, Share: .05},
		Epochs:    epochs, Seed: b.seed,
	})
	if err != nil {
		return err
	}
	for range epochs {
		if _, err := t.Epoch(s); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) score(n *engine.Net) (float64, error) {
	s, err := n.Evaluate(b.Test)
	return s.Accuracy, err
}

// teach is the training set with the logits of a network.
func (b *bench) teach(n *engine.Net) (*data.Set, error) {
	s := *b.Train
	s.Soft = make([]float32, s.Len()*n.Out().Size())
	_, err := n.EvaluateTo(s.Soft, b.Train)
	return &s, err
}

// lossOf is a copy of a network for another loss.
func lossOf(n *engine.Net, l loss.Loss) (*engine.Net, error) {
	c := n.Config()
	c.Loss = l
	out, err := engine.Compile(n.Layer(), n.In(), c)
	if err != nil {
		return nil, err
	}
	copy(out.Params(), n.Params())
	for i, t := range n.Statistics() {
		copy(out.Statistics()[i].Data, t.Data)
	}
	return out, nil
}
