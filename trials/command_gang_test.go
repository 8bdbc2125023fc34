package trials

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"budwood/engine"
	"budwood/internal/gangprogram"
	"budwood/search"
)

// gangCommand is a command of three ranks that meet at the master's port in each
// epoch.
func gangCommand(t *testing.T, mode string) *Command {
	t.Helper()
	c := trainerCommand(t, "")
	c.Env = map[string]string{gangprogram.Env: mode}
	c.Ranks = engine.Ranks{Min: 3, Max: 3}
	return c
}

// A gang is paused at its rung and goes on from its checkpoint; only rank 0 reports,
// what the others print is marked, and their energy counts.
func TestCommandGang(t *testing.T) {
	r := testRunner(t)
	var printed string
	f := gangCommand(t, "gang").Train(func(_ *Trial, b []byte) { printed = string(b) })
	first := mustRun(t, r, testTask(0, 3), f)
	if first.State != search.Paused || first.Budget != 3 || first.Final.Metrics["loss"] != 1. {
		t.Fatalf("%+v\n%s", first, printed)
	}
	for _, want := range []string{"rank 0 of 3, local 0 of 3, begins with 0", "[rank 1] rank 1 of 3, local 1 of 3, begins with 0", "[rank 2] rank 2 of 3, local 2 of 3, begins with 0"} {
		if !strings.Contains("\n"+printed, "\n"+want) {
			t.Errorf("no %q was printed:\n%s", want, printed)
		}
	}
	second := mustRun(t, r, testTask(3, 9), f)
	if second.Budget != 9 || len(second.Curve) != 6 || second.Final.Metrics["loss"] != 3./9*1 {
		t.Errorf("%+v", second)
	}
	if !strings.Contains(printed, "[rank 2] rank 2 of 3, local 2 of 3, begins with 3") {
		t.Errorf("rank 2 does not begin where rank 0 does:\n%s", printed)
	}
}

// A rank that fails fails the trial, as itself: not as the others that miss it. All
// are gone then.
func TestCommandGangFails(t *testing.T) {
	began := time.Now()
	r := testRunner(t)
	_, err := r.Run(t.Context(), testTask(0, 9), gangCommand(t, "fails").Train(nil), nil)
	var failure *ObjectiveError
	if !errors.As(err, &failure) || !strings.HasPrefix(err.Error(), "trial t0003: rank 2: the command ended with exit status 7\n") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if !strings.Contains(err.Error(), "rank 2 has no more") {
		t.Errorf("its last words are missing: %v", err)
	}
}

// A gang that is to stop stops, and none of its processes is left.
func TestCommandGangStops(t *testing.T) {
	r := testRunner(t)
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	var printed string
	res, err := r.Run(ctx, testTask(0, 1000), gangCommand(t, "gang").Train(func(_ *Trial, b []byte) { printed = string(b) }), func(m search.Measurement) {
		if m.Budget == 5 {
			stop(errors.New("enough"))
		}
	})
	if err != nil || res.State != search.Stopped || res.Reason != "enough" || res.Budget < 5 {
		t.Errorf("%+v, %v", res, err)
	}
	pids := regexp.MustCompile(`pid (\d+)`).FindAllStringSubmatch(printed, -1)
	if len(pids) != 3 {
		t.Fatalf("%d ranks have told their process:\n%s", len(pids), printed)
	}
	for _, m := range pids {
		if pid, _ := strconv.Atoi(m[1]); syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d is left", pid)
		}
	}
}

// The energy of all ranks is the trial's.
func TestCommandGangEnergy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	alone, all := trainerCommand(t, "burn"), trainerCommand(t, "burn")
	all.Ranks = engine.Ranks{Min: 3, Max: 3}
	spent := func(c *Command) float64 {
		c.Grace = time.Minute // all burn to their end
		return mustRun(t, testRunner(t), testTask(0, 1), c.Train(nil)).Energy.Joules
	}
	if one, three := spent(alone), spent(all); three < 2*one {
		t.Errorf("three ranks take %.3g J, one takes %.3g", three, one)
	}
}

// Variables of a gang are those of PyTorch's env://.
func TestPlaceVariables(t *testing.T) {
	p := Place{Rank: 3, Ranks: 4, Local: 1, Locals: 2, Addr: "10.0.0.7", Port: 4711}
	got := p.variables()
	slices.Sort(got)
	if want := "LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=10.0.0.7 MASTER_PORT=4711 RANK=3 WORLD_SIZE=4"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	c := trainerCommand(t, "gang")
	if env := c.At(p).environment(map[string]string{}); !slices.Contains(env, "RANK=3") || slices.Contains(c.environment(nil), "RANK=3") {
		t.Error("the place is not in the environment, or in that of others")
	}
}
