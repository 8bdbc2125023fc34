package trials

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"budwood/search"
)

// follow passes reports on until the segment or the command ends.
func (r *commandRun) follow(ctx context.Context) error {
	r.pass(ctx)
	seen := time.Now()
	r.finish(ctx)
	return r.failedAt(seen, r.outcome(ctx))
}

// pass passes reports on, one an epoch.
func (r *commandRun) pass(ctx context.Context) {
	watch := time.NewTicker(100 * time.Millisecond)
	defer watch.Stop()
	reported := false
	for range r.t.Epochs() {
		if reported { // not before: what was reported is kept by now
			r.answer("")
		}
		if reported = r.next(ctx, watch.C); !reported {
			break
		}
	}
}

// next waits for the report of an epoch. It reports whether there was one: else the
// command has ended, or is to end. watch tells when to look at its memory.
func (r *commandRun) next(ctx context.Context, watch <-chan time.Time) bool {
	for {
		select {
		case s, ok := <-r.reports:
			if !ok {
				r.exited = true
				return false
			}
			if r.take(s) {
				return true
			}
			if r.failure != nil || r.t.stopped != "" || s.done {
				return false
			}
		case <-r.limit:
			r.failure = fmt.Errorf("the command ran longer than its limit of %s", r.c.Time)
			return false
		case <-ctx.Done():
			return false
		case <-watch:
			if r.failure = r.tooLarge(); r.failure != nil {
				return false
			}
		}
	}
}

// tooLarge is an error if the command holds more memory than it may.
func (r *commandRun) tooLarge() error {
	if used := r.group.memory(); r.c.Mem > 0 && used > r.c.Mem {
		return fmt.Errorf("the command used %s of memory; its limit is %s", BytesText(used), BytesText(r.c.Mem))
	}
	return nil
}

// finish ends a command that has not ended by itself, and tells it why.
func (r *commandRun) finish(ctx context.Context) {
	if r.exited {
		r.tell.Close()
		return
	}
	why := r.t.reason
	switch {
	case r.failure != nil:
		why = r.failure.Error()
	case ctx.Err() != nil:
		why = context.Cause(ctx).Error()
	case why == "":
		why = fmt.Sprintf("trained to %d", r.t.task.To)
	}
	itself := r.end(why)
	if itself && r.exit == nil && r.failure == nil && r.dir.snapshot == nil { // it ended well: the directory is whole
		r.failure = r.dir.take()
	}
}

// outcome is what follows from how the command ended, and what it had reported.
func (r *commandRun) outcome(ctx context.Context) error {
	t := r.t
	switch {
	case r.failure != nil:
		return fmt.Errorf("%s: %w%s", r.c.place.of(t), r.failure, r.lastLines())
	case ctx.Err() != nil && !(r.c.place != nil && r.exited && r.exit != nil): // which is why the gang ends, perhaps
		return ctx.Err()
	case t.err != nil || t.stopped != "" || t.progress.Epoch >= t.task.To:
		return nil
	case r.exit != nil:
		return fmt.Errorf("%s: the command %s%s", r.c.place.of(t), exitText(r.exit), r.lastLines())
	case r.cut != nil:
		return fmt.Errorf("%s: %w%s", r.c.place.of(t), r.cut, r.lastLines())
	case t.progress.Epoch == 0:
		return fmt.Errorf("%s: the command ended without a report%s", r.c.place.of(t), r.lastLines())
	}
	if err := r.dir.take(); err != nil {
		return err
	}
	t.stopped, t.reason = search.Completed, fmt.Sprintf("the command ended after epoch %d", t.progress.Epoch)
	return nil
}

// take passes one report on, and answers what is no epoch's. It reports
// whether it was one.
func (r *commandRun) take(s commandReport) (epoch bool) {
	t := r.t
	switch {
	case s.cut:
		r.cut = s.broken
		return false
	case s.broken != nil:
		r.failure = s.broken
		return false
	case s.infeasible != "":
		t.stopped, t.reason = search.Infeasible, s.infeasible
		return false
	case s.diverged != "":
		t.stopped, t.reason = search.Diverged, s.diverged
		return false
	}
	if s.checkpoint {
		if err := r.dir.take(); err != nil {
			r.failure = err
			return false
		}
	}
	if why, ok := s.other[t.task.Objectives[0].Metric]; ok {
		r.failure = fmt.Errorf("the report of epoch %d: %q is %s, which is not a number", cmp.Or(s.epoch, t.progress.Epoch+1), t.task.Objectives[0].Metric, why)
		return false
	}
	if known := s.epoch > 0 && s.epoch <= t.progress.Epoch; known || len(s.metrics) == 0 { // it trains again what is known, or is late
		if known {
			t.reportLate(s.epoch, s.metrics)
		}
		if !s.done && t.stopped == "" {
			r.answer("")
		}
		return false
	}
	if s.epoch > 0 {
		t.Skip(s.epoch - 1)
	}
	t.ReportAll(s.metrics)
	return true
}

// answer tells the command to go on, or why to stop. One that does not listen
// is not waited for.
func (r *commandRun) answer(stop string) {
	a := map[string]any{"go": true}
	if stop != "" {
		a = map[string]any{"stop": stop}
	}
	b, err := json.Marshal(a)
	if err != nil {
		return
	}
	_ = r.tell.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = r.tell.Write(append(b, '\n'))
}

// end tells the command to stop and waits until its process group is gone. It
// reports whether the command ended by itself.
func (r *commandRun) end(why string) (itself bool) {
	r.answer(why)
	r.tell.Close()
	for step := range 2 {
		timer := time.NewTimer(r.c.grace())
		for waiting := true; waiting; {
			select {
			case s, ok := <-r.reports:
				if !ok {
					timer.Stop()
					return step == 0
				}
				if s.checkpoint && (len(s.metrics) == 0 || s.epoch > 0 && s.epoch <= r.t.progress.Epoch) {
					_ = r.dir.take() // not of an epoch that came after the end
				}
			case <-timer.C:
				waiting = false
			}
		}
		if step == 0 {
			r.group.terminate()
		}
	}
	r.group.kill()
	for range r.reports { // until it is gone
	}
	return false
}
