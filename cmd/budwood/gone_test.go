package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"budwood"
	"budwood/search"
	"budwood/trials/store"
)

// gone is a study that runs: a command with a program that it has started, in a
// state directory that something happens to.
type gone struct {
	t             *testing.T
	dir, tmp, bin string
	cmd           *exec.Cmd
	said          *bytes.Buffer
}

// newGone starts a command, by default `budwood run` of the study. It returns when
// the study trains.
func newGone(t *testing.T, args ...string) *gone {
	t.Helper()
	base := t.TempDir()
	g := &gone{t: t, dir: filepath.Join(base, "state"), tmp: t.TempDir(), bin: filepath.Join(base, "budwood")}
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(os.Args[0], g.bin); err != nil { // another file system
		t.Skip(err)
	}
	t.Cleanup(func() { killAll(t, g.dir) })
	if len(args) == 0 {
		args = []string{"run", "--plain", "--allow-commands", g.study(2, 300)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	g.start(ctx, args...)
	return g
}

// study is the file of a study whose trials start a program, report, and go on for
// some seconds.
func (g *gone) study(trials, seconds int) string {
	files := g.t.TempDir()
	script, file := filepath.Join(files, "train.sh"), filepath.Join(files, "gone.yaml")
	text := fmt.Sprintf(`sleep %d </dev/null >/dev/null 2>&1 &
echo 'budwood: {"loss": 1}'
wait
`, seconds)
	spec := fmt.Sprintf(`name: gone
objective: {metric: loss}
command: {args: [sh, %q], grace: 1s}
search: {sampler: random, scheduler: none, parallel: 2, warm_start: "off"}
budget: {trials: %d, epochs: 3}
space: [{name: x, float: [0, 1]}]
`, script, trials)
	for path, b := range map[string]string{script: text, file: spec} {
		if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	return file
}

func (g *gone) start(ctx context.Context, args ...string) {
	g.t.Helper()
	g.cmd, _, g.said = program(ctx, g.dir, args...)
	g.cmd.Path, g.cmd.Stdout = g.bin, io.Discard
	if _, err := g.cmd.StdinPipe(); err != nil { // it ends attach
		g.t.Fatal(err)
	}
	g.cmd.Env = append(g.cmd.Env, "TMPDIR="+g.tmp)
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
}

// ofKind are the processes with a word in their arguments.
func (g *gone) ofKind(word string) []int { return (&chaos{dir: g.dir}).pids(word) }

// trains waits until two trials run, each with a program of its own.
func (g *gone) trains() {
	g.t.Helper()
	for stop := time.Now().Add(time.Minute); len(g.ofKind("sleep")) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(stop) {
			g.t.Fatalf("the study does not train; processes %v", processes(g.dir))
		}
	}
}

// wantEnd is the command's end with a word in its message, and that of all the rest.
func (g *gone) wantEnd(words ...string) {
	t := g.t
	t.Helper()
	_ = g.cmd.Wait()
	if code := g.cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	lines := strings.Split(strings.TrimSpace(g.said.String()), "\n")
	wantLine(t, lines[len(lines)-1], append(words, ": ended")...)
	g.wantNothing()
}

func (g *gone) wantNothing() {
	t := g.t
	t.Helper()
	for stop := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := processes(g.dir)
		files, _ := os.ReadDir(g.tmp)
		if len(left)+len(files) == 0 {
			return
		}
		if time.Now().After(stop) {
			for _, pid := range left {
				args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				t.Errorf("process %d is left: %q", pid, args)
			}
			t.Fatalf("files %v are left", files)
		}
	}
}

func (g *gone) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// Whatever is taken away from under a study: all of its processes end, those of its
// commands too, the command says why, and nothing comes back.
func TestNothingOutlivesItsFiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("each fault takes some seconds")
	}
	in := func(name string) func(*gone) string {
		return func(g *gone) string {
			found, err := filepath.Glob(filepath.Join(g.dir, name))
			if err != nil || len(found) == 0 {
				g.t.Fatalf("no %s in the state directory", name)
			}
			for _, f := range found {
				g.must(os.RemoveAll(f))
			}
			return strings.TrimRight(found[0], "*")
		}
	}
	for name, do := range map[string]func(*gone) string{
		"state directory removed": func(g *gone) string { g.must(os.RemoveAll(g.dir)); return "the state directory " + g.dir + " is gone" },
		"state directory moved":   func(g *gone) string { g.must(os.Rename(g.dir, g.dir+".away")); return "the state directory" },
		"state directory replaced": func(g *gone) string {
			g.must(os.RemoveAll(g.dir))
			g.must(os.Mkdir(g.dir, 0o700))
			return "the state directory " + g.dir + " is not the one that it was"
		},
		"its parent replaced by a file": func(g *gone) string {
			g.must(os.Rename(filepath.Dir(g.dir), filepath.Dir(g.dir)+".away"))
			g.must(os.WriteFile(filepath.Dir(g.dir), nil, 0o600))
			return "not a directory"
		},
		"server.lock removed":         in("server.lock"),
		"clients.lock removed":        in("clients.lock"),
		"workers.lock removed":        in("workers.lock"),
		"runs.lock removed":           in("runs.lock"),
		"store removed":               in("budwood.db*"),
		"Temporal's database removed": in("temporal-*.db*"),
		"checkpoints removed":         in("blobs"),
		"program removed":             func(g *gone) string { g.must(os.Remove(g.bin)); return "the program " + g.bin },
		"program moved":               func(g *gone) string { g.must(os.Rename(g.bin, g.bin+".old")); return "the program " + g.bin },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGone(t)
			g.trains()
			if n := len(g.ofKind(serviceCommand)); n != 1 {
				t.Errorf("%d processes with workers", n)
			}
			why := do(g)
			g.wantEnd(why)
			if strings.HasPrefix(name, "state") {
				left, err := os.ReadDir(g.dir)
				if (err == nil) != strings.HasSuffix(name, "replaced") || len(left) > 0 {
					t.Errorf("the state directory came back with %v", left)
				}
			}
		})
	}
}

// The same on a file system that is taken out of the tree while it is used.
func TestUnmounted(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	if err := syscall.Mount("tmpfs", base, "tmpfs", 0, ""); err != nil {
		t.Skip("no file system may be mounted here:", err)
	}
	g := &gone{t: t, dir: base, tmp: t.TempDir(), bin: os.Args[0]}
	t.Cleanup(func() { killAll(t, g.dir); _ = syscall.Unmount(base, syscall.MNT_DETACH) })
	g.start(t.Context(), "run", "--plain", "--allow-commands", g.study(2, 300))
	g.trains()
	g.must(syscall.Unmount(base, syscall.MNT_DETACH))
	g.wantEnd("the state directory", "is not the one that it was")
	if left, _ := os.ReadDir(base); len(left) > 0 {
		t.Errorf("%v was written where the file system had been", left)
	}
}

// The other commands that hold something.
func TestCommandsEndWithTheirDirectory(t *testing.T) {
	for _, args := range [][]string{{"up", "--allow-commands"}, {"watch", "--plain", "gone"}, {"dev-server", "attach"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			var g *gone
			ready := func() bool { _, err := os.Stat(filepath.Join(g.dir, "server.json")); return err == nil }
			if args[0] == "watch" {
				g = newGone(t)
				g.trains()
				defer g.cmd.Wait()
				g.start(t.Context(), args...)
				ready = func() bool { return len(g.ofKind("watch")) > 0 }
			} else {
				g = newGone(t, args...)
			}
			for stop := time.Now().Add(time.Minute); !ready() && time.Now().Before(stop); {
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(time.Second) // it has what it needs
			g.must(os.RemoveAll(g.dir))
			g.wantEnd("the state directory")
		})
	}
}

// goStudy is a program of the SDK: its objective does not come to an end.
func goStudy() int {
	_ = os.Setenv("BUDWOOD_TEST_PROGRAM", "1") // for the budwood on its PATH
	x := search.Float("x", 0, 1)
	study := budwood.Study{Name: "go", Space: search.Space{x}, Trials: 2}
	_, err := study.Run(context.Background(), func(ctx context.Context, t *budwood.Trial) error {
		_ = os.WriteFile(os.Getenv("BUDWOOD_TEST_TRAINS"), nil, 0o600)
		<-ctx.Done()
		return ctx.Err()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return exitDone
}

// A program of the SDK returns from its study, and the server that it has started
// ends.
func TestGoStudyEndsWithItsDirectory(t *testing.T) {
	t.Parallel()
	g := newGone(t, "ls")
	_ = g.cmd.Wait()
	g.cmd, _, g.said = program(t.Context(), g.dir)
	g.cmd.Path, g.cmd.Stdout = g.bin, io.Discard
	trains := filepath.Join(t.TempDir(), "trains")
	g.cmd.Env = append(g.cmd.Env, "BUDWOOD_TEST_PROGRAM=sdk", "BUDWOOD_TEST_TRAINS="+trains, "TMPDIR="+g.tmp, "PATH="+filepath.Dir(g.bin)+":"+os.Getenv("PATH"))
	g.must(g.cmd.Start())
	for stop := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(trains); err == nil {
			break
		}
		if time.Now().After(stop) {
			t.Fatalf("the study does not train: %s", g.said)
		}
	}
	g.must(os.RemoveAll(g.dir))
	g.wantEnd("the embedded Temporal server is gone", "the state directory")
}

// Whoever takes the directory away the moment it is used: nothing stays, either.
func TestRemovedWhileItStarts(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"clients.lock", "server.json", "runs.lock", "workers.lock", "budwood.db"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			g := newGone(t)
			for stop := time.Now().Add(time.Minute); time.Now().Before(stop); time.Sleep(time.Millisecond) {
				if _, err := os.Stat(filepath.Join(g.dir, after)); err == nil {
					break
				}
			}
			for os.RemoveAll(g.dir) != nil { // somebody has just made a file in it
			}
			g.wantEnd("the state directory")
			if left, _ := os.ReadDir(g.dir); len(left) > 0 {
				t.Errorf("the state directory came back with %v", left)
			}
		})
	}
}

// A build puts a new file in the place of the old one: what runs goes on, and starts
// again what is killed.
func TestStudySurvivesAnUpgrade(t *testing.T) {
	t.Parallel()
	g := newGone(t, "ls")
	_ = g.cmd.Wait()
	g.start(t.Context(), "run", "--plain", "--allow-commands", g.study(4, 4))
	g.trains()
	g.must(os.Link(os.Args[0], g.bin+".new"))
	g.must(os.Remove(g.bin))
	time.Sleep(500 * time.Millisecond)
	g.must(os.Rename(g.bin+".new", g.bin))
	for _, pid := range g.ofKind(serviceCommand) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := g.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, g.said)
	}
	st, list := records(t, g.dir, "gone")
	if st.State != store.StudyCompleted || len(list) != 4 {
		t.Errorf("%s with %d trials", st.State, len(list))
	}
	for _, r := range list {
		if r.State != search.Completed {
			t.Errorf("%s is %s: %s", r.Name(), r.State, r.Reason)
		}
	}
	g.wantNothing()
}

// Where a lock was removed the study goes on with the next command.
func TestStudyGoesOnAfterItsLock(t *testing.T) {
	t.Parallel()
	g := newGone(t, "ls")
	_ = g.cmd.Wait()
	file := g.study(4, 4)
	g.start(t.Context(), "run", "--plain", "--allow-commands", file)
	g.trains()
	g.must(os.Remove(filepath.Join(g.dir, "workers.lock")))
	g.must(os.Remove(filepath.Join(g.dir, "server.lock")))
	g.wantEnd("lock")
	out, errs, code := do(t, g.dir, "run", "--plain", "--allow-commands", file)
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	wantLine(t, errs, "goes on")
	if st, list := records(t, g.dir, "gone"); st.State != store.StudyCompleted || len(list) != 4 {
		t.Errorf("%s with %d trials", st.State, len(list))
	}
}

// The reaper is this big program, and small all the same.
func TestReaperIsSmall(t *testing.T) {
	g := newGone(t)
	g.trains()
	pids := g.ofKind("budwood-reaper")
	if len(pids) != 1 {
		t.Fatalf("reapers %v, want one", pids)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pids[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kB", kb)
	if kb > 20<<10 {
		t.Errorf("the reaper takes %d kB, want at most 20 MB", kb)
	}
}
