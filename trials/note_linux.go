package trials

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockFile locks a file until it is closed, or fails if somebody else has it locked.
func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// bootID is different each time the machine starts.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// heldMemory is what this process holds in memory, in bytes.
func heldMemory() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var all, resident int64
	if _, err := fmt.Sscan(string(b), &all, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// killFiles are the files that count what the kernel has killed in the control
// groups around this process.
func killFiles() (out []string) {
	root := os.DirFS("/")
	for _, g := range memoryGroups(root) {
		for _, name := range []string{"memory.events", "memory.oom_control"} {
			if _, err := fs.Stat(root, path.Join(g, name)); err == nil {
				out = append(out, path.Join(g, name))
			}
		}
	}
	return out
}

// oomKills counts: see vmstat of proc(5), memory.events and memory.oom_control of
// control groups.
func oomKills(groups []string) kills {
	root := os.DirFS("/")
	k := kills{All: countIn(root, "proc/vmstat"), Groups: map[string]int64{}}
	for _, name := range groups {
		k.Groups[name] = countIn(root, name)
	}
	return k
}

// countIn is the number behind oom_kill in a file of names and numbers.
func countIn(root fs.FS, name string) int64 {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			return n
		}
	}
	return 0
}
