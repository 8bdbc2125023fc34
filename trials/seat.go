package trials

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"budwood/engine"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// Peer is how a rank of a gang is reached: a row of the table that all ranks are given.
type Peer struct {
	Machine     string   `json:"machine"`               // ranks with the same one meet by Unix socket
	Unix        string   `json:"unix,omitempty"`        // path of its socket
	TCP         string   `json:"tcp,omitempty"`         // address, if it can be reached from other machines
	Fingerprint string   `json:"fingerprint,omitempty"` // of its key
	Plain       bool     `json:"plain,omitempty"`       // it speaks to other machines without TLS
	Levels      []string `json:"levels,omitempty"`      // instruction sets of the engine that it has, the best one first
	Version     string   `json:"version,omitempty"`     // of its program
}

// Seat is a place of a process in a gang that is still to gather: it can be reached
// already. A gang that does not come is left by Close.
type Seat struct {
	Peer
	key       *mesh.Key
	listeners []net.Listener
}

// NewSeat is a seat that listens at a Unix socket in a folder, which others cannot
// enter, and if an address is given also there, with TLS by a key that is made for this
// seat and never stored.
// With plain it does without TLS there, which is for isolated networks.
func NewSeat(folder, address string, plain bool) (*Seat, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		return nil, err
	}
	s := &Seat{Peer: Peer{Machine: Host(), Unix: filepath.Join(folder, rand.Text()[:16])}}
	s.Version = Build().ID()
	for _, level := range instructionSets {
		if kernel.Has(level) {
			s.Levels = append(s.Levels, level)
		}
	}
	l, err := net.Listen("unix", s.Unix)
	if err != nil {
		return nil, err
	}
	s.listeners = append(s.listeners, l)
	if address == "" {
		return s, nil
	}
	if s.Plain = plain; !plain {
		s.key, err = mesh.NewKey()
	}
	if err == nil {
		l, err = net.Listen("tcp", net.JoinHostPort(address, "0"))
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.listeners = append(s.listeners, l)
	if s.TCP = l.Addr().String(); !plain {
		s.Fingerprint = s.key.Fingerprint()
	}
	return s, nil
}

// Join meets the other ranks of the gang, within ten seconds. attempt tells this gang
// from others.
func (s *Seat) Join(ctx context.Context, rank int, peers []Peer, attempt int) (*engine.World, error) {
	cfg := mesh.Config{Rank: rank, Attempt: uint32(attempt), Version: s.Version, Listeners: s.listeners, Key: s.key}
	for _, p := range peers {
		cfg.Peers = append(cfg.Peers, mesh.Peer{Machine: p.Machine, Unix: p.Unix, TCP: p.TCP, Fingerprint: p.Fingerprint})
	}
	if err := AllPlain(peers); err != nil {
		return nil, err
	}
	link, err := mesh.Join(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &engine.World{Link: link, Ranks: len(peers)}, nil
}

// AllPlain is an error for ranks of several machines of which only some do without TLS.
func AllPlain(peers []Peer) error {
	with := slices.IndexFunc(peers, func(p Peer) bool { return p.Plain })
	without := slices.IndexFunc(peers, func(p Peer) bool { return !p.Plain })
	if with < 0 || without < 0 || !slices.ContainsFunc(peers, func(p Peer) bool { return p.Machine != peers[0].Machine }) {
		return nil
	}
	return fmt.Errorf("the worker of rank %d, on %s, was started with --ranks-plain, that of rank %d, on %s, without: give it to all workers of several machines, or to none",
		with, peers[with].Machine, without, peers[without].Machine)
}

// Close stops to listen.
func (s *Seat) Close() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// SweepSeats removes the sockets in a folder that nobody listens at: those of workers that
// were killed. Young ones stay, for they may be about to be listened at.
func SweepSeats(folder string) error {
	list, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		info, failed := e.Info()
		if failed != nil || info.Mode().Type() != fs.ModeSocket || time.Since(info.ModTime()) < youngSeat {
			continue
		}
		path := filepath.Join(folder, e.Name())
		c, failed := net.Dial("unix", path)
		if failed == nil {
			c.Close()
		} else if errors.Is(failed, syscall.ECONNREFUSED) {
			if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) { // another worker sweeps, too
				err = cmp.Or(err, gone)
			}
		}
	}
	return err
}

// youngSeat is the age below which a socket stays.
const youngSeat = time.Minute

// instructionSets are the names of those of the engine, the best one first.
var instructionSets = []string{"avx512+bf16", "avx512", "avx2", "generic-arm64", "generic"}

// LowestLevel is the instruction set on which all ranks of a gang compute: "" if each
// has the same ones. An error says that there is none.
func LowestLevel(peers []Peer) (string, error) {
	if len(peers) == 0 {
		return "", nil
	}
	first := peers[0].Levels
	if !slices.ContainsFunc(peers, func(p Peer) bool { return !slices.Equal(p.Levels, first) }) {
		return "", nil
	}
	for _, level := range first {
		if !slices.ContainsFunc(peers, func(p Peer) bool { return !slices.Contains(p.Levels, level) }) {
			return level, nil
		}
	}
	return "", errors.New("its workers have no instruction set of the engine in common")
}

// above reports whether an instruction set is better than another one.
func above(a, b string) bool {
	return cmp.Compare(slices.Index(instructionSets, a), slices.Index(instructionSets, b)) < 0
}
