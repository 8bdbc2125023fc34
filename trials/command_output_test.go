package trials

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

// script is a command that a shell runs.
func script(text string) *Command {
	text = strings.NewReplacer("{", "{{", "}", "}}").Replace(text)
	return &Command{Args: []string{"sh", "-c", text}, Grace: 300 * time.Millisecond}
}

// runScript runs it up to three epochs.
func runScript(t *testing.T, text string) (segment.Result, string) {
	t.Helper()
	var printed string
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // far more than it may take
	defer cancel()
	res, err := testRunner(t).Run(ctx, testTask(0, 3), script(text).Train(func(_ *Trial, b []byte) { printed = string(b) }), nil)
	var user *ObjectiveError
	if err != nil && !errors.As(err, &user) || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	return res, printed
}

const threeReports = `for e in 1 2 3; do echo "budwood: {\"epoch\": $e, \"loss\": 0.$e}"; done`

// A trial ends with its process: what that leaves behind with the output open is
// killed, in its process group or in a session of its own without a parent.
func TestCommandLeavesAChild(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, child := range []string{
		"sh -c 'echo $$ > $PIDS; exec sleep 3600' &",
		"setsid sh -c 'echo $$ > $PIDS; exec sleep 3600' &",
		"(setsid sh -c 'echo $$ > $PIDS; sleep 3600; true' &);",
		"sh -c 'echo $$ > $PIDS; exec yes' &",
	} {
		if _, err := exec.LookPath("setsid"); (err != nil || runtime.GOOS != "linux") && strings.Contains(child, "setsid") {
			continue
		}
		pids := filepath.Join(t.TempDir(), "pids")
		began := time.Now()
		res, _ := runScript(t, "PIDS="+pids+"; export PIDS; "+child+` until [ -s $PIDS ]; do sleep .01; done
			echo 'budwood: {"epoch": 1, "loss": 0.5}'; echo 'CUDA error: out of memory' >&2; exit 1`)
		if res.State != search.Failed || !strings.HasPrefix(res.Reason, "trial t0003: the command ended with exit status 1\n") || !strings.HasSuffix(res.Reason, "\nCUDA error: out of memory") {
			t.Errorf("%s: %s: %.100q", child, res.State, res.Reason)
		}
		t.Logf("%s known after %v", child, time.Since(began).Round(time.Millisecond))
		b, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(time.Millisecond) { // it was killed, and ends
			if time.Now().After(deadline) {
				t.Errorf("%s process %d is left", child, pid)
				break
			}
		}
	}
}

func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, os.ErrNotExist) && runtime.GOOS == "linux" || strings.Contains(string(b), ") Z ") {
		return false
	}
	return syscall.Kill(pid, 0) == nil
}

// What was said before the end is not lost, whether a child passes it on, as tee
// does, or the pipe holds it when the process is gone.
func TestCommandSaysAllBeforeItsEnd(t *testing.T) {
	was := linger
	defer func() { linger = was }()
	for name, text := range map[string]string{
		"tee":  `{ sleep .1; exec cat; } <<X &` + "\n" + `$(` + threeReports + `)` + "\nX\n",
		"pipe": "sleep 3600 & " + threeReports,
		"both": `head -c 60000 /dev/zero | tr '\0' '#' >&2; sleep 3600 & ` + threeReports,
	} {
		linger = was
		if name == "tee" {
			linger = 30 * time.Second // however long it takes here
		}
		if res, _ := runScript(t, text); res.State != search.Paused || res.Budget != 3 {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// The cases of output that is not lines.
func TestCommandOutputIsNotLines(t *testing.T) {
	const bar = `i=0; while [ $i -lt 2000 ]; do printf '\r%60d/12000 [00:10<00:00, 99.1it/s]' $i >&2; i=$((i+1)); done`
	for name, c := range map[string]struct {
		text  string
		state search.State
		at    int
		has   string
		not   string
	}{
		"a bar before the report":       {bar + " 2>&1; " + threeReports, search.Paused, 3, "", ""},
		"another process in the line":   {`for e in 1 2 3; do printf 'budwood: {"epoch": %d, "loss": 1}' $e; printf 'worker: {done}\r'; echo; done`, search.Paused, 3, "", ""},
		"noise on the other stream":     {`for e in 1 2 3; do printf 'budwood: {"epoch": %d,' $e; printf 'worker: done\r\n' >&2; echo '"loss": 1}'; done`, search.Paused, 3, "", ""},
		"nan in small letters":          {`printf 'budwood: {"epoch": 1, "loss": 1}\nbudwood: {"epoch": 2, "loss": nan}\n'`, search.Diverged, 1, "epoch 2: loss is NaN", ""},
		"steps out of order":            {`for e in 2 1 1 3; do echo "budwood: {\"epoch\": $e, \"loss\": 0.$e}"; done`, search.Paused, 3, "", ""},
		"a metric that is null":         {`echo 'budwood: {"epoch": 1, "loss": null}'`, search.Failed, 0, `epoch 1: "loss" is null, which is not a number`, ""},
		"a report cut short":            {threeReports + ` | head -c 60`, search.Failed, 0, "line 2 of standard output: the report", ""},
		"a report cut short by a crash": {threeReports + ` | head -c 60; echo 'no memory' >&2; kill -9 $$`, search.Failed, 0, "the command ended with signal: killed\nno memory", ""},
		"a spinner, then a crash":       {`echo 'budwood: {"epoch": 1, "loss": 0.5}'; head -c 300000 /dev/zero | tr '\0' '\b' >&2; echo 'out of memory' >&2; exit 1`, search.Failed, 0, "exit status 1\nout of memory", "\b"},
		"a bar, then a crash":           {bar + `; exit 1`, search.Failed, 0, "1999/12000 [00:10<00:00, 99.1it/s]", "1998"},
		"bytes, then a crash":           {`head -c 300000 /dev/urandom >&2; echo; echo 'out of memory' >&2; exit 1`, search.Failed, 0, "out of memory", "\x1b"},
		"a frame under the error":       {`printf 'ValueError: bad\n   ^^^^^\n\n' >&2; exit 1`, search.Failed, 0, "exit status 1\nValueError: bad", "^"},
	} {
		res, _ := runScript(t, c.text)
		if res.State != c.state || res.Budget != c.at || !strings.Contains(res.Reason, c.has) || c.not != "" && strings.Contains(res.Reason, c.not) || len(res.Reason) > maxReason {
			t.Errorf("%s: %s at %d: %d bytes %q, want %s at %d, %q", name, res.State, res.Budget, len(res.Reason), clipped(res.Reason, 300), c.state, c.at, c.has)
		}
		if name == "steps out of order" && (len(res.Curve) != 3 || res.Curve[0].Metrics["loss"] != .1 || res.Final.Metrics["loss"] != .1) {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// Of much output the beginning and the end are kept.
func TestCommandWritesMuch(t *testing.T) {
	res, printed := runScript(t, `echo first; yes "$(head -c 2000 /dev/zero | tr '\0' x)" | head -c 50000000; `+threeReports+`; echo last`)
	if res.State != search.Paused || len(printed) > outputHead+outputTail+100 ||
		!strings.HasPrefix(printed, "first\nxxx") || !strings.Contains(printed, "… budwood left out 46.7 MiB of output here …") {
		t.Errorf("%+v; %d bytes: %.20q", res, len(printed), printed)
	}
}

// What Go objectives say is bounded, too.
func TestObjectiveSaysMuch(t *testing.T) {
	r := testRunner(t)
	res, err := r.Run(context.Background(), testTask(0, 3), func(context.Context, *Trial) error {
		return errors.New("no \xff way: " + strings.Repeat("x", 1<<20) + " the end")
	}, nil)
	if err == nil || len(res.Reason) > maxReason || !strings.HasPrefix(res.Reason, "no \uFFFD way") || !strings.HasSuffix(res.Reason, " the end") {
		t.Errorf("%d bytes", len(res.Reason))
	}
	for want, m := range map[string]search.Metrics{
		"1200 metrics are reported; the most is 1000": func() search.Metrics {
			m := search.Metrics{"loss": 1}
			for i := range 1199 {
				m["m"+strconv.Itoa(i)] = 1
			}
			return m
		}(),
		`is not the name of a metric`: {"loss": 1, strings.Repeat("a", 201): 1},
	} {
		res, _ := r.Run(context.Background(), testTask(0, 3), func(_ context.Context, t *Trial) error {
			for range t.Epochs() {
				t.ReportAll(m)
			}
			return nil
		}, nil)
		if res.State != search.Failed || !strings.Contains(res.Reason, want) {
			t.Errorf("%s: %q, want %q", res.State, res.Reason, want)
		}
	}
}

// badKeeper cannot save.
type badKeeper struct{ save func() error }

func (k badKeeper) Save(io.Writer) error { return k.save() }
func (k badKeeper) Load(io.Reader) error { return nil }

// A keeper that cannot save is the objective's failure: it could not the next
// time, either. Trouble with the blobs is the machine's.
func TestKeeperCannotSave(t *testing.T) {
	for _, every := range []time.Duration{time.Nanosecond, time.Hour} { // within the segment, and at its end
		for want, save := range map[string]func() error{
			"unsupported value":             func() error { return errors.New("json: unsupported value: NaN") },
			"the keeper panicked: no model": func() error { panic("no model") },
		} {
			r := testRunner(t)
			r.Every = every
			res, err := r.Run(context.Background(), testTask(0, 3), func(_ context.Context, t *Trial) error {
				if err := t.Keep(badKeeper{save}); err != nil {
					return err
				}
				for range t.Epochs() {
					t.Report(1)
				}
				return nil
			}, nil)
			var user *ObjectiveError
			if !errors.As(err, &user) || res.State != search.Failed || !strings.Contains(res.Reason, want) {
				t.Errorf("%v: %v, %+v; want %q", every, err, res, want)
			}
		}
	}
	r := testRunner(t)
	r.Blobs = blob.Dir("/dev/null/none")
	_, err := r.Run(context.Background(), testTask(0, 3), func(_ context.Context, t *Trial) error {
		for range t.Epochs() {
			t.Report(1)
		}
		return nil
	}, nil)
	var user *ObjectiveError
	if err == nil || errors.As(err, &user) {
		t.Errorf("no place for checkpoints: %v", err)
	}
}
