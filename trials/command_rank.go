package trials

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"budwood/trials/energy"
)

// RankError is the failure of one rank of a gang. Where one fails the others soon do,
// who miss it: the cause is the one that came first.
type RankError struct {
	Err error
	At  time.Time
}

// Error is the message, which names the rank.
func (e *RankError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong there.
func (e *RankError) Unwrap() error { return e.Err }

// failedAt makes the failure of a rank one that tells when it was: when its process
// ended, or when it was seen to do something wrong.
func (r *commandRun) failedAt(seen time.Time, err error) error {
	if err == nil || r.c.place == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if r.exited {
		seen = r.ended
	}
	return &RankError{err, seen}
}

// RunRank runs the process of a rank above 0, while [Runner.Run] runs that of rank 0:
// on the same checkpoint, which this one reads only. What it reports does not count.
// It ends when the process does; if ctx ends before, the process is told to stop, with
// the cause as the reason, and that is no error. running is told how to read what it
// has spent, which is returned at last. A failure of the command is an
// [*ObjectiveError].
func (r *Runner) RunRank(ctx context.Context, task Task, c *Command, output func(*Trial, []byte), running func(spent func() energy.Energy)) (energy.Energy, error) {
	t, err := r.rankTrial(ctx, task)
	if t == nil || err != nil {
		return energy.Energy{}, err
	}
	if running != nil {
		running(t.outside.read)
	}
	err = c.accompany(ctx, t, output)
	t.outside.stop()
	var machine *MachineError
	if err != nil && !errors.As(err, &machine) {
		err = &ObjectiveError{err}
	}
	return t.outside.read(), err
}

// rankTrial is the trial as a rank above 0 sees it: it goes on from the same
// checkpoint as rank 0. It is nil if the segment has been trained already.
func (r *Runner) rankTrial(ctx context.Context, task Task) (*Trial, error) {
	restored, err := r.restore(ctx, task)
	if err != nil {
		return nil, err
	}
	if restored != nil && restored.progress.Done != nil {
		restored.Close()
		return nil, nil
	}
	return r.trial(ctx, task, restored), nil
}

// accompany runs the command as a rank above 0 of a trial.
func (c *Command) accompany(ctx context.Context, t *Trial, output func(*Trial, []byte)) error {
	defer t.restored.Close()
	err := c.process(ctx, t, output, (*commandRun).accompany)
	if t.machine != nil {
		return &MachineError{t.machine}
	}
	return err
}

// accompany waits until the command has ended, or ctx has, and answers its reports.
func (r *commandRun) accompany(ctx context.Context) error {
	watch := time.NewTicker(100 * time.Millisecond)
	defer watch.Stop()
	for {
		select {
		case _, ok := <-r.reports:
			if ok {
				r.answer("")
				continue
			}
			r.exited = true
			r.tell.Close()
			if r.exit == nil {
				return nil
			}
			return r.failedAt(r.ended, fmt.Errorf("%s: the command %s%s", r.c.place.of(r.t), exitText(r.exit), r.lastLines()))
		case <-ctx.Done():
			r.end(context.Cause(ctx).Error())
			return nil
		case <-watch.C:
			if why := r.tooLarge(); why != nil {
				seen := time.Now()
				r.end(why.Error())
				return r.failedAt(seen, fmt.Errorf("%s: %w%s", r.c.place.of(r.t), why, r.lastLines()))
			}
		}
	}
}

// MarkOutput marks each line of what a rank above 0 has printed.
func MarkOutput(rank int, b []byte) []byte {
	if rank == 0 || len(b) == 0 {
		return b
	}
	mark := fmt.Appendf(nil, "[rank %d] ", rank)
	text := bytes.ReplaceAll(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"), append([]byte("\n"), mark...))
	return append(append(mark, text...), '\n')
}

// firstFailure is the failure that came first, nil if there is none.
func firstFailure(all []error) error {
	var first, other error
	var when time.Time
	for _, err := range all {
		var at *RankError
		switch {
		case errors.As(err, &at) && (first == nil || at.At.Before(when)):
			first, when = err, at.At
		case err != nil && other == nil:
			other = err
		}
	}
	return cmp.Or(first, other)
}
