package trials

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const noteSuffix, crashSuffix = ".trains", ".crash"

// note is what a worker process trains just now, in a file that it holds locked as
// long as it lives, and beside it the file that the runtime writes to if it crashes.
type note struct {
	file, crash *os.File

	mu      sync.Mutex
	content noteContent
	groups  []string  // see killFiles
	looked  time.Time // at memory and kills
	written string
	quit    chan struct{}
}

type noteContent struct {
	Worker string         `json:"worker"`
	Boot   string         `json:"boot"`   // of the machine
	Kills  kills          `json:"kills"`  // that the kernel had done for want of memory
	Held   int64          `json:"held"`   // bytes of memory, a moment ago
	Room   int64          `json:"room"`   // bytes that the process may have
	Trials map[string]int `json:"trials"` // key to the last epoch that is finished
}

// watchEvery is how often a process that trains notes the memory it holds.
const watchEvery = 100 * time.Millisecond

func newNote(dir, worker string) (n *note, err error) {
	n = &note{quit: make(chan struct{})}
	n.content = noteContent{Worker: worker, Boot: bootID(), Trials: map[string]int{}}
	n.content.Room, _ = MachineMemory()
	n.groups = killFiles()
	if n.file, err = os.CreateTemp(dir, fmt.Sprintf("%d-*%s", os.Getpid(), noteSuffix)); err != nil {
		return nil, err
	}
	if err := lockFile(n.file); err != nil {
		n.file.Close()
		return nil, err
	}
	if n.crash, err = os.Create(crashOf(n.file.Name())); err != nil {
		n.close()
		return nil, err
	}
	n.write()
	go n.watch()
	return n, nil
}

func crashOf(note string) string { return strings.TrimSuffix(note, noteSuffix) + crashSuffix }

func (n *note) path() string { return n.file.Name() }

func (n *note) close() error {
	close(n.quit)
	if n.crash != nil {
		n.crash.Close()
		_ = os.Remove(n.crash.Name())
	}
	_ = os.Remove(n.file.Name())
	return n.file.Close()
}

// set notes how far a trial is, drop that it is trained no more.
func (n *note) set(trial string, epoch int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, ok := n.content.Trials[trial]; ok && at == epoch {
		return
	}
	if len(n.content.Trials) == 0 { // what happened while nothing was trained is nobody's
		n.refresh()
	}
	n.content.Trials[trial] = epoch
	n.write()
}

func (n *note) drop(trial string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.content.Trials, trial)
	n.write()
}

// watch keeps what the note says of memory up to date while something is trained.
func (n *note) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-tick.C:
		}
		n.mu.Lock()
		if len(n.content.Trials) > 0 && n.refresh() {
			n.write()
		}
		n.mu.Unlock()
	}
}

// refresh notes what the process holds, and the kills that it has survived, unless it
// was done a moment ago. It reports whether there is something new.
func (n *note) refresh() bool {
	if time.Since(n.looked) < watchEvery/2 {
		return false
	}
	n.looked = time.Now()
	c := &n.content
	held, kills := heldMemory(), oomKills(n.groups)
	if held <= c.Held*9/8 && held >= c.Held*7/8 && kills.equal(c.Kills) {
		return false
	}
	c.Held, c.Kills = held, kills
	return true
}

// write rewrites the file, with spaces where the text is shorter than the one
// before. It is for evidence only: where nothing can be written there is none.
func (n *note) write() {
	b, err := json.Marshal(n.content)
	if err != nil {
		return
	}
	text := string(b)
	if fill := len(n.written) - len(text); fill > 0 {
		text += strings.Repeat(" ", fill)
	}
	if _, err := n.file.WriteAt([]byte(text), 0); err == nil {
		n.written = text
	}
}

// deadNote is the note of a process that has ended.
type deadNote struct {
	noteContent
	path, crash string // the words of its crash
}

// openDead opens a note if its process has ended and nobody else reads it.
func openDead(path string) (n *deadNote, release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	release = func() { f.Close() }
	if err := lockFile(f); err != nil {
		release()
		return nil, nil, err
	}
	if now, err := os.Stat(path); err != nil || !sameFile(f, now) { // somebody else was faster
		release()
		return nil, nil, os.ErrNotExist
	}
	n = &deadNote{path: path}
	b, err := os.ReadFile(path)
	if err == nil {
		_ = json.Unmarshal(b, &n.noteContent) // one that was not written to its end tells of nothing
	}
	if b, err := os.ReadFile(crashOf(path)); err == nil {
		n.crash = string(b)
	}
	return n, release, nil
}

func sameFile(f *os.File, as os.FileInfo) bool {
	st, err := f.Stat()
	return err == nil && os.SameFile(st, as)
}

func (n *deadNote) remove() {
	_ = os.Remove(crashOf(n.path))
	_ = os.Remove(n.path)
}

// memoryWord is part of every evidence that it was for want of memory.
const memoryWord = "out of memory"

// evidence says why the process ended, if that can be told and what it trained may
// have been the cause.
func (n *deadNote) evidence() string {
	if words := crashWords(n.crash); words != "" {
		return words
	}
	if n.Boot == "" || n.Boot != bootID() || len(n.Trials) == 0 {
		return ""
	}
	now := oomKills(slices.Collect(maps.Keys(n.Kills.Groups)))
	own := false // a group that the process was in has lost one
	for name, count := range n.Kills.Groups {
		later, ok := now.Groups[name]
		own = own || ok && later > count
	}
	if !own && !(now.All > n.Kills.All && n.Room > 0 && n.Held > n.Room/2) {
		return ""
	}
	return fmt.Sprintf("%s: the kernel killed it, which held %s of the %s that it may have when it was last seen", memoryWord, BytesText(n.Held), BytesText(n.Room))
}

// crashWords tell what a process crashed of by what the runtime wrote then: a panic
// by its own words; of a fatal error only the stack is there. Being told to quit is
// no crash.
func crashWords(crash string) string {
	crash = strings.TrimSpace(crash)
	what, rest, _ := strings.Cut(crash, "\n")
	switch {
	case what == "":
		return ""
	case strings.HasPrefix(what, "SIG") && !strings.HasPrefix(what, "SIGSEGV") && !strings.HasPrefix(what, "SIGBUS") && !strings.HasPrefix(what, "SIGFPE"):
		return ""
	case strings.HasPrefix(what, "goroutine "), strings.HasPrefix(what, "runtime stack:"):
		what, rest = "fatal error", crash
		for _, k := range []struct{ in, is string }{
			{"runtime.newstack(", "stack overflow"}, {"maps.fatal(", "concurrent use of a map"}, {"runtime.mallocgc", memoryWord}, {"runtime.sysMap", memoryWord},
		} {
			if strings.Contains(crash[:min(len(crash), 4000)], k.in) {
				what = "fatal error: " + k.is
				break
			}
		}
	}
	if len(what) > 500 {
		what = strings.ToValidUTF8(what[:500], "") + "…"
	}
	for line := range strings.Lines(rest) {
		at, isPlace := strings.CutPrefix(line, "\t")
		if !isPlace || strings.Contains(at, "/src/runtime/") || strings.Contains(at, "/src/internal/runtime/") {
			continue
		}
		at, _, _ = strings.Cut(strings.TrimSpace(at), " ")
		return fmt.Sprintf("%s (%s)", what, filepath.Join(filepath.Base(filepath.Dir(at)), filepath.Base(at)))
	}
	return what
}

// kills are the processes that the kernel has killed for want of memory: on the
// whole machine, and in the control groups around this process.
type kills struct {
	All    int64            `json:"all"`
	Groups map[string]int64 `json:"groups,omitempty"`
}

func (k kills) equal(o kills) bool { return k.All == o.All && maps.Equal(k.Groups, o.Groups) }
