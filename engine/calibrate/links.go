package calibrate

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"time"

	"budwood/engine"
	"budwood/engine/kernel"
)

// links measures what ranks on this machine send each other: lanes of a process in
// memory, processes over a Unix socket, and over TCP as machines do.
func links(ctx context.Context) ([]engine.Wire, error) {
	const n = 1 << 18
	a, b := random(n), random(n)
	out := []engine.Wire{{Name: "lanes", Rate: 4 * n / fastest(func() { kernel.Add(a, b) })}}
	dir, err := os.MkdirTemp("", "budwood-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, l := range []struct{ name, address string }{{"unix", filepath.Join(dir, "s")}, {"tcp", "127.0.0.1:0"}} {
		w, err := link(ctx, l.name, l.address)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

const (
	chunk   = 256 << 10 // bytes that are sent at once
	payload = 32 * chunk
	small   = 24 // bytes of a message that is answered
)

// link measures one: of some turns the fastest counts.
func link(ctx context.Context, network, address string) (engine.Wire, error) {
	w := engine.Wire{Name: network, Latency: math.Inf(1)}
	l, err := net.Listen(network, address)
	if err != nil {
		return w, err
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() { done <- answer(l) }()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		return w, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := c.SetDeadline(time.Now().Add(linkTime)); err != nil {
		return w, err
	}
	buf := make([]byte, chunk)
	for range 12 {
		began := time.Now()
		for range payload / chunk {
			if _, err := c.Write(buf); err != nil {
				return w, err
			}
		}
		if _, err := io.ReadFull(c, buf[:small]); err != nil {
			return w, err
		}
		w.Rate = max(w.Rate, payload/time.Since(began).Seconds())
		for range 50 {
			began := time.Now()
			if _, err := c.Write(buf[:small]); err != nil {
				return w, err
			}
			if _, err := io.ReadFull(c, buf[:small]); err != nil {
				return w, err
			}
			w.Latency = min(w.Latency, time.Since(began).Seconds()/2)
		}
	}
	c.Close()
	return w, <-done
}

// linkTime bounds the measurement of a link.
const linkTime = 30 * time.Second

// answer is the other side: it answers what is sent to it.
func answer(l net.Listener) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, chunk)
	for {
		for range payload / chunk {
			if _, err := io.ReadFull(c, buf); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if _, err := c.Write(buf[:small]); err != nil {
			return err
		}
		for range 50 {
			if _, err := io.ReadFull(c, buf[:small]); err != nil {
				return err
			}
			if _, err := c.Write(buf[:small]); err != nil {
				return err
			}
		}
	}
}
