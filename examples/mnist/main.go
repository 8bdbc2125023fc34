// How well does the engine learn? It trains an MLP and a small CNN on MNIST,
// which README.md says where to get, and tests each once at the end:
//
//	go run ./examples/mnist -net cnn -seeds 5
//
// torch_mnist.py, beside this file, is the same recipe in PyTorch.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
)

// recipe is a network and how it is trained.
type recipe struct {
	layers engine.Seq
	batch  int
	epochs int
	rate   float64 // the highest learning rate, of a cosine with warm-up
	decay  float64 // AdamW's weight decay
}

var recipes = map[string]recipe{
	"mlp": {
		layers: engine.Seq{
			engine.Dense{Out: 256}, engine.ReLU{}, engine.Dropout{P: 0.2},
			engine.Dense{Out: 128}, engine.ReLU{}, engine.Dropout{P: 0.2},
			engine.Dense{Out: 10},
		},
		batch: 128, epochs: 12, rate: 0.002, decay: 0.01,
	},
	"cnn": {
		layers: engine.Seq{
			engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
			engine.Conv{Out: 32, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
			engine.Dropout{P: 0.3}, engine.Dense{Out: 10},
		},
		batch: 64, epochs: 15, rate: 0.005, decay: 0.01,
	},
}

// errNoData says that MNIST is not there.
var errNoData = errors.New("MNIST is not there; -data names the directory with train-images.idx.gz and the other three files (README.md)")

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mnist", flag.ContinueOnError)
	dir := flags.String("data", filepath.Join(os.Getenv("BUDWOOD_DATA"), "data", "mnist"), "directory of the four files")
	name := flags.String("net", "mlp", "mlp or cnn")
	epochs := flags.Int("epochs", 0, "of training; 0 means the recipe's")
	seeds := flags.Int("seeds", 1, "train so many times, from seed 1 on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, ok := recipes[*name]
	if !ok {
		return fmt.Errorf("there is no recipe %q; there are mlp and cnn", *name)
	}
	if *epochs > 0 {
		r.epochs = *epochs
	}
	d, err := load(ctx, *dir)
	if err != nil {
		return err
	}
	var sum, square float64
	for seed := range *seeds {
		begin := time.Now()
		accuracy, err := r.train(d, uint64(seed+1))
		if err != nil {
			return err
		}
		sum, square = sum+accuracy, square+accuracy*accuracy
		fmt.Fprintf(out, "%s seed %d: test accuracy %.4f after %d epochs in %.1f s\n", *name, seed+1, accuracy, r.epochs, time.Since(begin).Seconds())
	}
	n := float64(*seeds)
	mean := sum / n
	fmt.Fprintf(out, "%s: mean %.4f, standard deviation %.4f over %d seeds\n", *name, mean, math.Sqrt(max(square/n-mean*mean, 0)*n/max(n-1, 1)), *seeds)
	return nil
}

// load reads 55,000 images for training, 5,000 for validation, 10,000 for the test.
func load(ctx context.Context, dir string) (*data.Data, error) {
	at := func(name string) string { return filepath.Join(dir, name+".idx.gz") }
	d, err := data.Load(ctx, data.Source{
		IDX:   &data.IDX{Images: at("train-images"), Labels: at("train-labels"), TestImages: at("test-images"), TestLabels: at("test-labels")},
		Split: data.Split{Valid: 1. / 12},
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoData
	}
	return d, err
}

// train gives the accuracy on the test set of a network trained from a seed.
func (r recipe) train(d *data.Data, seed uint64) (accuracy float64, err error) {
	net, err := engine.Compile(r.layers, d.Train.Shape, engine.Config{Batch: r.batch, Seed: seed})
	if err != nil {
		return 0, err
	}
	t, err := engine.NewTrainer(net, engine.TrainConfig{
		Optimizer: optim.AdamW{WeightDecay: r.decay},
		Schedule:  optim.Warmup{Then: optim.CosineDecay{LR: r.rate}, Share: 0.05},
		Epochs:    r.epochs, Seed: seed,
	})
	if err != nil {
		return 0, err
	}
	for range r.epochs {
		if _, err := t.Epoch(d.Train); err != nil {
			return 0, err
		}
	}
	score, err := net.Evaluate(d.Test)
	return score.Accuracy, err
}
