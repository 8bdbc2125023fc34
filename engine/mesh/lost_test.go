package mesh

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// train makes calls until one fails, as a training does; at most steps rounds.
func train(l Link, n, steps int) error {
	g, err := NewGroup(l, Members{Ranks: upTo(n), Name: "all"})
	if err != nil {
		return err
	}
	h, err := NewGroup(l, Members{Ranks: upTo(n), Name: "second", Stream: 1})
	if err != nil {
		return err
	}
	x := [][]float32{make([]float32, 3000)}
	y := [][]float64{make([]float64, 3)}
	for range steps {
		if err := g.AllReduce(x); err != nil {
			return err
		}
		if err := h.Sum64(y); err != nil {
			return err
		}
		if _, err := g.And(true); err != nil {
			return err
		}
		if err := g.Broadcast(1, Bytes(x[0])); err != nil {
			return err
		}
	}
	return nil
}

// quick makes beats fast enough for tests.
func quick(c *Config) { c.Beat, c.Within = 100*time.Millisecond, 20*time.Second }

// A rank whose network ends after any number of bytes is lost: all others end with
// an error that names it, and calls that come later return the same one.
func TestARankThatDiesIsLostForAll(t *testing.T) {
	for _, kind := range []string{"unix", "tcp", "tls"} {
		for _, mute := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s mute %v", kind, mute), func(t *testing.T) {
				t.Parallel()
				const n, dies = 3, 1
				most := int64(100_000)
				if mute {
					most = 20_000
				}
				if testing.Short() {
					most /= 5
				}
				for after := int64(1300); after < most; after += after/2 + 1237 {
					bad := &Bad{Mute: mute}
					ls := links(t, kind, n, func(c *Config) {
						quick(c)
						if c.Rank == dies {
							c.Through = bad.Conn
						}
					})
					bad.endAfter(after)
					errs := each(t, ls, func(_ int, l Link) error { return train(l, n, 1000) })
					for rank, err := range errs {
						if err == nil {
							t.Fatalf("after %d bytes: rank %d has not noticed", after, rank)
						}
						var lost ErrLost
						if rank != dies && (!errors.As(err, &lost) || lost.Rank != dies || lost.Machine == "") {
							t.Errorf("after %d bytes: rank %d: %v", after, rank, err)
						}
						if later := ls[rank].Send((rank+1)%n, Mark{}, nil); !errors.Is(later, err) {
							t.Errorf("after %d bytes: rank %d: %v, later %v", after, rank, err, later)
						}
					}
					closeAll(ls)
				}
			})
		}
	}
}

// The handshake may break at any byte, too: everybody ends with an error that names
// a rank, or has met.
func TestAHandshakeThatBreaksEndsForAll(t *testing.T) {
	step := int64(37)
	if testing.Short() {
		step = 4 * 37
	}
	for _, kind := range []string{"unix", "tls"} {
		for after := int64(1); after < 400; after += step {
			bad := &Bad{End: after}
			_, errs := join(t, configs(t, kind, 3), func(c *Config) {
				c.Within = 300 * time.Millisecond
				if c.Rank == 1 {
					c.Through = bad.Conn
				}
			})
			for rank, err := range errs {
				if err != nil && !strings.Contains(err.Error(), "rank ") {
					t.Errorf("%s, after %d bytes: rank %d: %v", kind, after, rank, err)
				}
			}
			if errs[1] == nil && kind == "tls" && after < 300 {
				t.Errorf("%s, after %d bytes: rank 1 has met the others", kind, after)
			}
		}
	}
}

// A cause travels as it is: the same words on every rank.
func TestACauseEndsAllRanks(t *testing.T) {
	for _, kind := range linkKinds {
		t.Run(kind, func(t *testing.T) {
			ls := links(t, kind, 4, quick)
			errs := each(t, ls, func(i int, l Link) error {
				if i == 2 {
					return l.Close(errors.New("epoch 3: loss is NaN"))
				}
				return train(l, 4, 1000)
			})
			for rank, err := range errs {
				var ended ErrEnded
				if rank != 2 && (!errors.As(err, &ended) || ended.Rank != 2 || ended.Reason != "epoch 3: loss is NaN") {
					t.Errorf("rank %d: %v", rank, err)
				}
			}
		})
	}
}

// A rank that leaves well leaves what it sent; who waits for more is told so.
func TestALinkClosedWithoutCauseLeavesWhatWasSent(t *testing.T) {
	for _, kind := range linkKinds {
		t.Run(kind, func(t *testing.T) {
			ls := links(t, kind, 3, quick)
			m := Mark{Tag: Tag(2, "words"), Size: 5}
			if err := ls[0].Send(1, m, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			ls[0].Close(nil)
			b := make([]byte, 5)
			if err := ls[1].Recv(0, m, b); err != nil || string(b) != "hello" {
				t.Fatalf("%q, %v", b, err)
			}
			var ended ErrEnded
			errs := each(t, ls[1:], func(i int, l Link) error {
				if i == 0 {
					return l.Recv(0, m, b)
				}
				return train(l, 3, 1)
			})
			for i, err := range errs {
				if !errors.As(err, &ended) || ended.Rank != 0 || ended.Reason != "" {
					t.Errorf("rank %d: %v", i+1, err)
				}
			}
			// The two that are left still have each other.
			if err := ls[2].Send(1, m, b); err != nil {
				t.Error(err)
			}
			if err := ls[1].Recv(2, m, b); err != nil {
				t.Error(err)
			}
		})
	}
}

// A rank that is slow but beats is not lost.
func TestASlowRankIsNotLost(t *testing.T) {
	ls := links(t, "unix", 2, func(c *Config) { c.Beat = 50 * time.Millisecond })
	must(t, each(t, ls, func(i int, l Link) error {
		if i == 1 {
			time.Sleep(20 * 50 * time.Millisecond)
		}
		return train(l, 2, 1)
	}))
	if waited := ls[0].(*Net).Waited()[1]; waited < 500*time.Millisecond {
		t.Errorf("rank 0 counts %v of waiting for rank 1", waited)
	}
}

// A network with latency and a bandwidth changes no bit.
func TestABadNetworkChangesNoBit(t *testing.T) {
	ls := links(t, "unix", 3, func(c *Config) {
		c.Through = (&Bad{Latency: 2 * time.Millisecond, Bandwidth: 200e6}).Conn
	})
	checkCollectives(t, ls, []int{1, 1, 1})
}

func TestBadKeepsItsBandwidth(t *testing.T) {
	a, b := net.Pipe()
	bad := (&Bad{Bandwidth: 1e6}).Conn(a)
	go func() {
		buf := make([]byte, 1000)
		for {
			if _, err := b.Read(buf); err != nil {
				return
			}
		}
	}()
	start := time.Now()
	for range 20 {
		if _, err := bad.Write(make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
	}
	bad.Close()
	if took := time.Since(start); took < 95*time.Millisecond {
		t.Errorf("100 kB at 1 MB/s took %v", took)
	}
}
