package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"budwood/engine"
	"budwood/engine/data"
	"budwood/nas"
)

func main() {
	text := flag.String("g", "", "")
	epochs := flag.Int("e", 12, "")
	lr := flag.Float64("lr", 0.004, "")
	shift := flag.Int("shift", 0, "")
	batch := flag.Int("b", 64, "")
	wd := flag.Float64("wd", .01, "")
	flag.Parse()
	dir := "../shared/data/mnist/"
	d, err := data.Load(context.Background(), data.Source{IDX: &data.IDX{Images: dir + "train-images.idx.gz", Labels: dir + "train-labels.idx.gz", TestImages: dir + "test-images.idx.gz", TestLabels: dir + "test-labels.idx.gz"}, Split: data.Split{Valid: 1. / 12, Seed: 1}})
	if err != nil {
		panic(err)
	}
	var g nas.Genome
	if err := g.UnmarshalText([]byte(*text)); err != nil {
		panic(err)
	}
	net, err := g.Network(d.Train.Shape, 10)
	if err != nil {
		panic(err)
	}
	_, c, _ := engine.Measure(net, d.Train.Shape)
	fmt.Println(g, c, d.Train.Len(), d.Valid.Len(), d.Test.Len())
	n, err := engine.Compile(net, d.Train.Shape, engine.Config{Batch: *batch, Seed: 1})
	if err != nil {
		panic(err)
	}
	tr, err := engine.NewTrainer(n, engine.TrainConfig{Epochs: *epochs, Optimizer: engine.AdamW{WeightDecay: *wd}, Schedule: engine.CosineDecay{LR: *lr, Warmup: .05}, Seed: 1})
	if err != nil {
		panic(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	set := *d.Train
	set.X = make([]float32, len(d.Train.X))
	for e := range *epochs {
		t := time.Now()
		copy(set.X, d.Train.X)
		if *shift > 0 {
			bg := d.Train.X[0]
			for i := range set.Len() {
				dy, dx := r.IntN(2**shift+1)-*shift, r.IntN(2**shift+1)-*shift
				src, dst := d.Train.X[i*784:(i+1)*784], set.X[i*784:(i+1)*784]
				for y := range 28 {
					for x := range 28 {
						yy, xx := y+dy, x+dx
						if yy < 0 || yy >= 28 || xx < 0 || xx >= 28 {
							dst[y*28+x] = bg
						} else {
							dst[y*28+x] = src[yy*28+xx]
						}
					}
				}
			}
		}
		loss, err := tr.Epoch(&set)
		if err != nil {
			panic(err)
		}
		took := time.Since(t)
		v, _ := n.Evaluate(d.Valid)
		s, _ := n.Evaluate(d.Test)
		fmt.Printf("%2d loss %.4f valid %.4f test %.4f  %.1fs\n", e+1, loss, v.Accuracy, s.Accuracy, took.Seconds())
	}
}
