package main

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
	"budwood/trials/store"
)

var (
	chaosKills  = flag.Int("chaos.kills", 8, "faults in the chaos test")
	chaosTrials = flag.Int("chaos.trials", 0, "trials of the study in the chaos test; 0: as many as few faults need, 600 outlast a hundred")
	chaosSeed   = flag.Uint64("chaos.seed", 7, "of the chaos test's faults")
)

// chaosTrainer is the training program of the chaos test: an epoch takes 30 ms,
// and every one leaves a line in a log, so that what was trained twice can be
// counted. Its loss is a function of x and the epoch.
func chaosTrainer() int {
	log, err := os.OpenFile(os.Getenv("CHAOS_LOG"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 1
	}
	b, err := os.ReadFile(os.Getenv("BUDWOOD_PARAMS"))
	var p struct{ X float64 }
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return 1
	}
	state := filepath.Join(os.Getenv("BUDWOOD_CHECKPOINT"), "epoch")
	epoch, total := 0, 0
	if b, err := os.ReadFile(state); err == nil {
		fmt.Sscan(string(b), &epoch)
	}
	fmt.Sscan(os.Getenv("BUDWOOD_EPOCHS"), &total)
	report, answers := os.NewFile(3, "report"), bufio.NewScanner(os.NewFile(4, "answers"))
	for epoch < total {
		time.Sleep(30 * time.Millisecond)
		epoch++
		fmt.Fprintf(log, "%s %d\n", os.Getenv("BUDWOOD_TRIAL"), epoch)
		if os.WriteFile(state+".new", fmt.Append(nil, epoch), 0o644) != nil || os.Rename(state+".new", state) != nil {
			return 1
		}
		fmt.Fprintf(report, `{"epoch": %d, "loss": %v, "checkpoint": true}`+"\n", epoch, (p.X-1)*(p.X-1)+1/float64(epoch))
		if !answers.Scan() || strings.Contains(answers.Text(), "stop") {
			return 0
		}
	}
	return 0
}

// fault is one way in which machines fail.
type fault struct {
	name string
	do   func(*chaos)
}

type chaos struct {
	t        *testing.T
	dir, log string
	tmpfs    bool
	r        *rand.Rand
	kept     int // checkpoints that an ended study keeps, beside those of the best trials that would go on
}

// pids are the processes of one kind: of the state directory, with a word in
// their arguments.
func (c *chaos) pids(word string) (out []int) {
	for _, pid := range processes(c.dir) {
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && slices.Contains(strings.Split(string(args), "\x00"), word) {
			out = append(out, pid)
		}
	}
	return out
}

func (c *chaos) kill(words ...string) {
	for _, w := range words {
		for _, pid := range c.pids(w) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

const immutable = 0x10 // FS_IMMUTABLE_FL of linux/fs.h

// freeze makes the files of the store immutable, or mutable again: root, as which
// tests may run, heeds no permissions.
func (c *chaos) freeze(on bool) (done bool) {
	for _, name := range []string{"budwood.db", "budwood.db-wal", "budwood.db-shm"} {
		f, err := os.Open(filepath.Join(c.dir, name))
		if err != nil {
			continue
		}
		flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
		flags &^= immutable
		if on {
			flags |= immutable
		}
		if err == nil && unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags) == nil {
			done = true
		}
		f.Close()
	}
	return done
}

var faults = []fault{
	{"kill the workers and the store", func(c *chaos) { c.kill(serviceCommand) }},
	{"kill the Temporal server", func(c *chaos) { c.kill("serve") }},
	{"kill the command", func(c *chaos) { c.kill("run") }},
	{"kill everything", func(c *chaos) { killAll(c.t, c.dir) }},
	{"stop the workers beyond the heartbeat", func(c *chaos) {
		pids := c.pids(serviceCommand)
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
		time.Sleep(7 * time.Second)
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}},
	{"the store is read-only, for its next process too", func(c *chaos) {
		if !c.freeze(true) {
			return
		}
		time.Sleep(1500 * time.Millisecond)
		c.kill(serviceCommand)
		time.Sleep(1500 * time.Millisecond)
		c.freeze(false)
	}},
	{"the store cannot be written", func(c *chaos) {
		db, err := sql.Open("sqlite3", "file:"+filepath.Join(c.dir, "budwood.db")+"?_txlock=exclusive&_busy_timeout=5000")
		if err != nil {
			return
		}
		defer db.Close()
		tx, err := db.Begin()
		if err != nil {
			return
		}
		time.Sleep(3 * time.Second)
		_ = tx.Rollback()
	}},
	{"the disk is full", func(c *chaos) {
		if !c.tmpfs {
			return
		}
		f, err := os.Create(filepath.Join(c.dir, "filler"))
		if err != nil {
			return
		}
		block := make([]byte, 1<<20)
		for err == nil {
			_, err = f.Write(block)
		}
		f.Close()
		time.Sleep(2 * time.Second)
		_ = os.Remove(f.Name())
	}},
}

// trained counts how often each epoch of each trial was trained.
func (c *chaos) trained() map[string]int {
	out := map[string]int{}
	b, _ := os.ReadFile(c.log)
	for line := range strings.Lines(string(b)) {
		out[strings.TrimSpace(line)]++
	}
	return out
}

func (c *chaos) repeated() (n int) {
	for _, k := range c.trained() {
		n += k - 1
	}
	return n
}

const chaosMount = "budwood-chaos-" // and the id of the process that has mounted it

// unmountLeft unmounts what tests that were killed have left mounted.
func unmountLeft() {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if pid, ours := strings.CutPrefix(f[0], chaosMount); ours && !exists("/proc/"+pid) {
			_ = syscall.Unmount(f[1], syscall.MNT_DETACH)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newChaos is a state directory that can be filled.
func newChaos(t *testing.T) *chaos {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	c := &chaos{t: t, dir: t.TempDir(), log: filepath.Join(t.TempDir(), "log"), r: rand.New(rand.NewPCG(*chaosSeed, 1)), kept: 1}
	unmountLeft()
	if err := syscall.Mount(fmt.Sprint(chaosMount, os.Getpid()), c.dir, "tmpfs", 0, "size=400m"); err == nil {
		c.tmpfs = true
		t.Cleanup(func() { _ = syscall.Unmount(c.dir, syscall.MNT_DETACH) })
	} else {
		t.Log("no tmpfs may be mounted here: the disk does not fill:", err)
	}
	t.Cleanup(func() { c.freeze(false); killAll(t, c.dir) })
	return c
}

// study runs a study with so many faults, and the command again whenever it ends
// before the study, as its user would. Faults are first pause after the beginning
// and each other, at random up to twice as long. It returns how often each came,
// and how many epochs were trained again after each.
func (c *chaos) study(name, text string, kills int, pause time.Duration) (file string, counts, repeats map[string]int) {
	file = filepath.Join(c.t.TempDir(), name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(3+kills)*time.Minute)
	defer cancel()
	counts, repeats = map[string]int{}, map[string]int{}
	running := make(chan error, 1)
	var said fmt.Stringer
	start := func() {
		cmd, _, errs := program(ctx, c.dir, "run", "--allow-commands", "--allow-outside", file)
		said = errs
		if err := cmd.Start(); err != nil {
			c.t.Fatal(err)
		}
		go func() { running <- cmd.Wait() }()
	}
	start()
	before := 0
	var order []int
	for k := 0; ; {
		wait := pause + time.Duration(c.r.Int64N(int64(pause)))
		if k == kills {
			wait = time.Hour
		}
		select {
		case err := <-running:
			if ctx.Err() != nil {
				c.t.Fatalf("the study does not end: %v\n%s", err, said)
			}
			if studyNow(c.dir, name).State == store.StudyCompleted {
				if k < kills {
					c.t.Logf("the study ended after %d of %d faults", k, kills)
				}
				return file, counts, repeats
			}
			time.Sleep(100 * time.Millisecond)
			start()
		case <-time.After(wait):
			if len(order) == 0 {
				order = c.r.Perm(len(faults))
			}
			f := faults[order[0]]
			order = order[1:]
			f.do(c)
			counts[f.name]++
			k++
			time.Sleep(500 * time.Millisecond)
			now := c.repeated()
			repeats[f.name] += now - before
			before = now
		}
	}
}

// same holds the study to an undisturbed one.
func (c *chaos) same(name, file string, n int) []search.Record {
	calm := home(c.t)
	if out, errs, code := doFor(c.t, 10*time.Minute, calm, "run", "--allow-commands", "--allow-outside", file); code != exitDone {
		c.t.Fatalf("undisturbed: exit code %d\n%s%s", code, out, errs)
	}
	return c.sameAs(calm, name, n)
}

// sameAs holds the study to what an undisturbed one has in its own directory: every
// trial once, with the same params, measurements, states and reasons; a whole store;
// no process left.
func (c *chaos) sameAs(calm, name string, n int) []search.Record {
	t := c.t
	st, got := records(t, c.dir, name)
	if st.State != store.StudyCompleted || len(got) != n {
		t.Fatalf("%s with %d trials, want %d", st.State, len(got), n)
	}
	_, want := records(t, calm, name)
	for i := range want {
		stripEnergy(&want[i])
		stripEnergy(&got[i])
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-undisturbed +through faults) %s", diff)
	}
	store, err := store.OpenReadOnly(filepath.Join(c.dir, "budwood.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if damage, err := store.Check(context.Background()); err != nil || len(damage) > 0 {
		t.Errorf("the store is damaged: %v, %v", damage, err)
	}
	var blobs []string
	_ = filepath.WalkDir(filepath.Join(c.dir, "blobs", "studies"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			blobs = append(blobs, path)
		}
		return nil
	})
	goOn := 0
	for i := range got {
		if got[i].State == search.Stopped {
			goOn++
		}
	}
	if len(blobs) > c.kept+min(goOn, 10) {
		t.Errorf("checkpoints are left: %v", blobs)
	}
	for stop := time.Now().Add(20 * time.Second); len(processes(c.dir)) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Errorf("processes %v are left", processes(c.dir))
			break
		}
	}
	return got
}

// A study through faults at random moments ends with exactly what an undisturbed
// one has; every epoch and all energy counted once.
func TestChaos(t *testing.T) {
	t.Parallel() // it waits, most of the time
	c := newChaos(t)
	n := cmp.Or(*chaosTrials, 8+*chaosKills*2)
	file, counts, repeats := c.study("chaos", fmt.Sprintf(`name: chaos
objective: {metric: loss}
command: {args: [%q], env: {BUDWOOD_TEST_PROGRAM: chaos, CHAOS_LOG: %q}, grace: 1s}
search: {sampler: tpe, scheduler: hyperband, seed: 3, parallel: 1, warm_start: "off"}
budget: {trials: %d, epochs: 27}
space: [{name: x, float: [-5, 5]}]
`, os.Args[0], c.log, n), *chaosKills, 1500*time.Millisecond)
	again := c.repeated()
	for _, f := range faults {
		t.Logf("%-50s %3d times, %3d epochs trained again", f.name, counts[f.name], repeats[f.name])
	}
	got := c.same("chaos", file, n)
	store, err := store.OpenReadOnly(filepath.Join(c.dir, "budwood.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	recorded := 0
	for _, r := range got {
		curve, err := store.Curve(t.Context(), "chaos", r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range curve {
			if m.Budget != i+1 {
				t.Errorf("%s: epoch %d stands at place %d", r.Name(), m.Budget, i+1)
			}
		}
		recorded += len(curve)
	}
	// An epoch takes 30 ms and a checkpoint is written at least every second.
	crashes := 0
	for _, f := range faults[:6] {
		crashes += counts[f.name]
	}
	t.Logf("%d epochs recorded, %d trained again", recorded, again)
	if limit := 40 * (crashes + 1); again > limit {
		t.Errorf("%d epochs were trained again after %d faults, want at most a second's worth each", again, crashes)
	}
}

// Brief trials have no workflows of their own and share activities, many to each:
// they are as safe.
func TestChaosOfBriefTrials(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	data, err := filepath.Abs("../../examples/digits/digits.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	n := cmp.Or(*chaosTrials, *chaosKills*1000)
	file, counts, _ := c.study("brief", fmt.Sprintf(`name: brief
data: {csv: %q, target: digit, rows: 200, split: {valid: 0.2, test: 0.2, seed: 7}}
objective: {metric: valid_accuracy, goal: maximize}
search: {sampler: random, scheduler: none, seed: 7, parallel: 4, warm_start: "off"}
budget: {trials: %d, epochs: 2}
train: {layers: 0}
space: [{name: lr, float: [0.0003, 0.03], log: true}]
`, data, n), *chaosKills, 700*time.Millisecond)
	for _, f := range faults {
		t.Logf("%-50s %3d times", f.name, counts[f.name])
	}
	for _, r := range c.same("brief", file, n) {
		if m := r.Measurements; r.State != search.Completed || len(m) != 1 || m[0].Budget != 2 {
			t.Fatalf("%s is %s with %v", r.Name(), r.State, m)
		}
	}
}

// stripEnergy takes out what differs between two runs of the same decisions.
func stripEnergy(r *search.Record) {
	r.Joules, r.Seconds = 0, 0
	if r.Notes = slices.DeleteFunc(r.Notes, segment.Measured); len(r.Notes) == 0 {
		r.Notes = nil
	}
	for _, m := range r.Measurements {
		delete(m.Metrics, trials.EnergyWh)
	}
}
