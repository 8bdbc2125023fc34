package data

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const small = "a,y\n1,u\n2,v\n3,u\n4,v\n5,u\n6,v\n7,u\n8,v\n9,u\n0,v\n"

func TestCacheLoadsOnce(t *testing.T) {
	s := Source{CSV: write(t, "f.csv", small), Target: "y"}
	var c Cache
	got := make([]*Data, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			d, err := c.Load(t.Context(), s)
			if err != nil {
				t.Error(err)
			}
			got[i] = d
		})
	}
	wg.Wait()
	for _, d := range got {
		if d == nil || d != got[0] {
			t.Fatal("loaded more than once")
		}
	}

	if err := os.WriteFile(s.CSV, []byte(strings.ReplaceAll(small, "v", "w")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(s.CSV, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	d, err := c.Load(t.Context(), s)
	if err != nil || d == got[0] || d.ClassNames[1] != "w" {
		t.Errorf("the changed file was not loaded anew: %v", err)
	}
}

func TestCacheKeepsTheLastAskedFor(t *testing.T) {
	path := write(t, "f.csv", small)
	c := Cache{Keep: 2}
	get := func(seed uint64) *Data {
		d, err := c.Load(t.Context(), Source{CSV: path, Target: "y", Split: Split{Seed: seed}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one, two := get(1), get(2)
	if get(1) != one { // now 2 is the oldest
		t.Error("1 was loaded again")
	}
	get(3)
	if get(1) != one {
		t.Error("1 was dropped, though 2 had not been asked for longer")
	}
	if get(2) == two {
		t.Error("more than two are kept")
	}
}

func TestCacheForgetsErrors(t *testing.T) {
	s := Source{CSV: write(t, "f.csv", "a,y\n"), Target: "y"}
	var c Cache
	if _, err := c.Load(t.Context(), s); err == nil {
		t.Fatal("no error")
	}
	if len(c.entries) != 0 {
		t.Error("the error is kept")
	}
	if _, err := c.Load(t.Context(), Source{CSV: "none.csv", Target: "y"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := c.Load(t.Context(), Source{}); err == nil {
		t.Error("no error of an empty source")
	}
}

// Who waits for another's loading neither dies with it nor waits beyond his own
// context.
func TestCacheWaiting(t *testing.T) {
	s := Source{CSV: write(t, "f.csv", small), Target: "y"}
	key, err := s.Key()
	if err != nil {
		t.Fatal(err)
	}
	var c Cache
	e, mine := c.entry(key) // another one has begun to load
	if !mine {
		t.Fatal("the cache is not empty")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.Load(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting in vain gave %v", err)
	}
	result := make(chan error)
	go func() {
		_, err := c.Load(t.Context(), s)
		result <- err
	}()
	e.err = context.Canceled // the other one gives up
	c.drop(e)
	close(e.done)
	if err := <-result; err != nil {
		t.Errorf("waiting for one who gave up gave %v", err)
	}
}
