package mesh

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// deaf is a connection that from some time on nobody reads, as of a machine that was stopped.
type deaf struct {
	net.Conn
	now    *atomic.Bool
	closed chan struct{}
}

func (d *deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if err == nil && d.now.Load() {
		<-d.closed
		return 0, net.ErrClosed
	}
	return n, err
}

// Who sends to a rank that does not read, and then ends, waits no longer than for last words.
func TestClosingWaitsForNobodyWhoDoesNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("last words take a second")
	}
	for _, kind := range []string{"unix", "tls"} {
		var now atomic.Bool
		closed := make(chan struct{})
		ls := links(t, kind, 2, func(c *Config) {
			c.Beat = time.Minute
			if c.Rank == 1 {
				c.Through = func(c net.Conn) net.Conn { return &deaf{c, &now, closed} }
			}
		})
		now.Store(true)
		sent := make(chan error)
		go func() {
			var err error
			for b := make([]byte, 1<<20); err == nil; {
				err = ls[0].Send(1, Mark{Size: 1 << 20}, b)
			}
			sent <- err
		}()
		time.Sleep(300 * time.Millisecond) // until the system's buffers are full
		began := time.Now()
		ls[0].Close(errors.New("enough"))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: it took %v to close", kind, took)
		}
		if err := <-sent; err == nil {
			t.Errorf("%s: everything was sent", kind)
		}
		close(closed)
		ls[1].Close(nil)
	}
}

// Where all find that a rank is mute, nobody waits for its last words, with TLS as without.
func TestClosingWaitsForNobodyWhoIsMute(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		var took time.Duration
		for range 3 { // a busy machine may take its time, once
			bad := &Bad{Mute: true}
			ls := links(t, kind, 2, func(c *Config) {
				if c.Beat = 20 * time.Millisecond; c.Rank == 1 {
					c.Through = bad.Conn
				}
			})
			bad.endAfter(1300)
			each(t, ls, func(_ int, l Link) error { return train(l, 2, 1000) })
			began := time.Now()
			closeAll(ls)
			if took = time.Since(began); took < lastWords/2 {
				break
			}
		}
		if took >= lastWords/2 {
			t.Errorf("%s: it took %v to close", kind, took)
		}
	}
}
