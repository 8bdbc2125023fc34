package trials

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"budwood/trials/blob"
)

// orphaning is a worker whose command starts a program that outlives it, and
// ignores what the end of its terminal says.
func orphaning() {
	script := `trap "" HUP TERM; $SESSION sleep 300 </dev/null >/dev/null 2>&1 & sleep 0.2; echo $! >"$PIDS.new"; mv "$PIDS.new" "$PIDS"; wait`
	c := &Command{Args: []string{"sh", "-c", script}, Env: map[string]string{"TRAINER": ""}}
	r := &Runner{Blobs: blob.Dir(os.Getenv("TMPDIR"))}
	_, err := r.Run(context.Background(), testTask(0, 3), c.Train(nil), nil)
	fmt.Println(err)
	os.Exit(1)
}

// waitFor is a process id that a file will hold.
func waitFor(t *testing.T, path string) string {
	t.Helper()
	for stop := time.Now().Add(20 * time.Second); time.Now().Before(stop); time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(b))
		}
	}
	t.Fatal("the command did not begin")
	return ""
}

// runs reports whether a process is there and no zombie.
func runs(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	_, after, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(after, "Z")
}

func wantGone(t *testing.T, pid string) {
	t.Helper()
	for stop := time.Now().Add(10 * time.Second); runs(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatalf("process %s is an orphan", pid)
		}
	}
}

func TestKilledWorkerLeavesNoOrphans(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	for _, session := range []string{"", "setsid"} { // in the command's process group, and out of it
		if _, err := exec.LookPath(session); err != nil && session != "" {
			continue
		}
		t.Run(session, func(t *testing.T) { killedWorker(t, session) })
	}
}

func killedWorker(t *testing.T, session string) {
	pids, tmp := filepath.Join(t.TempDir(), "pids"), t.TempDir()
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), "TRAINER=worker", "PIDS="+pids, "TMPDIR="+tmp, "SESSION="+session)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	pid := waitFor(t, pids)
	if !runs(pid) {
		t.Fatalf("process %s does not run", pid)
	}
	if left := workDirs(t, tmp); len(left) != 1 {
		t.Fatalf("working directories %v, want one", left)
	}
	_ = worker.Process.Kill()
	_ = worker.Wait()
	wantGone(t, pid)
	for stop := time.Now().Add(10 * time.Second); len(workDirs(t, tmp)) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatalf("%v is left behind", workDirs(t, tmp))
		}
	}
}

// workDirs are the working directories of commands.
func workDirs(t *testing.T, tmp string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(tmp, "*budwood-*"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Where worker and reaper were killed at once, the next worker ends the processes and
// removes the files; but not those of a worker that runs.
func TestWorkDirsOfKilledWorkers(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	used, err := newWorkDir("t0001")
	if err != nil {
		t.Fatal(err)
	}
	left, err := newWorkDir("t0002")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left.path, "params.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	left.lock.Close() // as the end of a process does
	var pid [2]string // of commands: of the one that runs, of the other
	for i, d := range []*workDir{used, left} {
		cmd := exec.Command("sleep", "300")
		cmd.Env = append(os.Environ(), "BUDWOOD_CHECKPOINT="+filepath.Join(d.path, "checkpoint"))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		pid[i] = fmt.Sprint(cmd.Process.Pid)
	}
	if err := os.Mkdir(filepath.Join(tmp, "budwood-mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	removeLeft()
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		if wantGone(t, pid[1]); !runs(pid[0]) {
			t.Error("the command of a worker that runs was killed")
		}
	}
	want := []string{filepath.Join(tmp, "budwood-mine"), used.path}
	if got := workDirs(t, tmp); !slices.Equal(got, want) {
		t.Errorf("%v is there, want %v", got, want)
	}
	if err := used.remove(); err != nil {
		t.Error(err)
	}
	if got := workDirs(t, tmp); !slices.Equal(got, want[:1]) {
		t.Errorf("%v is there at the end", got)
	}
}

// A command that ends well but leaves a program behind, and a reaper that was
// killed itself.
func TestReaperStartsAgain(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	r, dir := testRunner(t), t.TempDir()
	started := map[*exec.Cmd]bool{}
	for i := range 3 {
		pids := filepath.Join(dir, fmt.Sprint(i))
		c := &Command{Args: []string{"sh", "-c", `sleep 300 </dev/null >/dev/null 2>&1 3>&1 4>&1 & echo $! >"$PIDS"; echo 'budwood: {{"loss": 1}}'`}, Env: map[string]string{"PIDS": pids}}
		task := testTask(0, 3)
		task.Trial.ID = i
		mustRun(t, r, task, c.Train(nil))
		wantGone(t, waitFor(t, pids))
		last := r.reaper.cmd
		started[last] = true
		if i == 1 {
			_ = last.Process.Kill()
			// Waited for: of a zombie, threads may yet hold the pipe.
			for stop := time.Now().Add(10 * time.Second); last.Process.Signal(syscall.Signal(0)) == nil; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(stop) {
					t.Fatal("the reaper is still there")
				}
			}
		}
	}
	if len(started) != 2 || len(r.reaper.jobs) != 0 {
		t.Errorf("%d reapers were started, want 2; groups %v are left", len(started), r.reaper.jobs)
	}
}
