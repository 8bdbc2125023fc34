package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"budwood/internal/gangprogram"
	"budwood/search"
	"budwood/trials/energy"
)

// TestMain makes this test binary a training program, too: in Go, so that the
// tests need no interpreter.
func TestMain(m *testing.M) {
	if mode := os.Getenv(doomedEnv); mode != "" {
		os.Exit(doomed(mode))
	}
	if mode := os.Getenv(gangprogram.Env); mode != "" {
		os.Exit(gangprogram.Main(mode))
	}
	if mode := os.Getenv("TRAINER"); mode != "" {
		switch mode {
		case "worker":
			orphaning()
		}
		os.Exit(trainer(mode))
	}
	os.Exit(m.Run())
}

// trainer counts epochs in its checkpoint directory and reports 1/epochs.
func trainer(mode string) int {
	report, answers := os.NewFile(3, "report"), json.NewDecoder(os.NewFile(4, "answers"))
	file := os.Getenv("BUDWOOD_CHECKPOINT") + "/epochs"
	done := 0
	if b, err := os.ReadFile(file); err == nil {
		fmt.Sscan(string(b), &done)
	}
	fmt.Println("trainer begins with", done, "of", os.Getenv("BUDWOOD_EPOCHS"), os.Args[1:])
	var answer struct {
		Go   bool
		Stop string
	}
	for {
		done++
		loss := 1 / float64(done)
		switch {
		case mode == "crash" && done == 2:
			fmt.Fprintln(os.Stderr, "no such file: weights.bin")
			return 3
		case mode == "nan" && done == 3:
			fmt.Fprintf(report, `{"epoch": %d, "loss": NaN}`+"\n", done)
			return 0
		case mode == "infeasible":
			fmt.Fprintln(report, `{"infeasible": "width 7 is odd"}`)
			return 0
		case mode == "garbage":
			fmt.Fprintln(report, `loss 0.3`)
		case mode == "short" && done == 3:
			return 0
		case mode == "syne":
			fmt.Printf("[tune-metric]: {\"epoch\": %d, \"loss\": %v, \"st_worker_cost\": 7}\n", done, loss)
		case mode == "stdout":
			fmt.Printf("epoch %d budwood: {\"loss\": %v}\n", done, loss)
		case mode == "deaf": // reads no answers, keeps nothing, ignores SIGTERM
			fmt.Fprintf(report, `{"loss": %v}`+"\n", loss)
			continue
		case mode == "burn":
			runtime.LockOSThread()
			for energy.ThreadTime() < 200*time.Millisecond {
			}
			if r := os.Getenv("RANK"); r == "" || r == "0" {
				fmt.Fprintf(report, `{"loss": %v}`+"\n", loss)
			}
			return 0
		case mode == "sleep":
			time.Sleep(time.Hour)
		default:
			if err := os.WriteFile(file, fmt.Append(nil, done), 0o644); err != nil {
				return 9
			}
			fmt.Fprintf(report, `{"epoch": %d, "loss": %v, "checkpoint": true}`+"\n", done, loss)
			if answers.Decode(&answer) != nil || answer.Stop != "" {
				fmt.Println("stopped:", answer.Stop)
				return 0
			}
		}
		if (mode == "syne" || mode == "stdout") && done == 9 {
			return 0
		}
	}
}

func trainerCommand(t *testing.T, mode string) *Command {
	t.Helper()
	c := &Command{Args: []string{os.Args[0], "--x", "{x}", "{{{trial}}}"}, Env: map[string]string{"TRAINER": mode}, Grace: 300 * time.Millisecond}
	if err := c.Validate(search.Space{search.Float("x", 0, 2)}); err != nil {
		t.Fatal(err)
	}
	return c
}

// A command is paused at its rung, goes on from its own checkpoint, and its
// output and energy are kept.
func TestCommandSegments(t *testing.T) {
	r := testRunner(t)
	var printed string
	f := trainerCommand(t, "good").Train(func(_ *Trial, b []byte) { printed = string(b) })
	first := mustRun(t, r, testTask(0, 3), f)
	if first.State != search.Paused || first.Budget != 3 || first.Final.Metrics["loss"] != 1/3. {
		t.Fatalf("%+v", first)
	}
	if !strings.Contains(printed, "begins with 0 of 3 [--x 1 {t0003}]") || !strings.Contains(printed, "stopped: trained to 3") {
		t.Errorf("printed: %s", printed)
	}
	second := mustRun(t, r, testTask(3, 9), f)
	if second.Budget != 9 || len(second.Curve) != 6 || second.Final.Metrics["loss"] != 1/9. || !strings.Contains(printed, "begins with 3 of 9") {
		t.Errorf("%+v; printed: %s", second, printed)
	}
	if first.Energy.Joules <= 0 || second.Energy.Joules <= 0 {
		t.Errorf("energy %v and %v", first.Energy, second.Energy)
	}
}

func TestCommandEnds(t *testing.T) {
	for mode, want := range map[string]struct {
		state  search.State
		reason string
		budget int
	}{
		"nan":        {search.Diverged, "epoch 3: loss is NaN", 2},
		"infeasible": {search.Infeasible, "width 7 is odd", 0},
		"short":      {search.Completed, "the command ended after epoch 2", 2},
		"syne":       {search.Paused, "", 9},
		"stdout":     {search.Paused, "", 9},
		"deaf":       {search.Paused, "", 9},
	} {
		res, err := testRunner(t).Run(context.Background(), testTask(0, 9), trainerCommand(t, mode).Train(nil), nil)
		if err != nil || res.State != want.state || res.Reason != want.reason || res.Budget != want.budget {
			t.Errorf("%s: %v, %s at %d: %q; want %+v", mode, err, res.State, res.Budget, res.Reason, want)
		}
	}
}

func TestCommandFails(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for mode, want := range map[string]string{
		"crash":   "ended with exit status 3\ntrainer begins",
		"garbage": "is not a JSON object",
		"sleep":   "ran longer than its limit",
		"memory":  "its limit is 200 MiB",
		"greedy":  "memory exhausted",
	} {
		c := trainerCommand(t, mode)
		switch mode {
		case "sleep":
			c.Time = 200 * time.Millisecond
		case "memory": // is held while nobody reads
			c.Mem, c.Args = 200<<20, []string{"sh", "-c", "dd if=/dev/zero bs=262144000 count=1 | sleep 3600"}
		case "greedy": // asks for 4 GiB when it has been limited, which is just after it began
			c.Mem, c.Time, c.Args = 200<<20, time.Minute, []string{"sh", "-c",
				"until [ $(ulimit -d) != unlimited ]; do sleep .01; done; exec dd if=/dev/zero of=/dev/null bs=4294967296 count=1"}
		}
		_, err := testRunner(t).Run(context.Background(), testTask(0, 9), c.Train(nil), nil)
		var user *ObjectiveError
		if !errors.As(err, &user) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want the user's error with %q", mode, err, want)
		}
		if mode == "crash" && !strings.Contains(err.Error(), "weights.bin") {
			t.Errorf("the error does not show what the command printed: %v", err)
		}
	}
}

// A command whose study is stopped is told so, and nothing of it is left.
func TestCommandIsStopped(t *testing.T) {
	for _, mode := range []string{"good", "deaf"} {
		ctx, stop := context.WithCancelCause(context.Background())
		res, err := testRunner(t).Run(ctx, testTask(0, 1_000_000), trainerCommand(t, mode).Train(nil), func(m search.Measurement) {
			if m.Budget == 4 {
				stop(errors.New("enough"))
			}
		})
		if err != nil || res.State != search.Stopped || res.Reason != "enough" || res.Budget < 4 {
			t.Errorf("%s: %v, %+v", mode, err, res)
		}
	}
	if out, err := exec.Command("pgrep", "-f", os.Args[0]+" --x").Output(); err == nil {
		t.Errorf("processes are left: %s", out)
	}
}

func TestCommandValidate(t *testing.T) {
	space := search.Space{search.Float("lr", 0, 1)}
	for want, c := range map[string]Command{
		"args: give the program":                          {},
		`no parameter "{lrr}"; did you mean {lr}?`:        {Args: []string{"x", "{lrr}"}},
		`args[1]: no parameter "{}"; write {{ and }} for`: {Args: []string{"x", "{}"}},
		"time: -1 is negative":                            {Args: []string{"x"}, Time: -1},
	} {
		if err := c.Validate(space); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", c, err, want)
		}
	}
}
