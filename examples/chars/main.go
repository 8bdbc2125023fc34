// A character model: a small recurrent network or transformer learns to predict
// the next character of a text, prints its perplexity, and writes a little:
//
//	go run ./examples/chars -net gru -text input.txt
//
// By default the text is the one beside the repository.
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
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// options are the flags.
type options struct {
	text, net   string
	steps, size int
	epochs      int
	seed        uint64
	write       int // characters
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("chars", flag.ContinueOnError)
	flags.StringVar(&o.text, "text", filepath.Join(os.Getenv("BUDWOOD_DATA"), "data", "text", "tinyshakespeare.txt"), "file of UTF-8 text")
	flags.StringVar(&o.net, "net", "gru", "gru or transformer")
	flags.IntVar(&o.steps, "steps", 128, "characters of a row")
	flags.IntVar(&o.size, "size", 192, "features of a step")
	flags.IntVar(&o.epochs, "epochs", 10, "of training")
	flags.Uint64Var(&o.seed, "seed", 1, "of everything random")
	flags.IntVar(&o.write, "write", 200, "characters to write at the end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	d, err := data.Load(ctx, data.Source{Text: &data.Text{File: o.text, Steps: o.steps}, Split: data.Split{Valid: 0.05, Test: 0.05}})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; -text names a file", err)
	}
	if err != nil {
		return err
	}
	net, err := o.train(d, out)
	if err != nil {
		return err
	}
	score, err := net.Evaluate(d.Test)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "test: perplexity %.3f (%.3f bits a character), accuracy %.3f\n", math.Exp(score.Loss), score.Loss/math.Ln2, score.Accuracy)
	text, err := write(net, d, o.write, o.seed)
	fmt.Fprintln(out, text)
	return err
}

// layers is the network for a vocabulary.
func (o options) layers(vocabulary int) (engine.Layer, error) {
	head := engine.Dense{Out: vocabulary, PerStep: true}
	switch o.net {
	case "gru":
		return engine.Seq{engine.Embedding{Vocab: vocabulary, Out: o.size}, engine.GRU{Out: o.size}, engine.Dropout{P: 0.1}, head}, nil
	case "transformer":
		block := engine.Transformer{Heads: 4, Causal: true, Dropout: 0.1}
		return engine.Seq{
			engine.Embedding{Vocab: vocabulary, Out: o.size}, engine.Positional{Learned: true},
			block, block, engine.LayerNorm{}, head,
		}, nil
	}
	return nil, fmt.Errorf("there is no network %q; there are gru and transformer", o.net)
}

// train gives the network with the weights of its best epoch.
func (o options) train(d *data.Data, out io.Writer) (*engine.Net, error) {
	l, err := o.layers(d.Classes)
	if err != nil {
		return nil, err
	}
	net, err := engine.Compile(l, d.Train.Shape, engine.Config{Batch: 32, Seed: o.seed})
	if err != nil {
		return nil, err
	}
	t, err := engine.NewTrainer(net, engine.TrainConfig{
		Schedule: optim.Warmup{Then: optim.CosineDecay{LR: 0.004}, Share: 0.05}, Epochs: o.epochs, ClipNorm: 1, Seed: o.seed,
	})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%s: %d characters, %d parameters, rows of %d: %d for training\n", o.net, d.Classes, len(net.Params()), o.steps, d.Train.Len())
	var best engine.EarlyStop
	for range o.epochs {
		begin := time.Now()
		loss, err := t.Epoch(d.Train)
		if err != nil {
			return nil, err
		}
		score, err := net.Evaluate(d.Valid)
		if err != nil {
			return nil, err
		}
		if improved, _ := best.Observe(score.Loss); improved {
			t.KeepBest()
		}
		fmt.Fprintf(out, "epoch %d: perplexity %.3f in training, %.3f on the validation part, %.1f s\n", t.Done(), math.Exp(loss), math.Exp(score.Loss), time.Since(begin).Seconds())
	}
	t.RestoreBest()
	return net, nil
}

// write draws characters from the network, which sees the end of the training
// text and then its own.
func write(net *engine.Net, d *data.Data, n int, seed uint64) (string, error) {
	steps := d.Features
	window := append([]float32(nil), d.Train.X[len(d.Train.X)-steps:]...)
	logits := make([]float32, steps*d.Classes)
	r := rand.New(rand.NewPCG(seed, 0x7772697465)) // "write"
	text := ""
	f, err := net.Inference()
	if err != nil {
		return "", err
	}
	for range n {
		if err := f.Predict(window, logits); err != nil {
			return "", err
		}
		next := draw(logits[(steps-1)*d.Classes:], r)
		text += d.ClassNames[next]
		copy(window, window[1:])
		window[steps-1] = float32(next)
	}
	return text, nil
}

// draw picks a class with its probability.
func draw(logits []float32, r *rand.Rand) int {
	top, sum := math.Inf(-1), 0.
	for _, v := range logits {
		top = max(top, float64(v))
	}
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	u := r.Float64() * sum
	for i, v := range logits {
		if u -= math.Exp(float64(v) - top); u < 0 {
			return i
		}
	}
	return len(logits) - 1
}
