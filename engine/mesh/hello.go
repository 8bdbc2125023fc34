package mesh

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// protocol is the version of what ranks say to each other. It is the call of a
// hello, whose tag is magic.
const (
	protocol = 1
	magic    = 0x00627764
)

// greeting is what both sides of a new connection say first.
type greeting struct {
	Rank    int    `json:"rank"`
	To      int    `json:"to"`
	Ranks   int    `json:"ranks"`
	Attempt uint32 `json:"attempt"`
	Version string `json:"version"`
	Level   string `json:"level"`
	Order   string `json:"order"` // of bytes in a number
}

func greet(cfg Config, to int) greeting {
	order := "little"
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		order = "big"
	}
	return greeting{Rank: cfg.Rank, To: to, Ranks: len(cfg.Peers), Attempt: cfg.Attempt, Version: cfg.Version, Level: cfg.Level, Order: order}
}

// say sends the greeting. Its frame is of attempt 0: the other side must be able to
// read that it is another one.
func (g greeting) say(c *conn) error {
	b, err := json.Marshal(g)
	if err != nil {
		return err
	}
	if len(b) > mostJSON {
		return fmt.Errorf("a greeting of %d bytes: version and kernel level are too long", len(b))
	}
	return c.send(Mark{Tag: magic, Call: protocol, Kind: hello}, b)
}

// hear reads the greeting of a peer.
func hear(r io.Reader) (g greeting, err error) {
	var head [headerSize]byte
	m, n, err := readHeader(r, &head, 0)
	switch {
	case errors.Is(err, io.EOF):
		return g, errSilent
	case err != nil:
		return g, err
	case m.Kind != hello || m.Tag != magic:
		return g, errors.New("it is not a rank")
	case m.Call != protocol:
		return g, fmt.Errorf("it speaks version %d of the protocol, this rank %d", m.Call, protocol)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return g, err
	}
	return g, json.Unmarshal(b, &g)
}

// errSilent is a connection that ends before a greeting.
var errSilent = errors.New("it closed the connection before it said who it is")

// errStranger is a greeting that was meant for somebody else; others may still come.
var errStranger = errors.New("of another gang")

// fits compares a peer's greeting with the own one.
func (g greeting) fits(own greeting) error {
	switch {
	case g.Attempt != own.Attempt:
		return fmt.Errorf("it is %w: attempt %d, this is %d", errStranger, g.Attempt, own.Attempt)
	case g.Ranks != own.Ranks || g.To != own.Rank || g.Rank != own.To:
		return fmt.Errorf("it is %w: rank %d of %d, calling rank %d; this is rank %d of %d", errStranger, g.Rank, g.Ranks, g.To, own.Rank, own.Ranks)
	case g.Version != own.Version:
		return fmt.Errorf("it runs version %s, this rank %s", g.Version, own.Version)
	case g.Level != own.Level:
		return fmt.Errorf("its kernels are %s, those of this rank %s: the bits would differ", g.Level, own.Level)
	case g.Order != own.Order:
		return fmt.Errorf("its bytes are in %s-endian order, those of this rank in %s", g.Order, own.Order)
	}
	return nil
}
