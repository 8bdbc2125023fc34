package workflows

import (
	"context"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"

	"budwood/engine"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// networkStudy is a study of networks, which so many ranks train.
func networkStudy(t *testing.T, ranks engine.Ranks, zero int) *study.Spec {
	return studytest.Digits(t, "network", func(s *study.Spec) {
		s.Search.Scheduler, s.Search.Sampler = "asha", "random"
		s.Budget = study.Budget{Trials: 3, Epochs: 3}
		s.Mesh = engine.Mesh{Data: 2, Ranks: ranks, Zero: zero}
	})
}

// Ranks in activities of their own, which meet by sockets, train what one does, to the
// last bit: with shards of the data each, and with stages of the network.
func TestGangTrainsNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	alone := newBench(t, nil)
	want, records := alone.run(t, networkStudy(t, engine.Ranks{}, 0))
	for _, pipeline := range []int{0, 2} {
		b := newBench(t, nil)
		spec := networkStudy(t, engine.Ranks{Min: 2, Max: 2}, 1)
		if spec.Mesh.Pipeline = pipeline; pipeline > 0 {
			spec.Mesh.MicroBatches = 1
		}
		got, list := b.run(t, spec)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("pipeline %d: (-one rank +two) %s", pipeline, diff)
		}
		if diff := gocmp.Diff(records, list); diff != "" {
			t.Errorf("pipeline %d: (-one rank +two) %s", pipeline, diff)
		}
		if len(b.train.leases.held) > 0 {
			t.Errorf("pipeline %d: %d places are still held", pipeline, len(b.train.leases.held))
		}
	}
}

// A rank of a network that is lost in the middle costs nothing: the gang goes on from
// its checkpoint, and the numbers are those of an undisturbed run.
func TestGangOfNetworkLosesARank(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	alone := newBench(t, nil)
	_, records := alone.run(t, networkStudy(t, engine.Ranks{}, 0))
	b := newBench(t, nil)
	b.train.Runner.Every = time.Nanosecond
	losses := 0
	b.env.OnActivity(rankType, mock.Anything, mock.Anything).Return(func(ctx context.Context, in rankInput) (rankResult, error) {
		if in.Place.Rank == 1 && losses < 2 {
			losses++
			h := b.train.leases.held[in.Lease]
			go func() {
				time.Sleep(time.Duration(losses) * 20 * time.Millisecond)
				b.train.leases.mu.Lock()
				defer b.train.leases.mu.Unlock()
				h.end(trials.ErrInterrupted)
			}()
		}
		return b.train.rank(ctx, in)
	})
	_, list := b.run(t, networkStudy(t, engine.Ranks{Min: 2, Max: 2}, 0))
	if diff := gocmp.Diff(records, list); diff != "" || losses != 2 {
		t.Errorf("after %d losses (-undisturbed +through losses) %s", losses, diff)
	}
}

// A rank that cannot be met, or that is of another program, ends the attempt with one
// line, and that soon.
func TestGangDoesNotMeet(t *testing.T) {
	b := newBench(t, nil)
	b.env.OnActivity(rankType, mock.Anything, mock.Anything).Return(func(ctx context.Context, in rankInput) (rankResult, error) {
		if in.Place.Rank == 1 {
			b.train.leases.mu.Lock()
			b.train.leases.held[in.Lease].seat.Version = "another"
			b.train.leases.mu.Unlock()
		}
		return b.train.rank(ctx, in)
	})
	spec := networkStudy(t, engine.Ranks{Min: 2, Max: 2}, 0)
	spec.Budget.Trials = 1
	_, list := b.run(t, spec)
	if len(list) != 1 || list[0].State != search.Failed || !strings.Contains(list[0].Reason, ": it runs version ") || strings.Contains(list[0].Reason, "\n") {
		t.Errorf("%+v", list)
	}
}
