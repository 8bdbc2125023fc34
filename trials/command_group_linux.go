package trials

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"budwood/trials/reap"
)

// processGroup is a command with everything it started.
type processGroup struct {
	id       int
	mark     string // a variable of its processes, also of those that have left the group
	release  func()
	mu       sync.Mutex
	cpu      time.Duration // the most that was seen
	resident int64
	seen     time.Time
}

// startGroup starts a command in a process group of its own, on so many
// processors (0: all), for so many bytes of memory (0: any). The group is killed
// if this process dies before it.
func startGroup(cmd *exec.Cmd, cpus int, mem int64) (*processGroup, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig and the processors are the thread's
	defer runtime.UnlockOSThread()
	mark := cmd.Env[slices.IndexFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, reap.Checkpoint) })]
	release := func() {}
	if cpus > 0 {
		var all unix.CPUSet
		if err := unix.SchedGetaffinity(0, &all); err != nil {
			return nil, fmt.Errorf("processors: %w", err)
		}
		var some unix.CPUSet
		some, release = processors.take(&all, cpus)
		if err := unix.SchedSetaffinity(0, &some); err != nil {
			release()
			return nil, fmt.Errorf("processors: %w", err)
		}
		defer unix.SchedSetaffinity(0, &all)
	}
	if err := cmd.Start(); err != nil {
		release()
		return nil, err
	}
	g := &processGroup{id: cmd.Process.Pid, mark: mark, release: sync.OnceFunc(release)}
	g.first()
	if mem > 0 {
		g.refuse(mem)
	}
	return g, nil
}

// refuse has the kernel give none of the processes more than twice the memory
// that the group may hold: one that asks for much at once fails by itself, before
// anybody could look at what it holds. What is only reserved counts as well, hence
// the factor; see RLIMIT_DATA in getrlimit(2).
func (g *processGroup) refuse(mem int64) {
	most := 2 * uint64(mem)
	_ = unix.Prlimit(g.id, unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}, nil) // a process that has ended already needs none
}

// first has the kernel kill the command, and what it starts, before the worker if
// there is no memory left: then one trial fails and not the worker is lost.
func (g *processGroup) first() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", g.id), []byte("500"), 0) // a process that has ended already needs none
}

// processors counts how many commands run on each processor.
var processors cpuLoad

type cpuLoad struct {
	mu   sync.Mutex
	used [1024]int
}

// take reserves the n least used of the allowed processors.
func (l *cpuLoad) take(allowed *unix.CPUSet, n int) (unix.CPUSet, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var set unix.CPUSet
	var lent []int
	for range min(n, allowed.Count()) {
		best := -1
		for c := range l.used {
			if allowed.IsSet(c) && !set.IsSet(c) && (best < 0 || l.used[c] < l.used[best]) {
				best = c
			}
		}
		set.Set(best)
		l.used[best]++
		lent = append(lent, best)
	}
	return set, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range lent {
			l.used[c]--
		}
	}
}

func (g *processGroup) terminate() { _ = unix.Kill(-g.id, unix.SIGTERM) }

// kill ends whatever is left of the group, and what has left it.
func (g *processGroup) kill() {
	g.refresh()
	_ = unix.Kill(-g.id, unix.SIGKILL)
	for n := 0; reap.Kill(g.mark) && n < 50; n++ {
		time.Sleep(2 * time.Millisecond)
	}
	g.release()
}

// refresh reads the group's processes, at most every 50 ms.
func (g *processGroup) refresh() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.seen) < 50*time.Millisecond {
		return
	}
	g.seen = time.Now()
	all, err := procfs.AllProcs()
	if err != nil {
		return
	}
	var ticks, pages int64
	for _, p := range all {
		if id, err := unix.Getpgid(p.PID); err != nil || id != g.id {
			continue
		}
		if s, err := p.Stat(); err == nil { // with the children that were waited for
			ticks += int64(s.UTime) + int64(s.STime) + int64(s.CUTime) + int64(s.CSTime)
			pages += int64(s.RSS)
		}
	}
	g.cpu = max(g.cpu, time.Duration(ticks)*time.Second/100) // USER_HZ is 100 on every Linux
	g.resident = pages * int64(unix.Getpagesize())
}

// ended takes the CPU time of the command itself, with what it has waited for: the
// kernel knows it to the end, when its processes cannot be looked at any more.
func (g *processGroup) ended(p *os.ProcessState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cpu = max(g.cpu, p.UserTime()+p.SystemTime())
}

// cpuTime is the CPU time of the group so far.
func (g *processGroup) cpuTime() time.Duration {
	g.refresh()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cpu
}

// memory is what the group holds in memory, in bytes.
func (g *processGroup) memory() int64 {
	g.refresh()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.resident
}
