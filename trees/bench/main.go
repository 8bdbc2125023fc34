// Command bench compares boosted trees with XGBoost's hist, if a Python has that: the same rows,
// the same settings, one thread each. Both take turns, so that what the machine does besides meets both;
// it prints processor time, the fastest decile of each, the median of the ratios of the turns, and the loss on rows that
// neither has seen, over several seeds of the split.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine/calibrate"
	"budwood/internal/bench"
	"budwood/trees"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are those that both programs train with.
type settings struct {
	Rounds  int     `json:"rounds"`
	Depth   int     `json:"depth"`
	Rate    float64 `json:"rate"`
	L2      float64 `json:"l2"`
	Child   float64 `json:"child"`
	Classes int     `json:"classes"`
}

// problem is the rows of a table, for training and for the test.
type problem struct {
	name        string
	train, test *data.Set
}

var tables = "adult-test,credit-g,page-blocks,phoneme,letter,optdigits,spambase,waveform5000,reg-bank8fm,reg-cpu-act,reg-elevators,uci-concrete"

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	names := fs.String("tables", tables+",synthetic", "tables of the folder data/tabular; synthetic has 100,000 rows of 50 columns")
	turns := fs.Int("turns", 5, "turns of each program")
	seeds := fs.Int("seeds", 3, "splits of each table")
	python := fs.String("python", "python3,/usr/bin/python3", "where to look for XGBoost; nothing: no comparison")
	s := settings{}
	fs.IntVar(&s.Rounds, "rounds", 100, "rounds of boosting")
	fs.IntVar(&s.Depth, "depth", 6, "depth of a tree")
	fs.Float64Var(&s.Rate, "rate", .1, "learning rate")
	fs.Float64Var(&s.L2, "l2", 1, "penalty L2")
	fs.Float64Var(&s.Child, "child", 1, "least sum of second derivatives of a leaf")
	if err := fs.Parse(args); err != nil {
		return err
	}
	peer, err := startXGBoost(strings.Split(*python, ","))
	if err != nil {
		fmt.Fprintf(out, "no comparison: %v\n", err)
	} else {
		defer peer.stop()
		fmt.Fprintf(out, "XGBoost %s; %d rounds, depth %d, rate %g, one thread, %d turns\n", peer.version, s.Rounds, s.Depth, s.Rate, *turns)
	}
	fmt.Fprintf(out, "\n| table | train, s | XGBoost | ratio | predict, µs a row | XGBoost | ratio | test loss | XGBoost |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range strings.Split(*names, ",") {
		var losses, theirLosses []float64
		for seed := range *seeds {
			p, err := load(name, uint64(seed))
			if err != nil {
				return err
			}
			n := 1
			if seed == 0 {
				n = *turns
			}
			r, err := compare(p, s, peer, n)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			losses, theirLosses = append(losses, r.loss), append(theirLosses, r.theirLoss)
			if seed > 0 {
				continue
			}
			fmt.Fprintf(out, "| %s %d×%d | %.3f | %.3f | %.2f | %.2f | %.2f | %.2f |", name, p.train.Len(), p.train.Shape.Size(),
				fastest(r.train), fastest(r.theirTrain), ratio(r.theirTrain, r.train), fastest(r.predict), fastest(r.theirPredict), ratio(r.theirPredict, r.predict))
		}
		fmt.Fprintf(out, " %s | %s |\n", spread(losses), spread(theirLosses))
	}
	return nil
}

// load reads a table with one of its splits.
func load(name string, seed uint64) (*problem, error) {
	if name == "synthetic" {
		return synthetic(100_000, 50, seed), nil
	}
	dir := bench.Data("data", "tabular")
	if dir == "" {
		return nil, bench.ErrNoData
	}
	path := filepath.Join(dir, name+".csv")
	src := data.Source{CSV: path, Split: data.Split{Seed: seed, Valid: .01, Test: .25}}
	head, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(head), "\n")
	cells := strings.Split(strings.TrimSpace(line), ",")
	src.Target = strings.Trim(cells[len(cells)-1], `"`)
	d, err := data.Load(context.Background(), src)
	if err != nil {
		return nil, err
	}
	return &problem{name, d.Train, d.Test}, nil
}

// synthetic are two classes by smooth and by stepwise functions of ten of the columns.
func synthetic(rows, columns int, seed uint64) *problem {
	r := rand.New(rand.NewPCG(seed, 1))
	make := func(rows int) *data.Set {
		s := &data.Set{Shape: data.Shape{columns}, Classes: 2}
		for range rows {
			x := make([]float32, columns)
			for j := range x {
				x[j] = float32(r.NormFloat64())
			}
			z := float64(x[0]*x[1]) + math.Sin(3*float64(x[2])) + math.Abs(float64(x[3])) - 1
			for j := 4; j < 10; j++ {
				if x[j] > .5 {
					z += .5
				}
			}
			s.X = append(s.X, x...)
			c := int32(0)
			if r.Float64() < 1/(1+math.Exp(-1.5*(z-.9))) {
				c = 1
			}
			s.Class = append(s.Class, c)
		}
		return s
	}
	return &problem{"synthetic", make(rows), make(rows / 2)}
}

// result is what was measured: processor time of each turn.
type result struct {
	train, theirTrain, predict, theirPredict []float64
	loss, theirLoss                          float64
}

// compare trains and predicts by turns.
func compare(p *problem, s settings, peer *xgboost, turns int) (r result, err error) {
	w := p.train.Shape.Size()
	table := &trees.Table{Columns: make([]trees.Column, w), X: p.train.X}
	c := trees.Config{Classes: p.train.Classes, Rate: s.Rate, Depth: s.Depth, L2: s.L2, MinChild: s.Child}
	s.Classes = p.train.Classes
	target := trees.Target{Class: p.train.Class, Value: p.train.Target}
	if peer != nil {
		if err := peer.load(p); err != nil {
			return r, err
		}
	}
	for range turns {
		began := calibrate.Clock()
		m, err := trees.Fit(c, table, target, nil, trees.Target{}, s.Rounds, 0)
		if err != nil {
			return r, err
		}
		r.train = append(r.train, calibrate.Clock()-began)
		times := max(20_000/p.test.Len(), 1)
		if _, err := m.Predict(p.test.X); err != nil {
			return r, err
		}
		began = calibrate.Clock()
		var y []float64
		for range times {
			if y, err = m.Predict(p.test.X); err != nil {
				return r, err
			}
		}
		r.predict = append(r.predict, (calibrate.Clock()-began)*1e6/float64(times*p.test.Len()))
		r.loss = meanLoss(y, p.test)
		if peer == nil {
			r.theirTrain, r.theirPredict, r.theirLoss = append(r.theirTrain, math.NaN()), append(r.theirPredict, math.NaN()), math.NaN()
			continue
		}
		train, predict, y, err := peer.turn(s, times)
		if err != nil {
			return r, err
		}
		r.theirTrain, r.theirPredict = append(r.theirTrain, train), append(r.theirPredict, predict*1e6/float64(times*p.test.Len()))
		r.theirLoss = meanLoss(y, p.test)
	}
	return r, nil
}

// meanLoss is the cross-entropy of probabilities, or the root of the mean squared error.
func meanLoss(y []float64, s *data.Set) float64 {
	sum := 0.
	for i := range s.Len() {
		if s.Classes == 0 {
			d := y[i] - float64(s.Target[i])
			sum += d * d
			continue
		}
		sum -= math.Log(max(y[i*s.Classes+int(s.Class[i])], 1e-15))
	}
	if sum /= float64(s.Len()); s.Classes == 0 {
		return math.Sqrt(sum)
	}
	return sum
}

// fastest is the lowest decile.
func fastest(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/10]
}

// ratio is the median of the ratios of turns.
func ratio(a, b []float64) float64 {
	var q []float64
	for i := range a {
		q = append(q, a[i]/b[i])
	}
	slices.Sort(q)
	return q[len(q)/2]
}

// spread is the mean and its range.
func spread(x []float64) string {
	sum := 0.
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return fmt.Sprintf("%.4f (%.4f to %.4f)", sum, slices.Min(x), slices.Max(x))
}
