package study

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"budwood/search"
)

// OwnSampler makes the samplers of studies in a program that has one of the user's
// own, for [Recorder.Sampler].
func OwnSampler(own search.Sampler) func(*Spec) (search.Sampler, error) {
	return func(s *Spec) (search.Sampler, error) {
		if !s.Search.Own {
			return newSampler(s)
		}
		return ownSampler{s.Search.Sampler, own}, nil
	}
}

// ownSampler is a sampler of the user's own, held to what the study relies on:
// whatever it does, a proposal is a point of the space, or an error in one line.
type ownSampler struct {
	name string
	search.Sampler
}

var _ search.Explainer = ownSampler{}

// Propose asks for points and checks them. A panic is an error that names its
// place. It returns an error shortly before the context's deadline, so that it is
// the sampler that is said to be late.
func (s ownSampler) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	if at, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, at.Add(-time.Second))
		defer cancel()
	}
	type answer struct {
		points []search.Params
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		points, err := s.ask(ctx, req)
		done <- answer{points, err}
	}()
	select {
	case a := <-done:
		if a.err != nil && !errors.Is(a.err, search.ErrExhausted) {
			a.err = fmt.Errorf("%s: %s", s.name, strings.Join(strings.FieldsFunc(a.err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
		}
		return a.points, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s does not answer: %w", s.name, context.Cause(ctx))
	}
}

func (s ownSampler) ask(ctx context.Context, req search.Request) (points []search.Params, err error) {
	defer func() {
		if v := recover(); v != nil {
			points, err = nil, fmt.Errorf("it panicked%s: %v", panicked(), v)
		}
	}()
	points, err = s.Sampler.Propose(ctx, req)
	if err != nil {
		return nil, err
	}
	if len(points) == 0 && req.N > 0 {
		return nil, errors.New("it proposes nothing: a sampler that has no more points returns search.ErrExhausted")
	}
	points = points[:min(len(points), req.N)]
	out := make([]search.Params, len(points))
	for i, p := range points {
		if out[i], err = req.Space.Check(p); err != nil {
			return nil, fmt.Errorf("it proposes what is not in the space: %w", err)
		}
		if !req.Constraints.Hold(out[i]) {
			return nil, fmt.Errorf("it proposes %v, which breaks a constraint", out[i])
		}
	}
	return out, nil
}

// Explain is what the sampler says of its answer, if it says anything.
func (s ownSampler) Explain(req search.Request) (why string) {
	e, ok := s.Sampler.(search.Explainer)
	if !ok {
		return ""
	}
	defer func() {
		if v := recover(); v != nil {
			why = fmt.Sprintf("Explain panicked%s: %v", panicked(), v)
		}
	}()
	return e.Explain(req)
}

// panicked is where the panic happened that a deferred function has recovered:
// " at FILE:LINE".
func panicked() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for seen := false; ; {
		f, more := frames.Next()
		if seen && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf(" at %s:%d", filepath.Base(f.File), f.Line)
		}
		if seen = seen || f.Function == "runtime.gopanic"; !more {
			return ""
		}
	}
}
