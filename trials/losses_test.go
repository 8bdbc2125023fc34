package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/energy"
)

// One whose workers are lost with evidence fails the second time, if it trained
// alone then; what left no trace costs nothing, except for a trial that never gets on.
func TestVerdict(t *testing.T) {
	const why = "panic: boom"
	for name, c := range map[string]struct {
		lost          []lostSegment
		failed, alone bool
	}{
		"none":                              {},
		"once":                              {[]lostSegment{{Why: why, Alone: true}}, false, true},
		"twice alone":                       {[]lostSegment{{Why: why, Alone: true}, {Why: why, Alone: true}}, true, true},
		"with others, then alone":           {[]lostSegment{{Why: why}, {Why: why, Alone: true}}, true, true},
		"twice with others":                 {[]lostSegment{{Why: why}, {Why: why}}, false, true},
		"alone, then with others":           {[]lostSegment{{Why: why, Alone: true}, {Why: why}}, false, true},
		"killed after it":                   {[]lostSegment{{Why: why, Alone: true}, {Alone: true}}, false, true},
		"killed between":                    {[]lostSegment{{Why: why, Alone: true}, {Alone: true}, {Why: why, Alone: true}}, true, true},
		"killed from outside":               {[]lostSegment{{Epoch: 3}}, false, false},
		"killed again at the same epoch":    {[]lostSegment{{Epoch: 3}, {Epoch: 3}}, false, true},
		"killed often while it gets on":     {[]lostSegment{{Epoch: 1}, {Epoch: 2}, {Epoch: 3}, {Epoch: 4}, {Epoch: 5}, {Epoch: 6}}, false, false},
		"killed often and never gets on":    {[]lostSegment{{Epoch: 3}, {Epoch: 3, Alone: true}, {Epoch: 3, Alone: true}, {Epoch: 3, Alone: true}, {Epoch: 3, Alone: true}}, true, true},
		"killed four times and gets on now": {[]lostSegment{{Epoch: 3}, {Epoch: 3}, {Epoch: 3}, {Epoch: 3}, {Epoch: 4, Alone: true}}, false, false},
	} {
		failed, alone := verdict(c.lost)
		if (failed != "") != c.failed || alone != c.alone {
			t.Errorf("%s: %q, alone %v", name, failed, alone)
		}
		if lost, _ := LostWorkers("trial t0001: " + failed); lost != c.failed {
			t.Errorf("%s: %q does not tell that workers were lost", name, failed)
		}
	}
}

func TestCrashWords(t *testing.T) {
	for crash, want := range map[string]string{
		"":                        "",
		"SIGQUIT: quit\nPC=0x1\n": "",
		"panic: boom\n\ngoroutine 7 [running]:\nmain.f(...)\n\t/home/u/work/train.go:12 +0x1d\n":                                                                                                               "panic: boom (work/train.go:12)",
		"panic: runtime error: x\n\ngoroutine 7 [running]:\npanic({0x1})\n\t/go/src/runtime/panic.go:1 +0x1\nmain.f(...)\n\t/w/a.go:2 +0x1\n":                                                                  "panic: runtime error: x (w/a.go:2)",
		"\ngoroutine 1 gp=0x1 [running]:\nruntime.throw({0x1})\n\t/go/src/runtime/panic.go:9 +0x1\nruntime.mallocgcLarge(0x0)\n\t/go/src/runtime/malloc.go:1 +0x1\nmain.big()\n\t/w/b.go:3 +0x1\n":             "fatal error: out of memory (w/b.go:3)",
		"\ngoroutine 22 [running]:\ninternal/runtime/maps.fatal({0x4})\n\t/go/src/runtime/panic.go:1 +0x1\nmain.m()\n\t/w/c.go:4 +0x1\n":                                                                       "fatal error: concurrent use of a map (w/c.go:4)",
		"runtime stack:\nruntime.throw({0x1})\n\t/go/src/runtime/panic.go:1 +0x4\nruntime.newstack()\n\t/go/src/runtime/stack.go:1 +0x5\n\ngoroutine 1 [running]:\nmain.deep(0x7)\n\t/w/d.go:5 +0xc5 fp=0x1\n": "fatal error: stack overflow (w/d.go:5)",
		"panic: " + strings.Repeat("x", 1000): "panic: " + strings.Repeat("x", 493) + "…",
	} {
		if got := crashWords(crash); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// eaten is what a test process has taken of the memory.
var eaten [][]byte

const doomedEnv = "BUDWOOD_TEST_DOOMED"

// doomed is a worker that trains the trials 3 and, beside it, 4 in a directory;
// trial 3 ends it, as mode says, in its third epoch.
func doomed(mode string) int {
	mode, dir, _ := strings.Cut(mode, " ")
	r := &Runner{Blobs: blob.Dir(filepath.Join(dir, "blobs")), Meter: energy.NewAttributor(energy.Power{}), Name: "w", Every: time.Nanosecond}
	err := os.MkdirAll(filepath.Join(dir, "blobs"), 0o700)
	if err == nil {
		r.Losses, err = NewLosses(filepath.Join(dir, "notes"), r.Blobs, "w", zerolog.Nop())
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer r.Losses.Close()
	train := func(id int) {
		task := testTask(0, 5)
		task.Trial.ID = id
		res, err := r.Run(context.Background(), task, func(_ context.Context, t *Trial) error {
			c := &counter{}
			if err := t.Keep(c); err != nil {
				return err
			}
			for range t.Epochs() {
				time.Sleep(50 * time.Millisecond)
				c.N++
				if id == 3 && c.N == 3 {
					switch mode {
					case "panic":
						go func() { panic("boom") }()
					case "exit":
						os.Exit(3)
					case "kill":
						p, _ := os.FindProcess(os.Getpid())
						_ = p.Kill()
					case "eat":
						for {
							b := make([]byte, 16<<20)
							for i := 0; i < len(b); i += 4096 {
								b[i] = 1
							}
							eaten = append(eaten, b)
						}
					}
					time.Sleep(time.Minute)
				}
				t.Report(1 / float64(c.N))
			}
			return nil
		}, nil)
		var failure *ObjectiveError
		if err != nil && !errors.As(err, &failure) {
			fmt.Println(err)
		}
		b, _ := json.Marshal(map[string]any{"trial": id, "state": res.State, "reason": res.Reason})
		fmt.Println(string(b))
	}
	var all sync.WaitGroup
	all.Go(func() { train(3) })
	all.Go(func() { train(4) })
	all.Wait()
	return 0
}

// endings runs doomed workers one after the other until one ends well, and returns
// how many did not, and the reason why trial 3 failed. Trial 4 is to be trained to
// its end, whatever happens beside it.
func endings(t *testing.T, mode string, start func(*exec.Cmd) error) (lost int, reason string) {
	t.Helper()
	dir := t.TempDir()
	for range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), doomedEnv+"="+mode+" "+dir)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, io.Discard
		if err := start(cmd); err != nil {
			t.Fatal(err)
		}
		if cmd.Wait() != nil {
			lost++
			continue
		}
		states := map[int]search.State{}
		for line := range strings.Lines(out.String()) {
			var r struct {
				Trial  int
				State  search.State
				Reason string
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			states[r.Trial] = r.State
			if r.Trial == 3 {
				reason = r.Reason
			}
		}
		if states[3] != search.Failed || states[4] != search.Paused {
			t.Errorf("%s: trial 3 is %s, trial 4 %s", mode, states[3], states[4])
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "notes")); len(left) > 0 {
			t.Errorf("%s: %d notes are left", mode, len(left))
		}
		return lost, reason
	}
	t.Fatalf("%s: workers are lost for ever", mode)
	return 0, ""
}

// A trial that crashes its worker twice fails with what it crashed of; one that was
// trained beside it does not. A worker that is gone without a trace is suspected of
// nothing, until five have not come further.
func TestTrialThatEndsItsWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for mode, want := range map[string]struct {
		lost int
		why  string
	}{
		"panic": {2, "it ends its worker: 2 workers ended while they trained it, the last one had nothing else to train: panic: boom (trials/losses_test.go:"},
		"exit":  {5, "it ends its worker: 5 workers in a row ended while they trained epoch 3 of it, for reasons that left no trace"},
		"kill":  {5, "it ends its worker: 5 workers in a row ended while they trained epoch 3 of it, for reasons that left no trace"},
	} {
		if lost, why := endings(t, mode, (*exec.Cmd).Start); lost != want.lost || !strings.Contains(why, want.why) {
			t.Errorf("%s: after %d workers: %q", mode, lost, why)
		}
	}
}
