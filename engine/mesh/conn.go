package mesh

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lastWords is how long a rank that ends takes to say why.
const lastWords = time.Second

// conn is the connection with one peer.
type conn struct {
	net     *Net
	peer    int
	attempt uint32
	c       net.Conn
	r       *bufio.Reader // of c, and says so when it hears something
	heard   atomic.Int64  // the last own beat at which something came
	left    atomic.Bool   // the peer sends nothing more
	heeded  chan struct{} // closed when the last frame has had its effect
	drained chan struct{} // closed when nothing more can come

	mu   sync.Mutex // of writing
	head [headerSize]byte
	both [2][]byte
	vec  net.Buffers
	join []byte // header and the beginning of the payload, for TLS
	torn bool   // half a frame was written
}

func newConn(c net.Conn, peer int, attempt uint32) *conn {
	k := &conn{c: c, peer: peer, attempt: attempt, heeded: make(chan struct{}), drained: make(chan struct{})}
	k.r = bufio.NewReaderSize(ear{k}, 4<<10)
	switch c := c.(type) {
	case *net.TCPConn: // the system finds the sizes of its buffers
	case *net.UnixConn:
		c.SetWriteBuffer(1 << 20) // or as much as the system allows
	default:
		k.join = make([]byte, 0, record)
	}
	return k
}

// record is the most that TLS encrypts at once.
const record = 16 << 10

// send writes a frame.
func (c *conn) send(m Mark, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write(m, b)
}

// write writes a frame; the caller holds the lock.
func (c *conn) write(m Mark, b []byte) (err error) {
	if c.torn {
		return net.ErrClosed
	}
	var n int64
	putHeader(&c.head, c.attempt, m, len(b))
	if c.join != nil {
		k := min(len(b), record-headerSize)
		c.join = append(append(c.join[:0], c.head[:]...), b[:k]...)
		var w int
		w, err = c.c.Write(c.join)
		if n = int64(w); err == nil && k < len(b) {
			w, err = c.c.Write(b[k:])
			n += int64(w)
		}
	} else {
		c.both = [2][]byte{c.head[:], b}
		c.vec = c.both[:]
		n, err = c.vec.WriteTo(c.c)
	}
	c.torn = err != nil
	if c.net != nil {
		c.net.sent.Add(uint64(n))
	}
	return err
}

// ear reads from the connection and notes when something comes.
type ear struct{ *conn }

func (e ear) Read(b []byte) (int, error) {
	n, err := e.c.Read(b)
	if n > 0 && e.net != nil {
		e.heard.Store(e.net.ticks.Load())
		e.net.got.Add(uint64(n))
	}
	return n, err
}

// listen puts what comes where it is wanted, until the connection ends.
func (c *conn) listen() {
	defer c.net.done.Done()
	err := c.frames()
	switch {
	case c.left.Load() || err == nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		c.net.fail(c.net.lost(c.peer, "it closed the connection"))
	default:
		if d, ok := err.(ErrDisagree); ok {
			c.net.fail(d)
		} else {
			c.net.fail(c.net.lost(c.peer, err.Error()))
		}
	}
	close(c.heeded)
	io.Copy(io.Discard, c.c) // a peer must be able to finish what it is writing
	close(c.drained)
}

// frames reads frames. It returns nil once the peer has said its last words.
func (c *conn) frames() error {
	var head [headerSize]byte
	var text [mostJSON]byte
	for {
		m, n, err := readHeader(c.r, &head, c.attempt)
		if err != nil {
			return err
		}
		switch m.Kind {
		case beat:
		case hello:
			return errors.New("it says hello again")
		case end:
			if _, err := io.ReadFull(c.r, text[:n]); err != nil {
				return err
			}
			ended := ErrEnded{Rank: c.peer, Machine: c.net.peers[c.peer].Machine}
			c.left.Store(true)
			if cause := decodeCause(text[:n], ended); cause != nil {
				c.net.fail(cause)
			} else {
				c.net.left(c.peer, ended)
			}
			return nil
		default:
			in := &c.net.boxes[c.peer][stream(m.Tag)]
			dst, f, err := in.place(m, n)
			if err != nil {
				return err
			}
			_, err = io.ReadFull(c.r, dst)
			if wrong := in.arrived(f, err == nil); wrong != nil {
				return wrong
			}
			if err != nil {
				return err
			}
		}
	}
}

// beats tells the peer that this rank is there. Where a frame is being written, that
// tells it, too.
func (c *conn) beats() {
	defer c.net.done.Done()
	tick := time.NewTicker(c.net.beat)
	defer tick.Stop()
	for {
		select {
		case <-c.net.over:
			return
		case <-tick.C:
		}
		if c.mu.TryLock() {
			c.write(Mark{Kind: beat}, nil)
			c.mu.Unlock()
		}
	}
}

// hangUp says the last words, listens for those of the peer, and closes.
func (c *conn) hangUp(words []byte) {
	defer c.net.done.Done()
	raw := c.c
	if t, ok := raw.(*tls.Conn); ok { // whose Close and CloseWrite wait five seconds for a peer that does not read
		raw = t.NetConn()
	}
	defer raw.Close()
	defer time.AfterFunc(lastWords, func() { raw.Close() }).Stop()
	c.c.SetDeadline(time.Now().Add(lastWords)) // ends a write that nobody reads
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.write(Mark{Kind: end}, words) != nil {
		return
	}
	for _, of := range []net.Conn{c.c, raw} { // TLS says that it ends, and leaves what is below open
		if h, ok := of.(interface{ CloseWrite() error }); ok {
			h.CloseWrite()
		}
	}
	c.torn = true
	<-c.drained
}
