package store

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/segment"
)

// Some processes open the same new file at the same moment and write as fast as
// they can: nobody is told "database is locked", and nothing is lost.
func TestHammer(t *testing.T) {
	processes, trials := 8, 25
	if testing.Short() {
		processes, trials = 4, 10
	}
	path := filepath.Join(t.TempDir(), "new", "store.db")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	outputs := make([]bytes.Buffer, processes)
	var all sync.WaitGroup
	for p := range processes {
		c := exec.CommandContext(t.Context(), exe, "-test.run=^TestHammerChild$", "-test.count=1")
		c.Env = append(os.Environ(), "BUDWOOD_HAMMER="+path, "BUDWOOD_HAMMER_FIRST="+strconv.Itoa(p*trials), "BUDWOOD_HAMMER_TRIALS="+strconv.Itoa(trials))
		c.Stdout, c.Stderr = &outputs[p], &outputs[p]
		all.Go(func() {
			if err := c.Run(); err != nil {
				t.Errorf("process %d: %v\n%s", p, err, outputs[p].String())
			}
		})
	}
	all.Wait()
	s := openStore(t, path)
	records, err := s.Records(t.Context(), "hammer")
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != processes*trials {
		t.Errorf("%d trials, want %d", len(records), processes*trials)
	}
	for _, r := range records {
		if r.State != search.Completed || len(r.Measurements) != 2 || r.Joules != 12 {
			t.Fatalf("%s: %s, %d measurements, %v J", r.Name(), r.State, len(r.Measurements), r.Joules)
		}
	}
	for p := range outputs {
		if strings.Contains(outputs[p].String(), "locked") {
			t.Errorf("process %d: %s", p, outputs[p].String())
		}
	}
}

// TestHammerChild is one of the hammer's processes.
func TestHammerChild(t *testing.T) {
	path := os.Getenv("BUDWOOD_HAMMER")
	if path == "" {
		t.Skip("runs as a child of TestHammer")
	}
	first, _ := strconv.Atoi(os.Getenv("BUDWOOD_HAMMER_FIRST"))
	trials, _ := strconv.Atoi(os.Getenv("BUDWOOD_HAMMER_TRIALS"))
	s := openStore(t, path)
	if _, _, err := s.Begin(t.Context(), testStudy("hammer")); err != nil {
		t.Fatal(err)
	}
	for i := first; i < first+trials; i++ {
		add(t, s, "hammer", i, 1)
		record(t, s, report("hammer", i, 0, 1, 0.5))
		if err := s.Resume(t.Context(), "hammer", i, 3, "go on"); err != nil {
			t.Fatal(err)
		}
		record(t, s, report("hammer", i, 1, 3, 0.6))
		if err := s.End(t.Context(), "hammer", i, search.Completed, "done"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Records(t.Context(), "hammer"); err != nil {
			t.Fatal(err)
		}
	}
}

// Readers see whole reports only, whatever is written meanwhile.
func TestReadersWhileWriting(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 50)
	ended := make(chan bool)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			r, err := OpenReadOnly(s.Path())
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			seen := 0
			for last := false; ; time.Sleep(time.Millisecond) {
				select {
				case <-ended:
					last = true // one more look
				default:
				}
				records, err := r.Records(t.Context(), "digits")
				if err != nil {
					t.Error(err)
					return
				}
				now := 0
				for _, rec := range records {
					now += len(rec.Measurements)
					if m, ok := rec.Last(); ok != (rec.Joules > 0) || ok && len(m.Metrics) != 2 {
						t.Errorf("half a report: %+v", rec)
						return
					}
				}
				if now < seen {
					t.Errorf("%d measurements after %d", now, seen)
					return
				}
				seen = now
				if _, err := r.Studies(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if last {
					if seen != 100 {
						t.Errorf("%d measurements at the end, want 100", seen)
					}
					return
				}
			}
		})
	}
	var writers sync.WaitGroup
	for w := range 5 {
		writers.Go(func() {
			for i := w; i < 50; i += 5 {
				for _, r := range []segment.Report{report("digits", i, 0, 1, 0.5), report("digits", i, 1, 3, 0.6)} {
					if ok, err := s.Record(t.Context(), r); err != nil || !ok {
						t.Error(fmt.Errorf("trial %d: accepted %v, %w", i, ok, err))
					}
				}
			}
		})
	}
	writers.Wait()
	close(ended)
	readers.Wait()
}
