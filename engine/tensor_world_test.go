package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"budwood/data"
	"budwood/engine/loss"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// tensorRun trains a network for two epochs, of the first of which it keeps the best, and
// gives its checkpoints in the middle of the second and at the end.
type tensorRun struct {
	layer  Layer
	set    *data.Set
	config Config
	train  TrainConfig
}

func (q *tensorRun) do(m Mesh, from []byte) (out [2]bytes.Buffer, score Score, outputs []float32, err error) {
	n, err := Compile(q.layer, q.set.Shape, q.config)
	if err != nil {
		return out, score, nil, err
	}
	c := q.train
	c.Mesh = m
	tr, err := NewTrainer(n, c)
	if err != nil {
		return out, score, nil, err
	}
	if from != nil {
		if err := tr.Load(bytes.NewReader(from)); err != nil {
			return out, score, nil, err
		}
	}
	for tr.Done() < 2 {
		last, err := tr.Step(q.set)
		if err != nil {
			return out, score, nil, err
		}
		if last && tr.Done() == 1 {
			tr.KeepBest()
		}
		if tr.Done() == 1 && tr.rows == 2*tr.stepRows() {
			if err := tr.Save(&out[0]); err != nil {
				return out, score, nil, err
			}
		}
	}
	outputs = make([]float32, q.set.Len()*n.out.Size())
	if score, err = tr.EvaluateTo(outputs, q.set); err != nil {
		return out, score, nil, err
	}
	if err := tr.Save(&out[1]); err != nil {
		return out, score, nil, err
	}
	tr.RestoreBest()
	whole, err := tr.Whole()
	if err != nil {
		return out, score, nil, err
	}
	return out, score, append(outputs, whole.Params()...), nil
}

// texts is a set of sequences with a class a step.
func texts(rows, steps, vocab int) *data.Set {
	s := &data.Set{Shape: data.Shape{steps}, Classes: vocab}
	for i := range rows * steps {
		s.X = append(s.X, float32(i*i%vocab))
		s.Class = append(s.Class, int32((i*i+i)%vocab))
	}
	return s
}

// Ranks that have a part of the layers each, with any number of them for the data, write
// the checkpoint that one rank writes which computes the parts in turn, and go on from it.
func TestPartsOnRanksChangeNoBit(t *testing.T) {
	mlp := Seq{Dense{Out: 192}, BatchNorm{}, ReLU{}, Dropout{P: 0.1}, Dense{Out: 24}, GELU{}, Dense{Out: 320}}
	gpt := Seq{Embedding{Vocab: 333, Out: 192}, Positional{Learned: true}, Transformer{Heads: 6, Causal: true, Dropout: 0.2, Hidden: 256}, LayerNorm{}, Dense{Out: 333, PerStep: true}}
	points := blobs(data.Shape{10}, 4, 60)
	for _, k := range []struct {
		name  string
		run   tensorRun
		parts int
		meshs []Mesh // of ranks
	}{
		{"mlp", tensorRun{mlp, points, Config{Batch: 6, Seed: 1}, TrainConfig{Seed: 2, Epochs: 2}}, 2, []Mesh{{}, {Zero: 1}, {Zero: 1, bucket: 500}, {Zero: 2, bucket: 500}, {Zero: 3, bucket: 500}, {Threads: 2}, {Zero: 3, Threads: 2, Recompute: RecomputeNone}}},
		{"mlp in 3", tensorRun{mlp, points, Config{Batch: 6, Seed: 1, Precision: FP16}, TrainConfig{Seed: 2, Epochs: 2, EMA: 0.9, LossScale: &LossScale{Init: 0x1p127, Interval: 2}}}, 3, []Mesh{{}, {Zero: 1}}},
		{"classes", tensorRun{mlp, points, Config{Batch: 6, Seed: 1, Loss: loss.CrossEntropy{Smoothing: 0.1}}, TrainConfig{Seed: 2, Epochs: 2, Mixup: 0.4,
			Groups: []Group{{Names: []string{"0.weight"}, Frozen: true}, {Vectors: true, NoDecay: true}}}}, 2, []Mesh{{}, {Zero: 3}, {Recompute: RecomputeBlocks}}},
		{"norm", tensorRun{mlp, points, Config{Batch: 6, Seed: 1}, TrainConfig{Seed: 2, Epochs: 2, ClipNorm: 0.1, Optimizer: optim.SGD{Momentum: 0.9}}}, 2, []Mesh{{}, {Zero: 1}, {Zero: 3}}},
		{"images", tensorRun{Seq{Conv{Out: 128}, BatchNorm{}, ReLU{}, Conv{Out: 128, Groups: 128}, ReLU{}, Conv{Out: 6}, BatchNorm{}, ReLU{}, Dense{Out: 4}}, blobs(data.Shape{5, 5, 2}, 4, 24), Config{Batch: 4, Seed: 1},
			TrainConfig{Seed: 2, Epochs: 2}}, 2, []Mesh{{}, {Zero: 3, bucket: 500}, {Threads: 2, Recompute: RecomputeBlocks}}},
		{"gpt", tensorRun{gpt, texts(12, 4, 333), Config{Batch: 4, Seed: 1, Precision: BF16}, TrainConfig{Seed: 2, Epochs: 2}}, 2, []Mesh{{}, {Zero: 3, bucket: 5000}}},
	} {
		for _, micro := range []int{1, 2} {
			alone := always(Mesh{Data: 2, MicroBatches: micro, Tensor: k.parts})
			want, score, outputs, err := k.run.do(alone, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range k.meshs {
				if m.Zero >= 2 && micro > 1 {
					continue
				}
				m.Data, m.MicroBatches, m.Tensor, m.always = 2, micro, k.parts, true
				for shares := 1; shares <= 2; shares++ {
					for _, from := range [][]byte{nil, want[0].Bytes()} {
						if from != nil && (i+shares)%2 > 0 || testing.Short() && (i+shares+micro)%3 > 0 {
							continue
						}
						var first sync.Once
						var theirs []float32
						n := k.parts * shares
						kind := []string{"lanes", "messages"}[(i+shares)%2]
						if k.name == "gpt" && i == 0 && n == 2 { // which takes seconds to join
							kind = "unix"
						}
						name := fmt.Sprintf("%s, %d micro-batches, %d ranks, %s, zero %d, %d threads, resumed %v", k.name, micro, n, kind, m.Zero, m.Threads, from != nil)
						all := links(t, kind, n)
						err := errors.Join(onRanks(all, func(rank int, l mesh.Link) error {
							m := m
							m.World = &World{l, n}
							got, s, o, err := k.run.do(m, from)
							first.Do(func() { theirs = o })
							switch {
							case err != nil:
								return err
							case k.run.train.ClipNorm > 0: // the norm adds up in another order
								if !bytes.Equal(mesh.Bytes(o), mesh.Bytes(theirs)) || distance(o, outputs) > 1e-5 {
									return fmt.Errorf("rank %d has other numbers than others, or %.2g from those in turn", rank, distance(o, outputs))
								}
								return nil
							case s != score || !bytes.Equal(mesh.Bytes(o), mesh.Bytes(outputs)):
								return fmt.Errorf("rank %d: score %+v, want %+v, or other outputs or best weights", rank, s, score)
							case rank > 0 && got[1].Len() > 0:
								return errors.New("a rank that is not 0 writes")
							case rank == 0 && (from == nil && !bytes.Equal(got[0].Bytes(), want[0].Bytes()) || !bytes.Equal(got[1].Bytes(), want[1].Bytes())):
								return errors.New("another checkpoint than that of one rank")
							}
							return nil
						})...)
						closeAll(all)
						if err != nil {
							t.Fatalf("%s: %v", name, err)
						}
					}
				}
			}
		}
	}
}

// What a rank of a part takes is planned, and adds up to less than the whole.
func TestMemoryOfParts(t *testing.T) {
	gpt := Seq{Embedding{Vocab: 512, Out: 192}, Transformer{Heads: 6}, Dense{Out: 512, PerStep: true}}
	s := texts(8, 5, 512)
	c := Config{Batch: 4}
	for _, zero := range []int{0, 1, 3} {
		inTurn, err := Footprint(gpt, s.Shape, c, TrainConfig{Mesh: Mesh{Data: 2, Tensor: 2}})
		if err != nil {
			t.Fatal(err)
		}
		errs := onRanks(links(t, "lanes", 4), func(rank int, l mesh.Link) error {
			n, err := Compile(gpt, s.Shape, c)
			if err != nil {
				return err
			}
			m := Mesh{Data: 2, Tensor: 2, Zero: zero, World: &World{l, 4}}
			planned, err := Footprint(gpt, s.Shape, c, TrainConfig{Mesh: m})
			if err != nil {
				return err
			}
			cost := n.Cost()
			tr, err := NewTrainer(n, TrainConfig{Mesh: m})
			if err != nil {
				return err
			}
			if got := tr.Memory(); rank == 0 && got != planned || zero < 3 && got.Params > inTurn.Params*6/10 || got.Train > inTurn.Train*8/10 {
				return fmt.Errorf("zero %d, rank %d: %v, planned %v, in turn %v", zero, rank, got, planned, inTurn)
			}
			if got := n.Cost(); got != cost {
				return fmt.Errorf("the cost of a part is %v, that of the network %v", got, cost)
			}
			if _, err := NewTrainer(n, TrainConfig{}); err == nil || !strings.Contains(err.Error(), "Trainer.Whole") {
				return fmt.Errorf("another trainer of a part: %v", err)
			}
			if err := n.Save(io.Discard, F32); err == nil || !strings.Contains(err.Error(), "Trainer.Whole") {
				return fmt.Errorf("a part is saved: %v", err)
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
	want := "mesh: 5 ranks do not fit data 2 and tensor 2: use 1 to 2 ranks, or 2 times as many"
	if err := (Mesh{Data: 2, Tensor: 2, World: &World{Ranks: 5}}).Fits(8, 1); err == nil || err.Error() != want {
		t.Errorf("5 ranks: %v", err)
	}
}

// What is not finite is the same error on all ranks of all parts, that of one rank.
func TestPartsDivergeAlike(t *testing.T) {
	layer := Seq{Dense{Out: 128}, ReLU{}, Dense{Out: 9}, ReLU{}, Dense{Out: 256}}
	for kind, change := range []func(*data.Set, *TrainConfig){
		func(s *data.Set, _ *TrainConfig) { s.X[30] = float32(math.NaN()) },
		func(s *data.Set, _ *TrainConfig) { s.X[30] = 3e38 },
		func(_ *data.Set, c *TrainConfig) {
			c.ClipNorm, c.Schedule, c.Optimizer = 0, optim.Constant{LR: math.MaxFloat32}, optim.SGD{Momentum: 0.9}
		},
	} {
		for threads := 1; threads <= 2; threads++ {
			run := func(w *World) error {
				s := blobs(data.Shape{5}, 3, 24)
				cfg := TrainConfig{Mesh: always(Mesh{Data: 2, Tensor: 2, Threads: threads, World: w}), ClipNorm: 1}
				change(s, &cfg)
				n, err := Compile(layer, s.Shape, Config{Batch: 12})
				if err != nil {
					return err
				}
				tr, err := NewTrainer(n, cfg)
				for range 3 {
					if err == nil {
						_, err = tr.Epoch(s)
					}
				}
				return err
			}
			want := run(nil)
			for _, n := range []int{2, 4} {
				for rank, err := range onRanks(links(t, "lanes", n), func(_ int, l mesh.Link) error { return run(&World{l, n}) }) {
					if !errors.Is(err, ErrDiverged) || kind < 2 && err.Error() != want.Error() {
						t.Errorf("kind %d, %d threads, rank %d of %d: %v, want %v", kind, threads, rank, n, err, want)
					}
				}
			}
		}
	}
}

// falling is a link that ends after so many messages.
type falling struct {
	mesh.Link
	left int64
}

// Send implements [mesh.Link].
func (f *falling) Send(to int, m mesh.Mark, b []byte) error {
	if atomic.AddInt64(&f.left, -1) < 0 {
		f.Close(mesh.ErrLost{Rank: f.Rank(), Reason: "for a test"})
	}
	return f.Link.Send(to, m, b)
}

// Where a rank of a part is gone, all others say so, whatever they wait for.
func TestPartsSayThatOneIsLost(t *testing.T) {
	layer := Seq{Dense{Out: 128}, BatchNorm{}, ReLU{}, Dense{Out: 9}, ReLU{}, Dense{Out: 256}}
	s := blobs(data.Shape{5}, 3, 24)
	for _, zero := range []int{0, 3} {
		for after := 2; after < 110; after += 7 {
			all := links(t, "messages", 4)
			errs := onRanks(all, func(rank int, l mesh.Link) error {
				if rank == 2 {
					l = &falling{Link: l, left: int64(after)}
				}
				n, err := Compile(layer, s.Shape, Config{Batch: 12})
				if err != nil {
					return err
				}
				tr, err := NewTrainer(n, TrainConfig{Mesh: always(Mesh{Data: 2, Tensor: 2, Zero: zero, World: &World{l, 4}})})
				for range 3 {
					if err == nil {
						_, err = tr.Epoch(s)
					}
					if err == nil {
						_, err = tr.Evaluate(s)
					}
				}
				if err == nil {
					err = tr.Save(io.Discard)
				}
				return err
			})
			for rank, err := range errs {
				var lost mesh.ErrLost
				if !errors.As(err, &lost) || lost.Rank != 2 {
					t.Errorf("zero %d: rank %d has %v after %d messages", zero, rank, err, after)
				}
			}
		}
	}
}
