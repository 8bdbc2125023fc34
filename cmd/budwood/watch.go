package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"budwood/search"
	"budwood/study"
	"budwood/trials/segment"
	"budwood/trials/store"
	"budwood/workflows"
)

// event is something that happened in a study, for the line view and the live
// one.
type event struct {
	trial int    // -1: the study itself
	kind  string // waiting, start, report, promote, or the state the trial ended in
	text  string
}

func (e event) name() string {
	if e.trial < 0 {
		return "study"
	}
	return search.TrialName(e.trial)
}

// watcher finds out what happened in a study by looking at the store again and
// again: that works for studies of this process and of any other.
type watcher struct {
	store *store.Store
	conn  *connection // nil: no server to ask
	name  string
	home  string // state directory
	study store.Study
	seen  []search.Record
	tight bool // little space is left, and that was said
}

// poll returns what happened since the last poll.
func (w *watcher) poll(ctx context.Context) ([]event, error) {
	row, err := w.store.Study(ctx, w.name)
	if err != nil {
		return nil, err
	}
	now, err := w.store.Records(ctx, w.name)
	if err != nil {
		return nil, err
	}
	old := w.study
	w.study = row
	var out []event
	if row.State == store.StudyRunning && row.Reason != old.Reason && row.Reason != "" {
		out = append(out, event{-1, "waiting", row.Reason})
	}
	note := tight(w.home)
	if note != "" && !w.tight {
		out = append(out, event{-1, "waiting", note})
	}
	w.tight = note != ""
	for i := range now {
		var before search.Record
		if i < len(w.seen) {
			before = w.seen[i]
		} else {
			out = append(out, event{now[i].ID, "start", fmt.Sprintf("%s  (%s)", study.DescribeParams(now[i].Params), now[i].Source)})
		}
		out = append(out, w.changes(&before, &now[i])...)
	}
	w.seen = now
	return out, nil
}

func (w *watcher) changes(old, now *search.Record) []event {
	var out []event
	main := w.study.Objectives[0].Metric
	for _, m := range now.Measurements[min(len(old.Measurements), len(now.Measurements)):] {
		out = append(out, event{now.ID, "report", fmt.Sprintf("epoch %-4d %s %s", m.Budget, main, search.FormatNumber(m.Metrics[main]))})
	}
	for _, note := range now.Notes[min(len(old.Notes), len(now.Notes)):] {
		if segment.Measured(note) {
			out = append(out, event{now.ID, "mesh", strings.TrimPrefix(note, "mesh: ")})
		}
	}
	if now.State == search.Running && old.State == search.Paused {
		out = append(out, event{now.ID, "promote", now.Reason})
	}
	if now.State.Ended() && !old.State.Ended() {
		state := string(now.State)
		out = append(out, event{now.ID, state, strings.TrimPrefix(now.Reason, state+": ")})
	}
	return out
}

// running are the numbers of the trials that run, as of the last poll.
func (w *watcher) running() []int {
	var out []int
	for i := range w.seen {
		if w.seen[i].State == search.Running {
			out = append(out, w.seen[i].ID)
		}
	}
	return out
}

// beats asks the server how far the first few running trials have come since they
// last reported.
func (w *watcher) beats(ctx context.Context, running []int) map[int]search.Measurement {
	if w.conn == nil || len(running) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return workflows.LastEpochs(ctx, w.conn.Client, w.conn.payloads, w.name, running[:min(len(running), mostAsked)])
}

const mostAsked = 16 // running trials; more do not fit a terminal, either

// follow calls show with what happened until the study ends or ctx is done.
func (w *watcher) follow(ctx context.Context, show func([]event)) error {
	for {
		events, err := w.poll(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		show(events)
		if w.study.State != store.StudyRunning {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(150 * time.Millisecond):
		}
	}
}
