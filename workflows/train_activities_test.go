package workflows

import (
	"context"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"budwood/trials"
)

// Only the study ends its trials: an attempt that the server has given up is
// interrupted, and goes on elsewhere.
func TestEndOfAnAttempt(t *testing.T) {
	for name, c := range map[string]struct{ cause, want error }{
		"cancelled":             {temporal.NewCanceledError(), errStudyStopped},
		"without a cause":       {nil, errStudyStopped},
		"timed out":             {serviceerror.NewNotFound("activity not found"), trials.ErrInterrupted},
		"a server that is away": {serviceerror.NewUnavailable("no connection"), trials.ErrInterrupted},
		"out of time":           {context.DeadlineExceeded, trials.ErrInterrupted},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(c.cause)
		if got := endOf(ctx); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
