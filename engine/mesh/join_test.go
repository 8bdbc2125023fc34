package mesh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Ranks that do not fit together are told why, both of them, and nobody waits long.
func TestRanksThatDoNotFit(t *testing.T) {
	other, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind string
		change     func(*Config)
		want       [2]string // what ranks 0 and 1 say
	}{
		{"version", "unix", func(c *Config) { c.Version = fmt.Sprint("v", c.Rank) }, [2]string{
			"rank 1 on m: it runs version v1, this rank v0", "rank 0 on m: it runs version v0, this rank v1"}},
		{"kernels", "tls", func(c *Config) { c.Level = []string{"avx2", "avx512"}[c.Rank] }, [2]string{
			"its kernels are avx512, those of this rank avx2", "its kernels are avx2, those of this rank avx512"}},
		{"attempt", "tcp", func(c *Config) { c.Attempt += uint32(c.Rank) }, [2]string{
			"attempt 8, this is 7", "attempt 7, this is 8"}},
		{"key of the caller", "tls", func(c *Config) {
			if c.Rank == 0 {
				c.Key = other
			}
		}, [2]string{"rank 1 on m1: it refuses the key of this rank", "its key is not the one in the gang's table"}},
		{"key of the listener", "tls", func(c *Config) {
			if c.Rank == 1 {
				c.Key = other
			}
		}, [2]string{"rank 1 on m1: its key is not the one in the gang's table", "rank 0 on m0: not there within 1s"}},
		{"no TLS on one side", "tls", func(c *Config) {
			if c.Rank == 0 {
				c.Key = nil
			}
		}, [2]string{"rank 1 on m1: ", "rank 0 on m0: not there within 1s"}},
		{"size of the gang", "tcp", func(c *Config) {
			if c.Rank == 0 {
				c.Peers = append(c.Peers[:2:2], Peer{})
			}
		}, [2]string{"rank ", "rank 0 on m0: not there within 1s"}},
		{"no address", "tcp", func(c *Config) {
			if c.Rank == 0 {
				c.Peers = []Peer{c.Peers[0], {Machine: "m1"}}
			}
		}, [2]string{"rank 1 on m1: the table has no address for it", "rank 0 on m0: not there within 1s: it did not call"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, errs := join(t, configs(t, c.kind, 2), func(cfg *Config) {
				cfg.Within = time.Second
				c.change(cfg)
			})
			for rank, err := range errs {
				if err == nil || !strings.Contains(err.Error(), c.want[rank]) {
					t.Errorf("rank %d: %v, not %q", rank, err, c.want[rank])
				}
			}
		})
	}
}

// A rank that never comes, and a context that ends.
func TestARankThatIsNotThere(t *testing.T) {
	cfgs := configs(t, "unix", 3)
	_, errs := join(t, cfgs[:2], func(c *Config) { c.Within = 200 * time.Millisecond })
	for rank, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "rank 2 on m: not there within 200ms") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	cfgs[2].Listeners[0].Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("the trial was stopped"))
	if _, err := Join(ctx, configs(t, "tcp", 2)[0]); err == nil || !strings.Contains(err.Error(), "the trial was stopped") {
		t.Error(err)
	}
}

// Strangers on the listener do not keep the ranks from meeting: garbage, silence, a
// claim to be a rank that is there already, and old attempts.
func TestStrangersAreShutOut(t *testing.T) {
	for _, kind := range []string{"unix", "tcp", "tls"} {
		cfgs := configs(t, kind, 2)
		l := cfgs[1].Listeners[0]
		for i := range 5 {
			c, err := net.Dial(l.Addr().Network(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			switch i {
			case 0:
				c.Write([]byte("GET / HTTP/1.1\r\nHost: here\r\n\r\n"))
			case 1:
				c.Write(bytes.Repeat([]byte{0xff}, 100))
			case 2, 3:
				old := cfgs[0]
				old.Attempt -= uint32(i - 1)
				greet(old, 1).say(newConn(c, 1, 0))
			}
		}
		ls, errs := join(t, cfgs, nil)
		must(t, errs)
		must(t, each(t, ls, func(_ int, l Link) error { return train(l, 2, 2) }))
	}
}

// Ranks of one machine meet by Unix socket though they have addresses as well.
func TestRanksOfAMachineMeetByUnixSocket(t *testing.T) {
	cfgs := configs(t, "tls", 3)
	unix := configs(t, "unix", 3)
	for i := range cfgs {
		cfgs[i].Listeners = append(cfgs[i].Listeners, unix[i].Listeners...)
		cfgs[0].Peers[i].Unix = unix[0].Peers[i].Unix
		cfgs[0].Peers[i].Machine = []string{"a", "a", "b"}[i]
	}
	ls, errs := join(t, cfgs, nil)
	must(t, errs)
	for to, want := range []string{"", "unix", "tcp"} {
		if c := ls[0].(*Net).conns[to]; c != nil && c.c.RemoteAddr().Network() != want {
			t.Errorf("rank 0 meets rank %d by %s", to, c.c.RemoteAddr().Network())
		}
	}
	must(t, each(t, ls, func(_ int, l Link) error { return train(l, 3, 2) }))
}

// A key that is in the table, but of another rank, is refused.
func TestARankCannotPoseAsAnother(t *testing.T) {
	cfgs := configs(t, "tls", 3)
	_, errs := join(t, []Config{cfgs[0], cfgs[2]}, func(c *Config) {
		c.Within = 500 * time.Millisecond
		if c.Rank == 0 {
			c.Rank = 1
		}
	})
	if err := errs[1]; err == nil || !strings.Contains(err.Error(), "it says it is rank 1, but its key is not the one") {
		t.Error(err)
	}
}

// FuzzFrames: whatever bytes come from a peer, the link ends or goes on; it never
// panics, and never keeps more than came.
func FuzzFrames(f *testing.F) {
	frame := func(attempt uint32, m Mark, length int, payload []byte) []byte {
		var h [headerSize]byte
		putHeader(&h, attempt, m, length)
		return append(h[:], payload...)
	}
	f.Add(frame(7, Mark{Kind: beat}, 0, nil))
	f.Add(frame(7, Mark{Tag: 3 << 24, Kind: AllReduce, Size: 4}, 4, []byte{1, 2, 3, 4}))
	f.Add(frame(7, Mark{Kind: end}, 2, []byte("{}")))
	f.Add(frame(7, Mark{Kind: end}, 40, []byte(`{"lost":{"rank":1,"reason":"it is gone"}}`)))
	f.Add(frame(7, Mark{Tag: 1 << 31, Kind: Message}, 0, nil))
	f.Add(frame(7, Mark{Kind: Message}, 1<<24-1, nil))
	f.Add(frame(8, Mark{Kind: beat}, 0, nil))
	f.Add(append(frame(7, Mark{Kind: Message, Size: 3}, 3, []byte("abc")), frame(7, Mark{Kind: hello}, 0, nil)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg := Config{Peers: make([]Peer, 2), Attempt: 7, Beat: time.Hour}
		own, theirs := net.Pipe()
		n := newNet(cfg, []*conn{nil, newConn(own, 1, 7)})
		go io.Copy(io.Discard, theirs)
		theirs.Write(b)
		theirs.Close()
		<-n.conns[1].drained
		kept := 0
		for s := range Streams {
			for _, f := range n.boxes[1][s].queue {
				kept += headerSize + len(f.b)
			}
		}
		if kept > len(b) {
			t.Errorf("%d bytes of %d are kept", kept, len(b))
		}
		n.Close(nil)
		if _, err := hear(bytes.NewReader(b)); err == nil && len(b) < headerSize {
			t.Error("less than a header is a greeting")
		}
		decodeCause(b, ErrEnded{})
	})
}
