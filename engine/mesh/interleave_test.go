package mesh

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Members that come at random moments, on two streams at once, with messages on a
// third, always have the bits of one process. It is meant for the race detector.
func TestRandomInterleavings(t *testing.T) {
	const rounds = 30
	for _, kind := range linkKinds {
		for _, n := range []int{2, 3, 5} {
			t.Run(fmt.Sprint(kind, " ", n), func(t *testing.T) {
				ls := links(t, kind, n, nil)
				must(t, each(t, ls, func(i int, l Link) error {
					var wg sync.WaitGroup
					errs := make(chan error, 3)
					for s := range 2 {
						wg.Go(func() { errs <- randomCalls(l, n, s, rounds) })
					}
					wg.Go(func() { errs <- randomMessages(l, n, rounds) })
					wg.Wait()
					for range 3 {
						if err := <-errs; err != nil {
							return err
						}
					}
					return nil
				}))
				closeAll(ls)
			})
		}
	}
}

// pause waits for a random time, most often none.
func pause(r *rand.Rand) {
	switch r.IntN(6) {
	case 0:
		time.Sleep(time.Duration(r.IntN(300)) * time.Microsecond)
	case 1, 2:
		runtime.Gosched()
	}
}

// randomCalls makes the same random calls at every member, at random moments.
func randomCalls(l Link, n, stream, rounds int) error {
	g, err := NewGroup(l, Members{Ranks: upTo(n), Name: "all", Stream: stream})
	if err != nil {
		return err
	}
	which := rand.New(rand.NewPCG(uint64(n), uint64(stream)))
	when := rand.New(rand.NewPCG(uint64(l.Rank()), uint64(stream)))
	for range rounds {
		length := which.IntN(3000)
		want := treeSum(Span{0, n}, leaf, length)
		x := [][]float32{leaf(g.Member(), length)}
		pause(when)
		switch which.IntN(4) {
		case 0:
			if err := g.AllReduce(x); err != nil {
				return err
			}
			if err := same("AllReduce", x[0], want); err != nil {
				return err
			}
		case 1:
			if err := g.ReduceScatter(x); err != nil {
				return err
			}
			pause(when)
			if err := g.AllGather(x[0]); err != nil {
				return err
			}
			if err := same("ReduceScatter, AllGather", x[0], want); err != nil {
				return err
			}
		case 2:
			root := which.IntN(n)
			if err := g.Broadcast(root, Bytes(x[0])); err != nil {
				return err
			}
			if err := same("Broadcast", x[0], leaf(root, length)); err != nil {
				return err
			}
		case 3:
			y := [][]float64{wide(g.Member(), length/10)}
			if err := g.Sum64(y); err != nil {
				return err
			}
			if err := same("Sum64", y[0], treeSum(Span{0, n}, wide, length/10)); err != nil {
				return err
			}
			no := which.IntN(n + 1)
			if ok, err := g.And(g.Member() != no); err != nil || ok != (no == n) {
				return fmt.Errorf("And: %v, %v", ok, err)
			}
		}
	}
	return nil
}

// randomMessages passes messages around a ring.
func randomMessages(l Link, n, rounds int) error {
	when := rand.New(rand.NewPCG(uint64(l.Rank()), 99))
	tag := Tag(7, "ring")
	before, after := (l.Rank()+n-1)%n, (l.Rank()+1)%n
	for round := range rounds {
		length := (round * 17389) % (chunk * 3)
		m := Mark{Tag: tag, Call: uint32(round), Size: uint64(length)}
		b := make([]byte, length)
		for i := range b {
			b[i] = byte(l.Rank() + i + round)
		}
		pause(when)
		if err := l.Send(after, m, b); err != nil {
			return err
		}
		clear(b)
		pause(when)
		if err := l.Recv(before, m, b); err != nil {
			return err
		}
		for i := range b {
			if b[i] != byte(before+i+round) {
				return fmt.Errorf("message %d: byte %d is %d", round, i, b[i])
			}
		}
	}
	return nil
}
