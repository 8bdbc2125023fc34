package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// screen is a pseudo terminal: what is written to its end is read by us.
type screen struct {
	end *os.File // for the program

	mu   sync.Mutex
	seen bytes.Buffer
}

func newScreen(t *testing.T, columns, rows int) *screen {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	fd := int(ours.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{end: end}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := ours.Read(b)
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { end.Close(); ours.Close() })
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// brokenPipe is a pipe that nobody reads.
func brokenPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	return w
}

func device(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Whatever the standard streams are, a run goes to its end, tells the result where
// results go, and draws on nothing but a terminal that it can draw on.
func TestRunOnEveryKindOfStream(t *testing.T) {
	dir := home(t)
	const drawn, line = "\x1b[", "t0000  start"
	for _, c := range []struct {
		name           string
		columns, rows  int // of a terminal for the progress; 0: see stderr
		term           string
		stdout, stderr *os.File // nil: read here
		code           int
		progress, not  string
		results        string
	}{
		{name: "terminal", columns: 100, rows: 30, term: "xterm", progress: drawn, results: "best    t0"},
		{name: "null", stderr: device(t, "/dev/null"), term: "xterm", results: "best    t0"},
		{name: "full", stderr: device(t, "/dev/full"), term: "xterm", results: "best    t0"},
		{name: "broken", stderr: brokenPipe(t), term: "xterm", results: "best    t0"},
		{name: "dumb", columns: 100, rows: 30, term: "dumb", progress: line, not: drawn, results: "best    t0"},
		{name: "unnamed", columns: 100, rows: 30, progress: line, not: drawn, results: "best    t0"},
		{name: "unsized", rows: -1, term: "xterm", progress: line, not: drawn, results: "best    t0"},
		{name: "tiny", columns: 3, rows: 2, term: "xterm", progress: line, not: drawn, results: "best    t0"},
		{name: "results-full", stdout: device(t, "/dev/full"), code: exitFailed, progress: "budwood: the results could not be written: write /dev/stdout: no space left on device"},
		{name: "results-broken", stdout: brokenPipe(t), code: exitBrokenPipe, progress: line},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			cmd := exec.Command(os.Args[0], "run", digits, "--name", c.name, "--trials", "2", "--epochs", "1")
			cmd.Env = append(os.Environ(), "BUDWOOD_TEST_PROGRAM=1", "BUDWOOD_HOME="+dir, "TEMPORAL_ADDRESS=", "NO_COLOR=1", "COLUMNS=", "TERM="+c.term)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it has no terminal of its own: nothing to open at /dev/tty
			cmd.Stdout, cmd.Stderr = &out, &errs
			cmd.WaitDelay = time.Second
			var s *screen
			switch {
			case c.stderr != nil:
				cmd.Stderr = c.stderr
			case c.rows != 0:
				s = newScreen(t, c.columns, max(c.rows, 0))
				cmd.Stderr = s.end
			}
			if c.stdout != nil {
				cmd.Stdout = c.stdout
			}
			timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			_ = cmd.Run()
			progress := errs.String()
			if s != nil {
				progress = s.text()
			}
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("%v, want exit code %d", cmd.ProcessState, c.code)
			}
			if !strings.Contains(progress, c.progress) || c.not != "" && strings.Contains(progress, c.not) || !strings.Contains(out.String(), c.results) {
				t.Errorf("progress %q\nresults %q", progress, out.String())
			}
			if study, list := records(t, dir, c.name); study.State != "completed" || len(list) != 2 {
				t.Errorf("the study is %s, with %d trials", study.State, len(list))
			}
		})
	}
}

// A program in the background of a terminal does not draw on it: that would stop it.
func TestTerminalOfAnotherGroup(t *testing.T) {
	t.Setenv("TERM", "xterm")
	if !terminal(newScreen(t, 100, 30).end) {
		t.Error("a terminal that is nobody's is not drawn on")
	}
	out := filepath.Join(t.TempDir(), "out")
	// The shell is in the foreground of its terminal, and what it starts with job control is not.
	other := newScreen(t, 100, 30)
	sh := exec.Command("sh", "-c", `set -m; "$0" -test.run '^TestBackgroundTerminal$' >"$1" 2>&1 & wait`, os.Args[0], out)
	sh.Env = append(os.Environ(), "BUDWOOD_TEST_BACKGROUND=1")
	sh.Stdin, sh.SysProcAttr = other.end, &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := sh.Run(); err != nil {
		b, _ := os.ReadFile(out)
		t.Errorf("%v\n%s", err, b)
	}
}

// TestBackgroundTerminal is the program of the test before.
func TestBackgroundTerminal(t *testing.T) {
	if os.Getenv("BUDWOOD_TEST_BACKGROUND") == "" {
		t.Skip("a part of another test")
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if terminal(tty) {
		t.Error("the terminal of another group is drawn on")
	}
}

// Help and lists that cannot be written fail, whoever writes them.
func TestResultsThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"ls"}, {"ls", "-o", "json"}, {"plan", digits}, {"plan", digits, "-o", "csv"}} {
		for _, c := range []struct {
			stdout io.Writer
			code   int
			says   string
		}{{device(t, "/dev/full"), exitFailed, "no space left"}, {brokenPipe(t), exitBrokenPipe, ""}} {
			cmd, _, errs := program(t.Context(), t.TempDir(), args...)
			cmd.Stdout = c.stdout
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("%v: exit code %d, want %d", args, code, c.code)
			}
			if says := errs.String(); !strings.Contains(says, c.says) || c.says == "" && says != "" || strings.Count(says, "\n") > 1 {
				t.Errorf("%v: %q", args, errs)
			}
		}
	}
}
