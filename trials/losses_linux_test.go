package trials

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// memoryGroup makes a control group with so much memory, of either version, inside
// that of this process. The test is skipped where that is not allowed.
func memoryGroup(t *testing.T, bytes int64) (dir string) {
	t.Helper()
	for _, g := range memoryGroups(os.DirFS("/")) {
		dir := filepath.Join("/", g, fmt.Sprintf("budwood-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		for _, name := range []string{"memory.limit_in_bytes", "memory.max"} {
			if os.WriteFile(filepath.Join(dir, name), fmt.Append(nil, bytes), 0o644) == nil {
				_ = os.WriteFile(filepath.Join(dir, "memory.swap.max"), []byte("0"), 0o644)
				return dir
			}
		}
	}
	t.Skip("no control group can be made here")
	return ""
}

// inside starts a command in a control group.
func inside(group string) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		cmd.Args = append([]string{"sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$@"`, group}, cmd.Args...)
		var err error
		if cmd.Path, err = exec.LookPath("sh"); err != nil {
			return err
		}
		return cmd.Start()
	}
}

// A worker that the kernel kills because a trial takes more memory than there is
// leaves no words; that it was for memory is found all the same.
func TestTrialThatEatsTheMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	lost, why := endings(t, "eat", inside(memoryGroup(t, 160<<20)))
	want := "it ends its worker: 2 workers ended while they trained it, the last one had nothing else to train: out of memory: the kernel killed it, which held "
	if lost != 2 || !strings.Contains(why, want) {
		t.Errorf("after %d workers: %q", lost, why)
	}
	if lost, memory := LostWorkers(why); !lost || !memory {
		t.Errorf("%q does not tell of memory", why)
	}
}
