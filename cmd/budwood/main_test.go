package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/internal/gangprogram"
	"budwood/search"
	"budwood/trials/store"
)

// The tests run the program as users do: as a process of its own. It is this
// test binary, which becomes the program when it is told to, and so does what it
// starts.
func TestMain(m *testing.M) {
	if mode := os.Getenv(gangprogram.Env); mode != "" {
		os.Exit(gangprogram.Main(mode))
	}
	switch os.Getenv("BUDWOOD_TEST_PROGRAM") {
	case "chaos":
		os.Exit(chaosTrainer())
	case "doomed":
		os.Exit(doomedStudy())
	case "sdk":
		os.Exit(goStudy())
	case "sampler":
		os.Exit(ownSampler())
	case "":
		// A server that a test starts without the variable must not become the
		// tests again, which would start servers for ever.
		if len(os.Args) < 2 || os.Args[1] != devserver.Command {
			flag.Parse()
			if runtime.GOMAXPROCS(0) < 4 { // tests that may run side by side wait most of the time
				_ = flag.Set("test.parallel", "4")
			}
			os.Exit(m.Run())
		}
	}
	main()
}

// home is a new state directory; what runs for it is killed at the end.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { killAll(t, dir) })
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// program prepares a command on a state directory.
func program(ctx context.Context, dir string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	cmd = exec.CommandContext(ctx, os.Args[0], args...)
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(os.Environ(), "BUDWOOD_TEST_PROGRAM=1", "BUDWOOD_HOME="+dir, "TEMPORAL_ADDRESS=", "NO_COLOR=1")
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if these tests are killed, it goes with them
	return cmd, stdout, stderr
}

// do runs a command to its end, at most a minute.
func do(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return doFor(t, time.Minute, dir, args...)
}

// doFor runs a command to its end, at most for a while.
func doFor(t *testing.T, limit time.Duration, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd, out, errs := program(ctx, dir, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("budwood %v: %v\n%s%s", args, err, out, errs)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// killAll kills every process of a state directory at once, as a power cut does.
func killAll(t testing.TB, dir string) (killed int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		found := processes(dir)
		for _, pid := range found {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		killed += len(found)
		if len(found) == 0 {
			return killed
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v cannot be killed", found)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// processes lists those that were started for a state directory.
func processes(dir string) (out []int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range entries {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte("BUDWOOD_HOME="+dir+"\x00")) {
			continue
		}
		pid := 0
		for _, c := range strings.TrimPrefix(filepath.Dir(path), "/proc/") {
			pid = 10*pid + int(c-'0')
		}
		if pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}

// records reads a study's trials.
func records(t *testing.T, dir, study string) (store.Study, []search.Record) {
	t.Helper()
	store, err := store.OpenReadOnly(budwood.StoreFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s, err := store.Study(context.Background(), study)
	if err != nil {
		t.Fatal(err)
	}
	list, err := store.Records(context.Background(), study)
	if err != nil {
		t.Fatal(err)
	}
	return s, list
}

const digits = "../../examples/digits/study.yaml"

func wantLine(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in:\n%s", p, text)
		}
	}
}
