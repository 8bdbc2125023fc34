package workflows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"

	"budwood/engine"
	"budwood/internal/gangprogram"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// TestMain makes this test binary the program of a gang, too.
func TestMain(m *testing.M) {
	if mode := os.Getenv(gangprogram.Env); mode != "" {
		os.Exit(gangprogram.Main(mode))
	}
	os.Exit(m.Run())
}

// gangStudy is a study whose trials are trained by gangs.
func gangStudy(t *testing.T, name, mode string, ranks engine.Ranks) *study.Spec {
	t.Helper()
	s := &study.Spec{
		Name: name, Space: search.Space{search.Float("x", -5, 5)},
		Command: &study.Command{Args: []string{os.Args[0]}, Env: map[string]string{gangprogram.Env: mode}},
		Search:  study.Search{Sampler: "random", Scheduler: "asha", Seed: 7, Parallel: 1, WarmStart: "off"},
		Budget:  study.Budget{Trials: 3, Epochs: 3},
	}
	s.Mesh.Ranks = ranks
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

func newGangBench(t *testing.T) *bench {
	b := newBench(t, nil)
	b.train.Allow = func(*trials.Command) error { return nil }
	return b
}

// A study of gangs comes to the same on Temporal and on goroutines, and what all ranks
// have spent is each trial's.
func TestGangStudy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := gangStudy(t, "gangs", "gang", engine.Ranks{Min: 3, Max: 3})
	b, local := newGangBench(t), newGangBench(t)
	b.execute(t, spec)
	got := b.Stored(t, spec.Name)
	if _, err := study.Local(t.Context(), spec, local.store.Recorder, local.train.Runner, nil); err != nil {
		t.Fatal(err)
	}
	want := local.Stored(t, spec.Name)
	for i, r := range got {
		if last, ok := r.Last(); !ok || last.Metrics["loss"] != 3/float64(last.Budget) || r.State != want[i].State || r.Reason != want[i].Reason {
			t.Errorf("%s is %s (%s) with %v; on goroutines %s (%s)", r.Name(), r.State, r.Reason, last, want[i].State, want[i].Reason)
		}
		if r.Joules < want[i].Joules/2 || r.Joules > want[i].Joules*2 {
			t.Errorf("%s has spent %v J, on goroutines %v", r.Name(), r.Joules, want[i].Joules)
		}
	}
	if len(b.train.leases.held) > 0 {
		t.Errorf("%d places are still held", len(b.train.leases.held))
	}
	text, err := trials.Output(t.Context(), b.train.Runner.Blobs, spec.Name, 0)
	if err != nil || !strings.Contains(string(text), "\n[rank 2] rank 2 of 3, local 2 of 3, begins with") {
		t.Errorf("the output of t0000 is %q, %v", text, err)
	}
}

// A rank that fails fails its trial in its own words.
func TestGangFails(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := gangStudy(t, "fails", "fails", engine.Ranks{Min: 3, Max: 3})
	spec.Budget.Trials = 1
	b := newGangBench(t)
	_, got := b.run(t, spec)
	if got[0].State != search.Failed || !strings.HasPrefix(got[0].Reason, "trial t0000: rank 2: the command ended with exit status 7") {
		t.Errorf("%s: %s", got[0].State, got[0].Reason)
	}
	if len(b.train.leases.held) > 0 {
		t.Errorf("%d places are still held", len(b.train.leases.held))
	}
}

// A gang that loses a rank gathers again and goes on; that costs nothing but the energy,
// which counts. The ranks that miss the lost one have not failed.
func TestGangLosesARank(t *testing.T) {
	if testing.Short() {
		t.Skip("the other rank waits for the lost one, for 10 seconds")
	}
	spec := gangStudy(t, "loses", "gang", engine.Ranks{Min: 2, Max: 2})
	spec.Budget.Trials = 1
	b := newGangBench(t)
	var losses atomic.Int32
	b.env.OnActivity(rankType, mock.Anything, mock.Anything).Return(func(ctx context.Context, in rankInput) (rankResult, error) {
		if in.Place.Rank == 1 && losses.Load() < 2 {
			losses.Add(1)
			_, _ = b.train.leases.take(in.Lease)
			b.train.leases.end(in.Lease)
			return rankResult{}, lost(1, "w", lostRank{Energy: energy.Energy{Joules: 100, Method: energy.Estimated}}, errors.New("gone"))
		}
		return b.train.rank(ctx, in)
	})
	b.execute(t, spec)
	got := b.Stored(t, spec.Name)
	if losses.Load() != 2 || got[0].State != search.Completed {
		t.Errorf("after %d losses %s: %s", losses.Load(), got[0].State, got[0].Reason)
	}
	if got[0].Joules < 200 || got[0].Joules > 300 {
		t.Errorf("%v J, of which the lost ranks have spent 200", got[0].Joules)
	}
	if last, _ := got[0].Last(); last.Metrics[trials.EnergyWh] < 200./3600 {
		t.Errorf("%v", last.Metrics)
	}
}

// A trial whose gang is lost again and again before an epoch is finished fails.
func TestHopelessGang(t *testing.T) {
	spec := gangStudy(t, "hopeless", "gang", engine.Ranks{Min: 2, Max: 2})
	spec.Budget.Trials = 1
	b := newGangBench(t)
	b.env.OnActivity(rankType, mock.Anything, mock.Anything).Return(func(_ context.Context, in rankInput) (rankResult, error) {
		_, _ = b.train.leases.take(in.Lease)
		b.train.leases.end(in.Lease)
		return rankResult{}, lost(in.Place.Rank, "w", lostRank{}, errors.New("gone"))
	})
	_, got := b.run(t, spec)
	if got[0].State != search.Failed || !strings.Contains(got[0].Reason, "5 times in a row its gang has lost a rank before epoch 1 was finished: rank") {
		t.Errorf("%s: %s", got[0].State, got[0].Reason)
	}
}

// A gang takes all places that it needs or none, gives the others back, and says what
// it waits for.
func TestGangWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := gangStudy(t, "waits", "gang", engine.Ranks{Min: 2, Max: 4})
	spec.Budget.Trials = 1
	b := newGangBench(t)
	b.train.capacity = newCapacity(study.Offer{CPU: 3, Mem: 8 << 30})
	release, ok := b.train.capacity.tryAcquire(study.Resources{CPU: 2, Mem: 1 << 30})
	if !ok {
		t.Fatal("no capacity")
	}
	note := ""
	b.env.RegisterDelayedCallback(func() {
		row, err := b.store.Store.Study(context.Background(), spec.Name)
		if err != nil {
			t.Error(err)
		}
		note = row.Reason
		release()
	}, gatherTime+600*time.Millisecond)
	_, got := b.run(t, spec)
	if got[0].State != search.Completed {
		t.Errorf("%s: %s", got[0].State, got[0].Reason)
	}
	if want := "t0000 needs 2..4 workers' places of cpu=1 at once; 1 were free: more come with budwood worker"; note != want {
		t.Errorf("it said %q, want %q", note, want)
	}
	if last, _ := got[0].Last(); last.Metrics["loss"] != 3/float64(last.Budget) {
		t.Errorf("of a range not the largest gang was taken: %v", last.Metrics)
	}
}

// A trial that is stopped while its gang waits is stopped, and nothing is held.
func TestGangStopsWaiting(t *testing.T) {
	spec := gangStudy(t, "stops", "gang", engine.Ranks{Min: 2, Max: 2})
	spec.Budget = study.Budget{Trials: 1, Epochs: 3, Time: study.Duration(time.Minute)}
	b := newGangBench(t)
	b.train.capacity = newCapacity(study.Offer{CPU: 1, Mem: 8 << 30})
	_, got := b.run(t, spec)
	if got[0].State != search.Stopped {
		t.Errorf("%s: %s", got[0].State, got[0].Reason)
	}
	if len(b.train.leases.held) > 0 {
		t.Errorf("%d places are still held", len(b.train.leases.held))
	}
}

func TestChoosePlaces(t *testing.T) {
	l := func(host, address string, n int) (out []lease) {
		for i := range n {
			out = append(out, lease{ID: fmt.Sprint(host, i), Host: host, Address: address})
		}
		return out
	}
	for _, c := range []struct {
		found       []lease
		least, most int
		want        string
	}{
		{l("a", "", 3), 2, 2, "a0 a1"},
		{l("a", "", 1), 2, 2, ""},
		{append(l("a", "", 2), l("b", "", 3)...), 2, 4, "b0 b1 b2"},
		{append(l("a", "", 2), l("b", "", 3)...), 4, 4, ""},
		{append(l("a", "ha", 1), l("b", "hb", 2)...), 3, 3, "b0 b1 a0"},
		{append(append(l("a", "ha", 1), l("b", "hb", 2)...), l("c", "", 1)...), 3, 4, "b0 b1 a0"},
	} {
		got := choose(c.found, c.least, c.most)
		var ids []string
		for _, x := range got {
			ids = append(ids, x.ID)
		}
		if strings.Join(ids, " ") != c.want {
			t.Errorf("of %v %d..%d: %v, want %s", c.found, c.least, c.most, ids, c.want)
		}
	}
	two := places([]lease{{Host: "b", Address: "hb", Port: 7}, {Host: "b", Address: "hb", Port: 8}, {Host: "a", Address: "ha", Port: 9}})
	if two[1] != (trials.Place{Rank: 1, Ranks: 3, Local: 1, Locals: 2, Addr: "hb", Port: 7}) || two[2] != (trials.Place{Rank: 2, Ranks: 3, Local: 0, Locals: 1, Addr: "hb", Port: 7}) {
		t.Errorf("%+v", two)
	}
	if one := places(l("a", "", 2)); one[1].Addr != "127.0.0.1" {
		t.Errorf("%+v", one)
	}
}

// Of ranks that fail one after the other the first is the cause, and none is if one was
// lost.
func TestGangOutcome(t *testing.T) {
	at := time.Now()
	fail := func(after time.Duration, why string) *rankEnd {
		return &rankEnd{rankResult: rankResult{Failed: why, At: at.Add(after)}}
	}
	zero := func(state search.State, left bool) *rankEnd {
		return &rankEnd{rankResult: rankResult{Segment: &segment.Result{State: state, Budget: 2}, Left: left}}
	}
	for _, c := range []struct {
		ends     []*rankEnd
		why, got string
	}{
		{[]*rankEnd{zero(search.Paused, false), fail(0, "it misses rank 0")}, "", "paused "},
		{[]*rankEnd{zero("", true), fail(2, "second"), fail(1, "first")}, "", "failed first"},
		{[]*rankEnd{fail(1, "zero"), fail(2, "second")}, "", "failed zero"},
		{[]*rankEnd{fail(1, "zero"), {lost: "rank 1 has gone"}}, "rank 1 has gone", ""},
		{[]*rankEnd{{lost: "zero has gone"}, fail(1, "one")}, "zero has gone", ""},
	} {
		g := &gang{gangInput: gangInput{Train: trainInput{Tasks: []trials.Task{{From: 1}}}}}
		r, why := g.outcome(c.ends)
		got := ""
		if r != nil {
			got = string(r.State) + " " + r.Reason
		}
		if why != c.why || got != c.got {
			t.Errorf("%q, %q; want %q, %q", got, why, c.got, c.why)
		}
	}
}

// Losses count as in a row only if no epoch was finished between them, also if rank 0
// has failed because it missed the lost one.
func TestGangLossesInARow(t *testing.T) {
	g := &gang{gangInput: gangInput{Train: trainInput{Tasks: []trials.Task{{}}}}}
	for i, c := range []struct{ epoch, row int }{{0, 1}, {0, 2}, {7, 1}, {0, 2}, {7, 3}, {8, 1}} {
		zero := &rankEnd{rankResult: rankResult{Segment: &segment.Result{State: search.Failed}, Failed: "it misses rank 1", Epoch: c.epoch}}
		if r, _ := g.outcome([]*rankEnd{zero, {lost: "rank 1 has gone"}}); r != nil || g.State.Row != c.row {
			t.Errorf("loss %d, after epoch %d: %d in a row, want %d", i, c.epoch, g.State.Row, c.row)
		}
	}
}

// A place that nobody comes for is free again, and the worker has room then.
func TestLeaseEnds(t *testing.T) {
	c := newCapacity(study.Offer{CPU: 1, Mem: 1 << 30})
	l := newLeases(nil, "", false, t.TempDir())
	release, _ := c.tryAcquire(study.Resources{})
	port, err := listen("")
	if err != nil {
		t.Fatal(err)
	}
	l.add("x", &held{release: release, port: port, ended: make(chan struct{})}, time.Millisecond)
	for range 1000 {
		if !l.any() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, ok := c.tryAcquire(study.Resources{}); !ok {
		t.Error("the room of a place that nobody came for is not there")
	}
	if _, err := l.take("x"); err == nil {
		t.Error("a place was taken that is not held any more")
	}
	var app *temporal.ApplicationError
	a := &TrainActivities{Runner: &trials.Runner{Name: "w"}, leases: l, capacity: c}
	if _, err := a.reserve(t.Context(), reserveInput{Trial: "t0003"}); !errors.As(err, &app) || app.Type() != busyError {
		t.Errorf("a worker without room says %v", err)
	}
	if _, err := a.rank(t.Context(), rankInput{Lease: "x"}); !errors.As(err, &app) || app.Type() != lostError {
		t.Errorf("a rank without its place says %v", err)
	}
}
