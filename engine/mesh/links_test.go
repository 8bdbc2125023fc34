package mesh

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// linkKinds are all the ways in which ranks can be joined.
var linkKinds = []string{"lanes", "messages", "unix", "tcp", "tls"}

// links joins n ranks in this process by one kind of link. change may edit what a
// rank is configured with.
func links(t testing.TB, kind string, n int, change func(*Config)) []Link {
	t.Helper()
	if kind == "lanes" || kind == "messages" {
		out := make([]Link, n)
		for i, l := range Local(n) {
			if out[i] = l; kind == "messages" {
				out[i] = struct{ Link }{l} // a link that groups do not know
			}
		}
		return out
	}
	out, errs := join(t, configs(t, kind, n), change)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// configs are those of n ranks that have listeners and keys.
func configs(t testing.TB, kind string, n int) []Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "mesh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	table := make([]Peer, n)
	cfgs := make([]Config, n)
	for i := range cfgs {
		cfgs[i] = Config{Rank: i, Peers: table, Attempt: 7, Version: "v1", Level: "avx2"}
		table[i].Machine = fmt.Sprintf("m%d", i)
		var l net.Listener
		if kind == "unix" {
			table[i].Machine = "m"
			table[i].Unix = filepath.Join(dir, fmt.Sprint(i))
			l, err = net.Listen("unix", table[i].Unix)
		} else {
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
		if err != nil {
			t.Fatal(err)
		}
		if kind != "unix" {
			table[i].TCP = l.Addr().String()
		}
		if kind == "tls" {
			if cfgs[i].Key, err = NewKey(); err != nil {
				t.Fatal(err)
			}
			table[i].Fingerprint = cfgs[i].Key.Fingerprint()
		}
		cfgs[i].Listeners = []net.Listener{l}
	}
	return cfgs
}

// join joins ranks; a link is nil where there is an error.
func join(t testing.TB, cfgs []Config, change func(*Config)) ([]Link, []error) {
	t.Helper()
	out, errs := make([]Link, len(cfgs)), make([]error, len(cfgs))
	var wg sync.WaitGroup
	for i := range cfgs {
		if change != nil {
			change(&cfgs[i])
		}
		wg.Go(func() {
			n, err := Join(context.Background(), cfgs[i])
			if errs[i] = err; err == nil {
				out[i] = n
			}
		})
	}
	wg.Wait()
	t.Cleanup(func() { closeAll(out) })
	return out, errs
}

// closeAll closes links side by side, as processes would.
func closeAll(links []Link) {
	var wg sync.WaitGroup
	for _, l := range links {
		if l != nil {
			wg.Go(func() { l.Close(nil) })
		}
	}
	wg.Wait()
}

// each runs f for every link in a goroutine and gives what they returned. It fails
// the test if they are not done after a minute: machines that test may be slow, and
// what must end within seconds is known by the error that it ends with.
func each(t testing.TB, links []Link, f func(i int, l Link) error) []error {
	t.Helper()
	errs := make([]error, len(links))
	var wg sync.WaitGroup
	for i, l := range links {
		wg.Go(func() { errs[i] = f(i, l) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a rank hangs")
	}
	return errs
}

// must fails the test on the first error.
func must(t testing.TB, errs []error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("rank %d: %v", i, err)
		}
	}
}
