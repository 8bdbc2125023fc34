package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"budwood/trials/blob"
)

// Losses finds out which trials end their workers. A process cannot tell how it
// was killed, so every worker leaves a note of what it trains, and where the
// runtime writes what it crashes of; the lock of a note is free once its process
// has ended. Whoever finds such a note looks for evidence that the trial was the
// cause: words of a crash, or that the kernel has killed for want of memory. What
// is found is kept among the trial's blobs. See [verdict] for what follows from it.
type Losses struct {
	blobs blob.Store
	log   zerolog.Logger
	dir   string
	own   *note

	mu     sync.Mutex
	looked time.Time
}

// lostSegment is one worker that was lost while it trained a trial.
type lostSegment struct {
	Worker string `json:"worker"`
	Epoch  int    `json:"epoch"`           // the last that it had finished
	Alone  bool   `json:"alone,omitempty"` // it trained nothing else
	Why    string `json:"why,omitempty"`   // evidence that a trial was the cause; "": it may have been anything
}

// NewLosses leaves this process's note in a directory, which the workers of a
// machine share. The note is gone when the process ends well, by [Losses.Close].
func NewLosses(dir string, blobs blob.Store, worker string, log zerolog.Logger) (*Losses, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := &Losses{blobs: blobs, dir: dir, log: log}
	var err error
	if l.own, err = newNote(dir, worker); err != nil {
		return nil, fmt.Errorf("a note of what this worker trains: %w", err)
	}
	if err := debug.SetCrashOutput(l.own.crash, debug.CrashOptions{}); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Close takes the note away.
func (l *Losses) Close() error {
	if l == nil {
		return nil
	}
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	return l.own.close()
}

// train notes that a task is being trained, until end is called; epoch says how far
// it is.
func (l *Losses) train(t Task) (epoch func(int), end func()) {
	if l == nil {
		return func(int) {}, func() {}
	}
	key := TrialKey(t.Study, t.Trial.ID)
	l.own.set(key, t.From)
	return func(n int) { l.own.set(key, n) }, func() { l.own.drop(key) }
}

// of are the losses of a trial since it last finished a segment.
func (l *Losses) of(ctx context.Context, t Task) ([]lostSegment, error) {
	if l == nil {
		return nil, nil
	}
	l.collect(ctx)
	return l.read(ctx, TrialKey(t.Study, t.Trial.ID))
}

// lostKey is the blob of a trial's losses; it goes with the trial's other blobs.
func lostKey(trial string) string { return trial + "/lost" }

func (l *Losses) read(ctx context.Context, trial string) ([]lostSegment, error) {
	f, err := l.blobs.Get(ctx, lostKey(trial))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the losses of %s: %w", trial, err)
	}
	defer f.Close()
	var out []lostSegment
	if err := json.NewDecoder(f).Decode(&out); err != nil {
		l.log.Warn().Err(err).Str("trial", trial).Msg("damaged record of lost workers left aside")
	}
	return out, nil
}

// collect looks for notes of processes that have ended, at most once a second.
func (l *Losses) collect(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.looked) < time.Second {
		return
	}
	l.looked = time.Now()
	names, err := filepath.Glob(filepath.Join(l.dir, "*"+noteSuffix))
	if err != nil {
		return
	}
	for _, name := range names {
		if name == l.own.path() {
			continue
		}
		dead, release, err := openDead(name)
		if err != nil {
			continue // it lives, or somebody else has found it
		}
		if err := l.keep(ctx, dead); err != nil {
			l.log.Warn().Err(err).Msg("what a lost worker had been training could not be noted")
		} else {
			dead.remove()
		}
		release()
	}
}

// keep adds the loss of a worker to the trials that it was training.
func (l *Losses) keep(ctx context.Context, n *deadNote) error {
	why := n.evidence()
	if why != "" {
		l.log.Warn().Str("worker", n.Worker).Str("evidence", why).Int("trials", len(n.Trials)).Msg("a worker was lost")
	}
	for trial, epoch := range n.Trials {
		before, err := l.read(ctx, trial)
		if err != nil {
			return err
		}
		all := append(before, lostSegment{n.Worker, epoch, len(n.Trials) == 1, why})
		err = l.blobs.Put(ctx, lostKey(trial), func(w io.Writer) error {
			b, err := json.Marshal(all) // without a newline, so that nobody takes it for a checkpoint
			if err == nil {
				_, err = w.Write(b)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// What fails a trial.
const (
	guiltyAfter   = 2 // workers lost with evidence, the last one while it trained nothing else
	hopelessAfter = 5 // workers lost one after the other before the same epoch was finished, whatever the cause
)

// verdict is what follows from the losses of a trial. It fails if for the second
// time its worker was lost with evidence that training was the cause, and it was
// the only trial there this time: after the first such loss a trial trains alone.
// Trials that were trained beside the guilty one prove that they are not when they
// train alone. Without evidence (a machine that went down, somebody who killed the
// worker) losing it costs nothing, unless five in a row have not come as far as the
// next epoch.
func verdict(all []lostSegment) (failed string, alone bool) {
	known, last := 0, ""
	for _, x := range all {
		if x.Why != "" {
			known, last = known+1, x.Why
		}
	}
	if n := len(all); known >= guiltyAfter && all[n-1].Why != "" && all[n-1].Alone {
		return fmt.Sprintf("%s: %d workers ended while they trained it, the last one had nothing else to train: %s", lostWord, known, last), true
	}
	same := 0
	for i := len(all) - 1; i >= 0 && all[i].Epoch == all[len(all)-1].Epoch; i-- {
		same++
	}
	if same >= hopelessAfter && all[len(all)-1].Alone {
		return fmt.Sprintf("%s: %d workers in a row ended while they trained epoch %d of it, for reasons that left no trace", lostWord, same, all[len(all)-1].Epoch+1), true
	}
	return "", known > 0 || same >= guiltyAfter
}

// lostWord begins the reason of a trial that ended its workers.
const lostWord = "it ends its worker"

// LostWorkers reports whether the reason of a failed trial is that it ended its
// workers, and whether that was for want of memory.
func LostWorkers(reason string) (lost, memory bool) {
	return strings.Contains(reason, lostWord+": "), strings.Contains(reason, lostWord+": ") && strings.Contains(reason, memoryWord)
}
