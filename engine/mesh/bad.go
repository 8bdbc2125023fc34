package mesh

import (
	"net"
	"sync"
	"time"
)

// Bad is a bad network: what its connections write arrives late, slowly, and at some
// point no more. One value is the network of one rank; its Conn goes into
// [Config.Through].
type Bad struct {
	Latency   time.Duration // of every byte, one way
	Bandwidth float64       // bytes a second of all connections together; 0 means no limit
	End       int64         // after so many bytes are written in all; 0 means never
	Mute      bool          // at the end connections stay open and silent, as if the machine were stopped; else they close, as if it died

	mu    sync.Mutex
	sent  int64
	free  time.Time // when the network has passed on all that was written
	ended bool
	conns []net.Conn
}

// Conn is c over this network.
func (b *Bad) Conn(c net.Conn) net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := &badConn{Conn: c, bad: b, late: make(chan parcel, 64)}
	b.conns = append(b.conns, c)
	if b.ended && !b.Mute {
		c.Close()
	}
	if b.Latency > 0 {
		go k.deliver()
	}
	return k
}

// Over reports whether the network has ended.
func (b *Bad) Over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// pass lets through what it can of n bytes: it gives their number, and when the last
// of them has left.
func (b *Bad) pass(n int) (int, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.End > 0 && b.sent+int64(n) > b.End {
		n = int(b.End - b.sent)
		b.ended = true
	}
	b.sent += int64(n)
	if now := time.Now(); b.free.Before(now) {
		b.free = now
	}
	if b.Bandwidth > 0 {
		b.free = b.free.Add(time.Duration(float64(n) / b.Bandwidth * float64(time.Second)))
	}
	return n, b.free
}

// die closes all connections.
func (b *Bad) die() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Close()
	}
}

// badConn is one connection.
type badConn struct {
	net.Conn
	bad    *Bad
	mu     sync.Mutex // of writing
	late   chan parcel
	closed bool
}

// parcel is bytes on their way.
type parcel struct {
	b   []byte
	due time.Time
}

func (c *badConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	n, left := c.bad.pass(len(b))
	if c.bad.Bandwidth > 0 {
		time.Sleep(time.Until(left))
	}
	var err error
	if c.bad.Latency > 0 {
		c.late <- parcel{append([]byte(nil), b[:n]...), left.Add(c.bad.Latency)}
	} else if n > 0 {
		n, err = c.Conn.Write(b[:n])
	}
	if err == nil && n < len(b) {
		if c.bad.Mute {
			return len(b), nil
		}
		c.bad.die()
		return n, net.ErrClosed
	}
	return n, err
}

// Read hears nothing once a muted network has ended.
func (c *badConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.bad.Mute || !c.bad.Over() {
			return n, err
		}
	}
}

// deliver writes parcels when they are due, and closes the connection after the last.
func (c *badConn) deliver() {
	defer c.Conn.Close()
	for p := range c.late {
		time.Sleep(time.Until(p.due))
		if _, err := c.Conn.Write(p.b); err != nil {
			break
		}
	}
	for range c.late { // nobody wants the rest
	}
}

// Close closes the connection, once what is on its way has arrived.
func (c *badConn) Close() error {
	if c.bad.Latency == 0 {
		return c.Conn.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.late)
	}
	return nil
}

// endAfter sets End to so many bytes from now on.
func (b *Bad) endAfter(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.End = b.sent + n
}
