package trials

import (
	"bytes"
	"crypto/rand"
	"os"
	"strconv"
	"time"
)

// newMark is a variable for the environment of one run of a command. What the
// command starts inherits it, also what leaves its process group and outlives its
// parents, as a daemon does; only what clears its environment has not got it.
func newMark() string { return "BUDWOOD_RUN=" + rand.Text() }

// killMarked kills the processes that carry a mark, until there are none: one may
// start another meanwhile.
func killMarked(mark string) {
	for range 50 {
		found := false
		for _, pid := range processes() {
			if !carries(pid, mark) {
				continue
			}
			p, err := os.FindProcess(pid) // by a descriptor: the process, not its number, is killed
			if err != nil {
				continue
			}
			if carries(pid, mark) {
				found = p.Kill() == nil || found
			}
			_ = p.Release()
		}
		if !found {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// processes lists the numbers of all processes.
func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var out []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// carries tells whether a process that runs has a variable in its environment.
func carries(pid int, mark string) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && bytes.Contains(append([]byte{0}, b...), []byte("\x00"+mark+"\x00"))
}
