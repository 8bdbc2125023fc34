package trials

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"budwood/engine"
)

// seats are two that reach each other by TCP: they are on machines of other names.
func seats(t *testing.T, plain [2]bool) (list [2]*Seat, peers []Peer) {
	t.Helper()
	for i := range list {
		s, err := NewSeat(filepath.Join(t.TempDir(), "ranks"), "127.0.0.1", plain[i])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		list[i] = s
		peers = append(peers, s.Peer)
		peers[i].Machine = string(rune('a' + i))
	}
	return list, peers
}

// joinAll has the ranks join at the same time.
func joinAll(t *testing.T, list [2]*Seat, tables [2][]Peer) (worlds [2]*engine.World, errs [2]error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for i, s := range list {
		all.Go(func() {
			if worlds[i], errs[i] = s.Join(ctx, i, tables[i], 1); errs[i] != nil {
				cancel() // the other need not wait for it
			}
		})
	}
	all.Wait()
	for _, w := range worlds {
		if w != nil {
			defer w.Link.Close(nil)
		}
	}
	return worlds, errs
}

// Ranks of different machines meet by TLS, each with the key that the table has of the
// other, and no other one.
func TestSeatsMeet(t *testing.T) {
	list, peers := seats(t, [2]bool{})
	if info, err := os.Stat(filepath.Dir(peers[0].Unix)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the sockets: %v, %v", info, err)
	}
	worlds, errs := joinAll(t, list, [2][]Peer{peers, peers})
	if errs[0] != nil || errs[1] != nil || worlds[1].Link.Rank() != 1 || worlds[1].Ranks != 2 {
		t.Errorf("%v, %v", worlds, errs)
	}
	list, peers = seats(t, [2]bool{})
	wrong := append([]Peer{}, peers...)
	wrong[1].Fingerprint = wrong[0].Fingerprint
	_, errs = joinAll(t, list, [2][]Peer{wrong, peers})
	if errs[0] == nil || !strings.Contains(errs[0].Error(), "rank 1 on b: its key is not the one in the gang's table") || strings.Contains(errs[0].Error(), "\n") {
		t.Errorf("a wrong key: %v", errs[0])
	}
}

// Ranks of an isolated network meet without TLS, if all are told to.
func TestPlainSeatsMeet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	list, peers := seats(t, [2]bool{true, true})
	if worlds, errs := joinAll(t, list, [2][]Peer{peers, peers}); errs[0] != nil || errs[1] != nil || worlds[0].Ranks != 2 || peers[0].Fingerprint != "" {
		t.Errorf("%v, %v, %+v", worlds, errs, peers)
	}
	list, peers = seats(t, [2]bool{false, true})
	_, errs := joinAll(t, list, [2][]Peer{peers, peers})
	want := "the worker of rank 1, on b, was started with --ranks-plain, that of rank 0, on a, without: give it to all workers of several machines, or to none"
	for rank, err := range errs {
		if err == nil || err.Error() != want {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	peers[1].Machine = "a" // they meet by their sockets
	if err := AllPlain(peers); err != nil {
		t.Error(err)
	}
}

// Sockets of workers that are gone are removed, those of others and young ones stay.
func TestSweepSeats(t *testing.T) {
	dir := t.TempDir()
	if err := SweepSeats(filepath.Join(dir, "none")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ open, old bool }{"live": {true, true}, "gone": {false, true}, "young": {false, false}} {
		path := filepath.Join(dir, name)
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if l.(*net.UnixListener).SetUnlinkOnClose(false); !c.open {
			l.Close()
		}
		defer l.Close()
		if past := time.Now().Add(-2 * youngSeat); c.old {
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SweepSeats(dir); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if got := strings.Join(left, " "); err != nil || got != "file live young" {
		t.Errorf("left are %s, %v", got, err)
	}
}

// A gang computes on the best instruction set that all of its ranks have.
func TestLowestLevel(t *testing.T) {
	of := func(levels ...string) Peer { return Peer{Levels: levels} }
	for _, c := range []struct {
		peers     []Peer
		want, err string
	}{
		{[]Peer{of("avx512", "avx2", "generic"), of("avx512", "avx2", "generic")}, "", ""},
		{[]Peer{of("avx512", "avx2", "generic"), of("avx2", "generic")}, "avx2", ""},
		{[]Peer{of("avx512+bf16", "avx512", "avx2", "generic"), of("avx512", "avx2", "generic")}, "avx512", ""},
		{[]Peer{of("avx2", "generic"), of("generic-arm64")}, "", "no instruction set"},
	} {
		got, err := LowestLevel(c.peers)
		if got != c.want || (err != nil) != (c.err != "") {
			t.Errorf("%v: %q, %v", c.peers, got, err)
		}
	}
	r := testRunner(t)
	task := testTask(0, 1)
	task.Kernels = "generic"
	if k := r.trial(t.Context(), task, nil).Kernels(true); k != "generic" {
		t.Errorf("a rank computes on %s", k)
	}
	before := &Checkpoint{progress: progress{Epoch: 1, Kernels: "avx2"}}
	if tr := r.trial(t.Context(), task, before); tr.Kernels(false) != "generic" || len(tr.notes) != 1 || !strings.Contains(tr.notes[0], "from epoch 2 on generic instead of avx2") {
		t.Errorf("it goes on with %s: %v", tr.Kernels(false), tr.notes)
	}
}
