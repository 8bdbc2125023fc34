package trials

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// MachineMemory is the memory that this process may use, in bytes, and whose it is:
// that of the machine, or of the smallest control group around the process (version
// 1 or 2, however deep). It is 0 where that cannot be told.
func MachineMemory() (bytes int64, of string) { return machineMemory(os.DirFS("/")) }

func machineMemory(root fs.FS) (bytes int64, of string) {
	bytes, of = math.MaxInt64, ""
	if n, ok := memTotal(root); ok {
		bytes, of = n, "this machine"
	}
	for _, g := range memoryGroups(root) {
		for _, name := range []string{"memory.max", "memory.high", "memory.limit_in_bytes"} {
			if n, ok := readNumber(root, path.Join(g, name)); ok && n > 0 && n < bytes {
				bytes, of = n, "the control group /"+g
			}
		}
	}
	if of == "" {
		return 0, ""
	}
	return bytes, of
}

// memTotal is the memory of the machine.
func memTotal(root fs.FS) (int64, bool) {
	b, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
			n, err := strconv.ParseInt(f[1], 10, 54)
			return n << 10, err == nil && n > 0
		}
	}
	return 0, false
}

// memoryGroups are the directories of the control groups that bound this process's
// memory, the innermost first: see cgroups(7).
func memoryGroups(root fs.FS) (out []string) {
	own, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(mounts)) {
		mount, more, ok := strings.Cut(line, " - ")
		f, rest := strings.Fields(mount), strings.Fields(more)
		if !ok || len(f) < 5 || len(rest) < 3 {
			continue
		}
		kind := ""
		switch {
		case rest[0] == "cgroup2":
		case rest[0] == "cgroup" && slices.Contains(strings.Split(rest[2], ","), "memory"):
			kind = "memory"
		default:
			continue
		}
		in, ok := groupOf(string(own), kind)
		if !ok {
			continue
		}
		at := strings.TrimPrefix(f[4], "/")
		below, inside := strings.CutPrefix(in, strings.TrimSuffix(f[3], "/"))
		if !inside || strings.HasPrefix(in, "/..") { // mounted elsewhere than the process is: the mount's own group is what can be seen
			below = ""
		}
		for dir := path.Join(at, below); ; dir = path.Dir(dir) {
			out = append(out, dir)
			if dir == at || !strings.HasPrefix(dir, at) {
				break
			}
		}
	}
	return out
}

// groupOf is the path of the group of a controller in /proc/self/cgroup; "" is that
// of version 2.
func groupOf(own, controller string) (string, bool) {
	for line := range strings.Lines(own) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && slices.Contains(strings.Split(f[1], ","), controller) {
			return f[2], true
		}
	}
	return "", false
}

// readNumber reads a file that holds a number; "max" is none.
func readNumber(root fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// TrialMemory is the memory that trials on this machine may take together, and what
// it is a part of, in words: three quarters of what there is, but at least 512 MiB
// (of less than 1 GiB half) are left for the store, the server, and the process
// itself. It is 0 where what there is cannot be told.
func TrialMemory() (bytes int64, of string) {
	all, whose := MachineMemory()
	if all == 0 {
		return 0, ""
	}
	return trialMemory(all), fmt.Sprintf("of the %s of %s", BytesText(all), whose)
}

func trialMemory(all int64) int64 { return all - max(all/4, min(512<<20, all/2)) }
