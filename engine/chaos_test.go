package engine

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine/mesh"
)

// A rank is killed a hundred times, between two steps or at any moment, and each time another number of
// ranks, with another share of the state, goes on from the last checkpoint: the
// weights, and all that a checkpoint has, come to the bits of one rank that nobody
// disturbed; and each epoch is there once, with the same loss.
func TestRanksAreKilledAHundredTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	s := blobs(data.Shape{8}, 3, 24)
	l := Seq{Dense{Out: 20}, BatchNorm{}, ReLU{}, Dropout{P: 0.1}, Dense{Out: 3}}
	const epochs, kills = 600, 100
	type run struct {
		losses []float64 // of each epoch, as rank 0 has found it
		kept   []byte    // the last checkpoint, and
		at     int       // the epochs that are in it
	}
	train := func(m Mesh, r *run, kill func(step int) bool) error {
		n, err := Compile(l, s.Shape, Config{Batch: 12, Seed: 1})
		if err != nil {
			return err
		}
		tr, err := NewTrainer(n, TrainConfig{Seed: 2, Epochs: epochs, EMA: 0.9, ClipNorm: 1, Mesh: m})
		if err != nil {
			return err
		}
		if r.kept != nil {
			if err := tr.Load(bytes.NewReader(r.kept)); err != nil {
				return err
			}
		}
		writes := m.World == nil || m.World.Link.Rank() == 0
		for step := 0; tr.Done() < epochs; step++ {
			if kill(step) {
				return m.World.Link.Close(mesh.ErrLost{Rank: m.World.Link.Rank(), Reason: "killed"})
			}
			last, err := tr.Step(s)
			if err != nil {
				return err
			}
			if !last {
				continue
			}
			var b bytes.Buffer
			if err := tr.Save(&b); err != nil {
				return err
			}
			if writes { // what is written once is there, whoever is lost then
				r.losses, r.kept, r.at = append(r.losses[:tr.Done()-1], tr.loss), b.Bytes(), tr.Done()
			}
		}
		return nil
	}
	var want run
	if err := train(Mesh{Data: 4, MicroBatches: 2}, &want, func(int) bool { return false }); err != nil {
		t.Fatal(err)
	}
	var got run
	killed, sizes := 0, map[int]int{}
	rnd := rand.New(rand.NewPCG(7, 1))
	for attempts := 0; got.at < epochs && attempts < 3*kills; attempts++ {
		n, who, when := 2+rnd.IntN(3), rnd.IntN(4), rnd.IntN(8)
		if killed == kills {
			who = -1
		}
		before, from := got, got.at
		results := make([]run, n)
		sizes[n]++
		zero, sudden := rnd.IntN(2), rnd.IntN(2) == 0
		errs := onRanks(links(t, []string{"lanes", "messages"}[rnd.IntN(2)], n), func(rank int, link mesh.Link) error {
			results[rank] = run{append([]float64(nil), before.losses...), before.kept, before.at}
			m := Mesh{Data: 4, MicroBatches: 2, Zero: zero, World: &World{link, n}}
			if dies := rank == who%n; dies && sudden {
				defer time.AfterFunc(time.Duration(when)*50*time.Microsecond, func() { link.Close(mesh.ErrLost{Rank: rank, Reason: "killed"}) }).Stop()
			}
			return train(m, &results[rank], func(step int) bool { return rank == who%n && !sudden && step == when })
		})
		if got = results[0]; got.at < from || len(got.losses) != got.at {
			t.Fatalf("the checkpoint has %d epochs and %d losses after one with %d", got.at, len(got.losses), from)
		}
		if who < 0 {
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			break
		}
		if got.at == epochs {
			break
		}
		if errors.Join(errs...) == nil { // it was not that soon
			continue
		}
		killed++
		for rank, err := range errs {
			var lost mesh.ErrLost
			if rank != who%n && (!errors.As(err, &lost) || lost.Rank != who%n) {
				t.Fatalf("kill %d of rank %d of %d: rank %d has %v", killed, who%n, n, rank, err)
			}
		}
	}
	if killed != kills || len(sizes) != 3 {
		t.Errorf("%d kills in gangs of %v", killed, sizes)
	}
	if fmt.Sprint(got.losses) != fmt.Sprint(want.losses) || !bytes.Equal(got.kept, want.kept) {
		t.Errorf("%d epochs through %d kills: another checkpoint, or other losses, than undisturbed", got.at, killed)
	}
}
