package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/loss"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// links joins n ranks of this process: by memory, by messages, or by Unix sockets.
func links(t rapid.TB, kind string, n int) []mesh.Link { return badLinks(t, kind, n, nil) }

// closeAll closes links as their ranks do, beside each other: each waits for the others.
func closeAll(links []mesh.Link) {
	var all sync.WaitGroup
	for _, l := range links {
		all.Go(func() { l.Close(nil) })
	}
	all.Wait()
}

// badLinks is links over bad networks, by rank.
func badLinks(t rapid.TB, kind string, n int, bad map[int]*mesh.Bad) []mesh.Link {
	t.Helper()
	out := make([]mesh.Link, n)
	if kind != "unix" {
		for i, l := range mesh.Local(n) {
			if out[i] = l; kind == "messages" {
				out[i] = struct{ mesh.Link }{l}
			}
		}
		return out
	}
	dir, err := os.MkdirTemp("", "ranks")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	table := make([]mesh.Peer, n)
	listeners := make([]net.Listener, n)
	for i := range table {
		table[i] = mesh.Peer{Machine: "m", Unix: filepath.Join(dir, fmt.Sprint(i))}
		if listeners[i], err = net.Listen("unix", table[i].Unix); err != nil {
			t.Fatal(err)
		}
	}
	errs := onRanks(out, func(rank int, _ mesh.Link) error {
		c := mesh.Config{Rank: rank, Peers: table, Listeners: listeners[rank : rank+1]}
		if b := bad[rank]; b != nil {
			c.Through = b.Conn
		}
		l, err := mesh.Join(context.Background(), c)
		out[rank] = l
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return out
}

// onRanks runs do on a goroutine for each rank. It gives up where they do not end.
func onRanks(links []mesh.Link, do func(rank int, l mesh.Link) error) []error {
	errs := make([]error, len(links))
	var all sync.WaitGroup
	for rank, l := range links {
		all.Go(func() { errs[rank] = do(rank, l) })
	}
	done := make(chan bool)
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
		return errs
	case <-time.After(time.Minute):
		panic("ranks that wait for ever")
	}
}

// sharing is a network with tensors of several blocks.
var sharing = Seq{Dense{Out: 150}, BatchNorm{}, ReLU{}, Dropout{P: 0.1}, Dense{Out: 70}, ReLU{}, Dense{Out: 4}}

// How many ranks compute a step, what each keeps and how they are joined changes no bit
// of a checkpoint: it is the file that one rank writes. Any number of ranks goes on from
// it.
func TestRanksChangeNoBit(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 41)
	left := math.MaxInt
	if testing.Short() {
		left = 10
	}
	rapid.Check(t, func(rt *rapid.T) {
		if left--; left < 0 {
			return
		}
		layer := Layer(sharing)
		if rapid.Bool().Draw(rt, "small") {
			layer = rapid.SampledFrom(kinds).Draw(rt, "network").layer
		}
		shards, micro := rapid.IntRange(2, 6).Draw(rt, "data"), rapid.IntRange(1, 3).Draw(rt, "micro-batches")
		cfg := TrainConfig{
			Optimizer: rapid.SampledFrom(everything.optimizers).Draw(rt, "optimizer"), Epochs: 3,
			Schedule: optim.Plateau{Patience: -1, Then: optim.Constant{LR: 0.01}},
			EMA:      rapid.SampledFrom([]float64{0, 0.9}).Draw(rt, "ema"), ClipNorm: rapid.SampledFrom([]float64{0, 0.1}).Draw(rt, "clip"),
			ClipValue: rapid.SampledFrom([]float64{0, 0.01}).Draw(rt, "value"),
			Groups:    []Group{{Vectors: true, NoDecay: true, Rate: 2}},
			Prefetch:  rapid.Bool().Draw(rt, "prefetch"), Seed: 7,
			Mesh: always(Mesh{Data: shards, MicroBatches: micro}),
		}
		if rapid.Bool().Draw(rt, "tensor") && layer.String() == sharing.String() {
			layer, cfg.Mesh.Tensor = Seq{Dense{Out: 128}, BatchNorm{}, ReLU{}, Dropout{P: 0.1}, Dense{Out: 70}, ReLU{}, Dense{Out: 4}}, 2
			cfg.ClipNorm = 0 // which parts add up in another order: see TestPartsOnRanksChangeNoBit
		}
		if rapid.Bool().Draw(rt, "frozen") && layer.String() == sharing.String() {
			cfg.Groups = append(cfg.Groups, Group{Names: []string{"4.weight"}, Frozen: true})
		}
		if rapid.Bool().Draw(rt, "scaled") {
			cfg.LossScale = &LossScale{Init: 0x1p127, Interval: 2} // overflows at first
		}
		if rapid.Bool().Draw(rt, "masked") {
			n := mustCompile(t, layer, s.Shape, Config{})
			for i := range n.params {
				cfg.Mask = append(cfg.Mask, float32(min(i%3, 1)))
			}
		}
		c := Config{Seed: 1, Batch: shards*micro + rapid.IntRange(2, 12).Draw(rt, "rows"), Precision: rapid.SampledFrom([]Precision{F32, BF16, FP16}).Draw(rt, "precision")}
		switch rapid.IntRange(0, 2).Draw(rt, "loss") {
		case 1:
			cfg.Mixup = 0.5
		case 2:
			c.Loss = loss.CrossEntropy{Weights: []float32{1, 0, 2, 0.3}}
		}
		zero := rapid.IntRange(0, 3).Draw(rt, "zero")
		if zero >= 2 && micro > 1 { // another tree, whoever computes it
			cfg.Mesh.Zero = rapid.IntRange(2, 3).Draw(rt, "zero alone")
			cfg.Mesh.Threads = rapid.IntRange(1, shards).Draw(rt, "threads alone")
			cfg.Mesh.turns = rapid.Bool().Draw(rt, "alone in turn")
		}
		units := rapid.SampledFrom([]int{1, 5000, 0}).Draw(rt, "bucket")
		stop := rapid.IntRange(0, 3).Draw(rt, "step to stop at")
		// train begins, or goes on from a checkpoint, and gives two: in the middle of the
		// second epoch, and at the end.
		train := func(link mesh.Link, cfg TrainConfig, from []byte) (out [2]bytes.Buffer, score Score, err error) {
			n, err := Compile(layer, s.Shape, c)
			if err != nil {
				return out, score, err
			}
			tr, err := NewTrainer(n, cfg)
			if err != nil {
				return out, score, err
			}
			if from != nil {
				if err := tr.Load(bytes.NewReader(from)); err != nil {
					return out, score, err
				}
			}
			for tr.Done() < 3 {
				last, err := tr.Step(s)
				if err != nil {
					return out, score, err
				}
				if last {
					if score, err = tr.Evaluate(s); err != nil {
						return out, score, err
					}
					tr.Observe(score.Loss)
					if tr.Done() < 3 {
						tr.KeepBest()
					}
				}
				if tr.Done() == 1 && tr.rows/tr.stepRows() == min(stop, (s.Len()-1)/tr.stepRows()) {
					if err := tr.Save(&out[0]); err != nil {
						return out, score, err
					}
				}
			}
			return out, score, tr.Save(&out[1])
		}
		want, score, err := train(nil, cfg, nil)
		if err != nil {
			rt.Fatal(err)
		}
		for _, from := range [][]byte{nil, want[0].Bytes()} {
			n := rapid.IntRange(2, min(shards, 5)).Draw(rt, "ranks")
			kind := rapid.SampledFrom([]string{"lanes", "lanes", "messages", "messages", "messages", "unix"}).Draw(rt, "link")
			threads := rapid.IntRange(1, 2).Draw(rt, "threads")
			again := rapid.SampledFrom([]Recompute{RecomputeNone, RecomputeBlocks}).Draw(rt, "recompute")
			turns := rapid.Bool().Draw(rt, "in turn")
			all := links(rt, kind, n)
			err := errors.Join(onRanks(all, func(rank int, l mesh.Link) error {
				cfg := cfg
				cfg.Mesh.Recompute = again
				cfg.Mesh.World, cfg.Mesh.Zero, cfg.Mesh.Threads, cfg.Mesh.turns, cfg.Mesh.bucket = &World{l, n}, zero, min(threads, shards), turns, units
				got, gotScore, err := train(l, cfg, from)
				if err != nil {
					return err
				}
				if gotScore != score {
					return fmt.Errorf("rank %d of %d: score %+v, want %+v", rank, n, gotScore, score)
				}
				for i := range got {
					if rank == 0 && (i == 1 || from == nil) && !bytes.Equal(got[i].Bytes(), want[i].Bytes()) {
						return fmt.Errorf("%d ranks, zero %d, threads %d, %s: checkpoint %d is another one than that of one rank", n, zero, threads, kind, i)
					}
					if rank > 0 && got[i].Len() > 0 {
						return errors.New("a rank that is not 0 writes")
					}
				}
				return nil
			})...)
			closeAll(all)
			if err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// Groups of 16 ranks meet in pairs, after which pieces are in another order than ranks.
func TestSixteenRanksChangeNoBit(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 70)
	train := func(m Mesh) ([]byte, error) {
		n, err := Compile(sharing, s.Shape, Config{Batch: 32})
		if err != nil {
			return nil, err
		}
		tr, err := NewTrainer(n, TrainConfig{Mesh: always(m), EMA: 0.9, ClipNorm: 0.1})
		if err != nil {
			return nil, err
		}
		if _, err := tr.Epoch(s); err != nil {
			return nil, err
		}
		tr.KeepBest()
		var b bytes.Buffer
		err = tr.Save(&b)
		return b.Bytes(), err
	}
	want, err := train(Mesh{Data: 16})
	if err != nil {
		t.Fatal(err)
	}
	for zero := range 4 {
		err := errors.Join(onRanks(links(t, "messages", 16), func(rank int, l mesh.Link) error {
			m := Mesh{Data: 16, Zero: zero, World: &World{l, 16}}
			m.bucket = 5000
			got, err := train(m)
			if err == nil && rank == 0 && !bytes.Equal(got, want) {
				err = fmt.Errorf("zero %d: another checkpoint than that of one rank", zero)
			}
			return err
		})...)
		if err != nil {
			t.Error(err)
		}
	}
}

// Outputs of an evaluation and the best weights reach every rank, and the whole network
// if it wants that.
func TestRanksEvaluateAlike(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 50)
	run := func(m Mesh) (out []float32, best []float32, score Score, err error) {
		n, err := Compile(Seq{Dense{Out: 2000}, ReLU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 12})
		if err != nil {
			return nil, nil, score, err
		}
		tr, err := NewTrainer(n, TrainConfig{Mesh: always(m), EMA: 0.9})
		if err != nil {
			return nil, nil, score, err
		}
		if _, err := tr.Epoch(s); err != nil {
			return nil, nil, score, err
		}
		tr.KeepBest()
		if _, err := tr.Epoch(s); err != nil {
			return nil, nil, score, err
		}
		out = make([]float32, s.Len()*3)
		if score, err = tr.EvaluateTo(out, s); err != nil {
			return nil, nil, score, err
		}
		if !tr.RestoreBest() {
			return nil, nil, score, errors.New("there is no best copy")
		}
		whole, err := tr.Whole()
		if err != nil {
			return nil, nil, score, err
		}
		return out, whole.Params(), score, tr.ranks.agree(nil)
	}
	out, best, score, err := run(Mesh{Data: 4})
	if err != nil {
		t.Fatal(err)
	}
	for zero := range 4 {
		for _, n := range []int{2, 3, 4} {
			err := errors.Join(onRanks(links(t, "messages", n), func(rank int, l mesh.Link) error {
				o, b, sc, err := run(Mesh{Data: 4, Zero: zero, World: &World{l, n}})
				if err == nil && (sc != score || !bytes.Equal(mesh.Bytes(o), mesh.Bytes(out)) || !bytes.Equal(mesh.Bytes(b), mesh.Bytes(best))) {
					err = fmt.Errorf("zero %d, %d ranks: rank %d has other outputs or best weights", zero, n, rank)
				}
				return err
			})...)
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// A loss, a gradient or a weight that is not finite is the same error on all ranks, the
// one that a rank alone finds.
func TestRanksDivergeAlike(t *testing.T) {
	for row := range 24 {
		var want string
		for zero := range 4 {
			for n := 1; n <= 4; n++ {
				for kind, change := range []func(*data.Set, *TrainConfig){
					func(s *data.Set, _ *TrainConfig) { s.X[row*5] = float32(math.NaN()) },
					func(s *data.Set, _ *TrainConfig) { s.X[row*5] = 1e30 }, // the gradient, or its norm
					func(_ *data.Set, c *TrainConfig) {
						c.ClipNorm, c.Schedule, c.Optimizer = 0, optim.Constant{LR: math.MaxFloat32}, optim.SGD{Momentum: 0.9}
					},
				} {
					if kind > 0 && row%8 > 0 {
						continue
					}
					s := blobs(data.Shape{5}, 3, 24)
					cfg := TrainConfig{Mesh: always(Mesh{Data: 4, Zero: zero, Threads: 1 + row%2}), ClipNorm: 1}
					change(s, &cfg)
					errs := onRanks(links(t, "lanes", n), func(rank int, l mesh.Link) error {
						cfg := cfg
						cfg.Mesh.World = &World{l, n}
						net, err := Compile(Seq{Dense{Out: 8}, BatchNorm{}, ReLU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 12})
						if err != nil {
							return err
						}
						tr, err := NewTrainer(net, cfg)
						if err != nil {
							return err
						}
						for range 3 {
							if _, err = tr.Epoch(s); err != nil {
								return err
							}
						}
						return nil
					})
					if zero == 0 && n == 1 {
						want = fmt.Sprint(errs[0])
					}
					for rank, err := range errs {
						if kind == 1 && err == nil {
							continue // batch norm makes something of it
						}
						if !errors.Is(err, ErrDiverged) || kind != 1 && kind != 2 && row%8 != 0 && err.Error() != want {
							t.Errorf("row %d, kind %d, rank %d of %d: %v, want %s", row, kind, rank, n, err, want)
						}
						if err.Error() != errs[0].Error() {
							t.Errorf("row %d, kind %d, rank %d of %d: %v, rank 0 has %v", row, kind, rank, n, err, errs[0])
						}
					}
				}
			}
		}
	}
}

// Where a rank is gone, in whatever step or call, all others say so, and none waits.
func TestRanksSayThatOneIsLost(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	for _, kind := range []string{"lanes", "messages", "unix"} {
		for after := range 4 {
			for zero := range 4 {
				errs := onRanks(links(t, kind, 3), func(rank int, l mesh.Link) error {
					n, err := Compile(sharing[4:], s.Shape, Config{Batch: 6})
					if err != nil {
						return err
					}
					tr, err := NewTrainer(n, TrainConfig{ClipNorm: 1, Mesh: Mesh{Data: 3, Zero: zero, World: &World{l, 3}}})
					for step := 0; err == nil && step < 10; step++ {
						if step == after && rank == 1 {
							return l.Close(mesh.ErrLost{Rank: 1, Reason: "for a test"})
						}
						if _, err = tr.Step(s); err == nil && after%2 == 1 {
							err = tr.Save(io.Discard)
						}
					}
					return err
				})
				for rank, err := range errs {
					var lost mesh.ErrLost
					if rank != 1 && (!errors.As(err, &lost) || lost.Rank != 1) {
						t.Errorf("%s, after %d steps: rank %d has %v", kind, after, rank, err)
					}
				}
			}
		}
	}
}

// A rank may die after any byte it sends, in whatever units travel then: all others
// end, and say who is lost.
func TestARankMayDieAnywhere(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 24)
	ends := 12
	if testing.Short() {
		ends = 3
	}
	for zero := range 4 {
		for i := range ends {
			bad := &mesh.Bad{End: 2500 + int64(i*i)*1931}
			all := badLinks(t, "unix", 3, map[int]*mesh.Bad{1: bad})
			errs := onRanks(all, func(rank int, l mesh.Link) error {
				n, err := Compile(sharing, s.Shape, Config{Batch: 12})
				if err != nil {
					return err
				}
				m := Mesh{Data: 6, Threads: 1 + i%2, Zero: zero, World: &World{l, 3}}
				m.bucket = 5000
				tr, err := NewTrainer(n, TrainConfig{ClipNorm: 1, Mesh: always(m)})
				for err == nil && tr.Done() < 5 {
					if _, err = tr.Epoch(s); err == nil {
						_, err = tr.Evaluate(s)
					}
				}
				return err
			})
			if !bad.Over() {
				t.Fatalf("zero %d: the network lasted for %d bytes", zero, bad.End)
			}
			for rank, err := range errs {
				var lost mesh.ErrLost
				if rank != 1 && (!errors.As(err, &lost) || lost.Rank != 1) || err == nil {
					t.Errorf("zero %d, after %d bytes: rank %d has %v", zero, bad.End, rank, err)
				}
			}
		}
	}
}

// A request to stop reaches all ranks with the same step.
func TestRanksStopTogether(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	steps := make([]int, 3)
	err := errors.Join(onRanks(links(t, "messages", 3), func(rank int, l mesh.Link) error {
		n, err := Compile(Dense{Out: 3}, s.Shape, Config{Batch: 6})
		if err != nil {
			return err
		}
		tr, err := NewTrainer(n, TrainConfig{Mesh: Mesh{Data: 3, World: &World{l, 3}}})
		if err == nil && rank == 1 {
			time.AfterFunc(time.Millisecond, tr.RequestStop)
		}
		for err == nil && !tr.StopRequested() {
			_, err = tr.Step(s)
			steps[rank]++
		}
		return err
	})...)
	if err != nil || steps[0] != steps[1] || steps[1] != steps[2] {
		t.Errorf("%v steps, %v", steps, err)
	}
	tr := mustTrain(t, mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 6}), TrainConfig{})
	for _, want := range []bool{false, true} {
		if _, err := tr.Step(s); err != nil || tr.StopRequested() != want {
			t.Errorf("alone: %v, %v", tr.StopRequested(), err)
		}
		tr.RequestStop()
	}
}

// What one rank alone finds wrong, and a user's panic, ends the others' calls too.
func TestRanksEndTogether(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	wrong := blobs(data.Shape{4}, 3, 24)
	for name, do := range map[string]func(tr *Trainer) error{
		"another set": func(tr *Trainer) error { _, err := tr.Step(wrong); return err },
		"evaluation":  func(tr *Trainer) error { _, err := tr.Evaluate(wrong); return err },
		"checkpoint":  func(tr *Trainer) error { return tr.Load(strings.NewReader("nonsense")) },
		"disk": func(tr *Trainer) error {
			return tr.Save(failing{})
		},
		"panic": func(tr *Trainer) (err error) {
			defer func() { err = fmt.Errorf("panic %v", recover()) }()
			tr.lanes[0].feeder.augment = &counting{at: 1}
			_, err = tr.Step(s)
			return err
		},
	} {
		checkpoint := checkpoint(t, mustTrain(t, mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 12}), TrainConfig{Mesh: Mesh{Data: 3}}))
		errs := onRanks(links(t, "messages", 3), func(rank int, l mesh.Link) error {
			n, err := Compile(Dense{Out: 3}, s.Shape, Config{Batch: 12})
			if err != nil {
				return err
			}
			tr, err := NewTrainer(n, TrainConfig{Mesh: Mesh{Data: 3, World: &World{l, 3}}})
			if err != nil {
				return err
			}
			if rank == 0 {
				return do(tr)
			}
			switch name {
			case "checkpoint":
				return tr.Load(bytes.NewReader(checkpoint))
			case "disk":
				return tr.Save(nil)
			case "evaluation":
				_, err = tr.Evaluate(s)
			default:
				_, err = tr.Step(s)
			}
			return err
		})
		for rank, err := range errs {
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: rank %d has %v", name, rank, err)
			}
		}
	}
}

// failing is a full disk.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space") }

// After the first, a step of several ranks allocates nothing.
func TestRanksDoNotAllocate(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 8*40)
	for zero := range 4 {
		for _, kind := range []string{"lanes", "unix"} {
			err := errors.Join(onRanks(links(t, kind, 2), func(rank int, l mesh.Link) error {
				n, err := Compile(sharing, s.Shape, Config{Batch: 8})
				if err != nil {
					return err
				}
				tr, err := NewTrainer(n, TrainConfig{Mesh: always(Mesh{Data: 4, Threads: 2, Zero: zero, World: &World{l, 2}}), ClipNorm: 1, EMA: 0.9, LossScale: &LossScale{}})
				if err != nil {
					return err
				}
				step := func() {
					if _, err = tr.Step(s); err != nil {
						panic(err)
					}
				}
				for range 5 {
					step()
				}
				if rank > 0 {
					for range 21 {
						step()
					}
					return nil
				}
				if a := testing.AllocsPerRun(20, step); a != 0 { // of all goroutines of the process
					return fmt.Errorf("zero %d, %s: %g allocations a step", zero, kind, a)
				}
				return nil
			})...)
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// Ranks that cannot be are errors that say what is possible; so is one that trains
// something else than the others.
func TestWorldFits(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 12)
	n := mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 12})
	for _, c := range []struct {
		mesh Mesh
		want string
	}{
		{Mesh{World: &World{Ranks: 2}}, "use at most 1 ranks, or data 2"},
		{Mesh{Data: 2, World: &World{Ranks: 3}}, "use at most 2 ranks, or data 3"},
		{Mesh{Data: 2, World: &World{Ranks: 2}}, "no link"},
		{Mesh{Data: 2, World: &World{}}, "at least one"},
		{Mesh{Data: 2, Zero: 4}, "zero 4"},
	} {
		if _, err := NewTrainer(n, TrainConfig{Mesh: c.mesh}); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.mesh, err, c.want)
		}
	}
	errs := onRanks(links(t, "lanes", 2), func(rank int, l mesh.Link) error {
		n, err := Compile(Dense{Out: 3}, s.Shape, Config{Batch: 12, Seed: uint64(rank)})
		if err == nil {
			_, err = NewTrainer(n, TrainConfig{Mesh: Mesh{Data: 2, World: &World{l, 2}}})
		}
		return err
	})
	for rank, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "rank 1 has weights with the checksum") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

// A step sends the bytes that the formulas say, within 1 %: those of gradients and
// weights, and the statistics of each micro-batch.
func TestRanksSendWhatIsSaid(t *testing.T) {
	s := blobs(data.Shape{256}, 4, 12)
	for _, n := range []int{2, 3} {
		for zero := range 4 {
			for micro := 1; micro <= 2; micro++ {
				if testing.Short() && n+zero+micro != 5 {
					continue
				}
				l, layer, train := ranksOf(256, 4, n, 1, micro, zero)
				train.ClipNorm = 0
				all := links(t, "unix", n)
				sent := make([]int64, n)
				err := errors.Join(onRanks(all, func(rank int, link mesh.Link) error {
					c, err := Compile(l, s.Shape, Config{Batch: 12})
					if err != nil {
						return err
					}
					train := train
					train.Mesh.World = &World{link, n}
					tr, err := NewTrainer(c, train)
					if err != nil {
						return err
					}
					before, _ := link.(*mesh.Net).Traffic()
					_, err = tr.Step(s)
					after, _ := link.(*mesh.Net).Traffic()
					sent[rank] = int64(after) - int64(before)
					return err
				})...)
				closeAll(all)
				if err != nil {
					t.Fatal(err)
				}
				share, got := 4*float64(4*layer+4*256+4)*float64(n-1)/float64(n), 0.
				want := []float64{2, 2, float64(micro) + 1, 3 * float64(micro)}[zero] * share
				want += 4 * float64(4*2*256) * float64(n*micro) * float64(n-1) / float64(n) // statistics of all micro-batches
				for _, b := range sent {
					got += float64(b) / float64(n)
				}
				if math.Abs(got-want) > 0.01*want {
					t.Errorf("%d ranks, zero %d, %d micro-batches: each sends %.0f bytes a step, the formula says %.0f", n, zero, micro, got, want)
				}
			}
		}
	}
}
