package trials

import (
	"context"
	"io"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

// A trial that is interrupted within a segment keeps what is to know of it: the
// version it goes on under, once.
func TestNotesOfInterruptedSegment(t *testing.T) {
	r := &Runner{Blobs: blob.Dir(t.TempDir()), Every: time.Nanosecond, Version: segment.VersionNamed("1")}
	task := Task{Study: "s", To: 9, Total: 9, Objectives: []search.Objective{{Metric: "loss"}}}
	interruptedAt := func(epoch int) {
		t.Helper()
		ctx, stop := context.WithCancelCause(t.Context())
		defer stop(nil)
		_, err := r.Run(ctx, task, keeping, func(m search.Measurement) {
			if m.Budget == epoch {
				stop(ErrInterrupted)
			}
		})
		if err == nil {
			t.Fatal("it was not interrupted")
		}
	}
	interruptedAt(3)
	interruptedAt(4)
	r.Version = segment.VersionNamed("2")
	interruptedAt(6)
	out, err := r.Run(t.Context(), task, keeping, nil)
	if err != nil || len(out.Notes) != 1 || out.Notes[0] != "from epoch 5 on under version 2 instead of 1: the objective has changed" || out.Version.ID() != "2" {
		t.Errorf("%q, %v", out.Notes, err)
	}
}

// keeping is an objective that goes on where it was.
func keeping(ctx context.Context, t *Trial) error {
	if err := t.Keep(nothing{}); err != nil {
		return err
	}
	return reportOnce(ctx, t)
}

type nothing struct{}

func (nothing) Save(io.Writer) error { return nil }
func (nothing) Load(io.Reader) error { return nil }
