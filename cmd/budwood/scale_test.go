package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/data"
	"budwood/study"
	"budwood/trials/store"
	"budwood/workflows"
)

var studies = flag.Int("studies", 20, "how many TestHundredStudies runs at once")

// crowd is a server with `budwood up`, and a client that submits to it.
type crowd struct {
	t   testing.TB
	dir string
	ctx context.Context
	c   client.Client
}

func newCrowd(t testing.TB, flags ...string) *crowd {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { killAll(t, dir) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	up, _, said := program(ctx, dir, append([]string{"up"}, flags...)...)
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- up.Wait() }()
	for { // the store is opened when the server answers
		if _, err := os.Stat(budwood.StoreFile(dir)); err == nil {
			break
		}
		select {
		case err := <-gone:
			t.Fatalf("budwood up ended: %v\n%s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s, err := devserver.Ensure(ctx, devserver.Options{Home: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c, err := workflows.Dial(ctx, client.Options{HostPort: s.Address, Namespace: s.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &crowd{t, dir, ctx, c}
}

// submit starts a study of a file.
func (c *crowd) submit(file string, change func(*study.Spec)) {
	c.t.Helper()
	spec, _, err := study.Load(c.ctx, file, &data.Cache{}, study.FileOptions{Override: change})
	if err == nil {
		_, err = workflows.Submit(c.ctx, c.c, spec, workflows.DefaultQueue)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// until looks at the studies again and again until done says so.
func (c *crowd) until(done func(map[string]store.Summary) bool) map[string]store.Summary {
	c.t.Helper()
	db, err := store.OpenReadOnly(budwood.StoreFile(c.dir))
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	for c.ctx.Err() == nil {
		list, err := db.Studies(c.ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		now := map[string]store.Summary{}
		for _, s := range list {
			now[s.Name] = s
		}
		if done(now) {
			return now
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatal("it takes too long")
	return nil
}

func ended(s store.Summary) (n int) {
	for state, k := range s.Trials {
		if state.Ended() {
			n += k
		}
	}
	return n
}

func over(n int) func(map[string]store.Summary) bool {
	return func(now map[string]store.Summary) bool {
		for _, s := range now {
			if s.State == store.StudyRunning {
				return false
			}
		}
		return len(now) == n
	}
}

const trivial = "../../examples/digits/trivial.yaml"

// Many studies at once: all end with all of their trials, and none waits until
// the others are done.
func TestHundredStudies(t *testing.T) {
	const each = 12
	c := newCrowd(t)
	for i := range *studies {
		c.submit(trivial, func(s *study.Spec) {
			s.Name = fmt.Sprintf("many-%02d", i)
			s.Search.Sampler, s.Search.Parallel, s.Budget.Trials = "tpe", 2, each
		})
	}
	began := time.Now()
	late := c.until(func(now map[string]store.Summary) bool {
		n := 0
		for _, s := range now {
			n += ended(s)
		}
		return n >= *studies*each*3/4
	})
	behind := each
	for _, s := range late {
		behind = min(behind, ended(s))
	}
	if len(late) != *studies || behind < each/10 {
		t.Errorf("at three quarters %d of %d studies have begun, the last one has %d of %d trials", len(late), *studies, behind, each)
	}
	all := c.until(over(*studies))
	for name, s := range all {
		if s.State != store.StudyCompleted || ended(s) != each || s.Test["test_accuracy"] == 0 {
			t.Errorf("%s: %s with %d trials: %s", name, s.State, ended(s), s.Reason)
		}
	}
	t.Logf("%d studies, %d trials: %.0f trials/s; at three quarters the last study had %d of %d", *studies, *studies*each, float64(*studies*each)/time.Since(began).Seconds(), behind, each)
	if *record {
		recordHistories(t, c.dir, "study/many-00")
	}
}

// sleepers writes a study whose trials are a program that sleeps.
func sleepers(t testing.TB, seconds float64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sleep.yaml")
	text := fmt.Sprintf(`name: sleep
objective: {metric: loss}
command: {args: [sh, -c, "sleep %g; echo 'budwood: {{\"epoch\": 1, \"loss\": 1}}'"]}
search: {sampler: random, scheduler: none, parallel: 4, warm_start: "off"}
budget: {trials: 24, epochs: 1}
space: [{name: x, float: [-5, 5]}]
`, seconds)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Three studies on one slot: the urgent one, which comes last, overtakes; the
// other two take turns although one has four times as many trials waiting.
func TestPriorities(t *testing.T) {
	c := newCrowd(t, "--cpu", "1", "--allow-commands")
	file := sleepers(t, .12)
	study := func(name string, parallel, priority, n int) {
		c.submit(file, func(s *study.Spec) {
			s.Name, s.Search.Parallel, s.Search.Priority, s.Budget.Trials = name, parallel, priority, n
		})
	}
	study("wide", 16, 0, 80)
	study("narrow", 4, 0, 80)
	c.until(func(now map[string]store.Summary) bool { return ended(now["wide"]) > 2 && ended(now["narrow"]) > 2 })
	study("urgent", 4, 1, 12)
	before := c.until(func(now map[string]store.Summary) bool { return ended(now["urgent"]) >= 1 })
	after := c.until(func(now map[string]store.Summary) bool { return ended(now["urgent"]) >= 11 })
	others := ended(after["wide"]) + ended(after["narrow"]) - ended(before["wide"]) - ended(before["narrow"])
	// From here on both have trials waiting all the time; what came before depends on
	// when the studies began.
	end := c.until(func(now map[string]store.Summary) bool {
		return ended(now["wide"])+ended(now["narrow"])-ended(after["wide"])-ended(after["narrow"]) >= 40
	})
	w, n := ended(end["wide"])-ended(after["wide"]), ended(end["narrow"])-ended(after["narrow"])
	t.Logf("while the urgent study ran 10 trials the others ran %d; of the next %d trials of the others %d are of the wide study, %d of the narrow one", others, w+n, w, n)
	if others > 4 { // 20 if all took turns, 50 if they stood in one line
		t.Errorf("%d trials of other studies ran beside 10 of the urgent one", others)
	}
	if 4*min(w, n) < 3*max(w, n) { // 4 times as many if they stood in one line
		t.Errorf("the wide study had %d trials, the narrow one %d: they do not take turns", w, n)
	}
}

// What studies of trials that train nothing come to, by the number of trials,
// one at a time and with more workers:
//
//	go test ./cmd/budwood -run XXX -bench Trials -benchtime 1x
func BenchmarkTrials(b *testing.B) {
	one := func(name string, n, parallel, batch int) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				throughput(b, trivial, n, parallel, batch, 0)
			}
		})
	}
	for _, n := range []int{100, 1000, 10000} {
		one(fmt.Sprintf("trials=%d", n), n, 8, 0)
	}
	one("one at a time", 200, 1, 0)
	one("a workflow each", 200, 8, 1)
	one("a workflow each, one at a time", 50, 1, 1)
}

// Trials of 0.25 s by worker processes with one slot each:
//
//	go test ./cmd/budwood -run XXX -bench Workers -benchtime 1x
func BenchmarkWorkers(b *testing.B) {
	for _, w := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("workers=%d", w), func(b *testing.B) {
			for b.Loop() {
				throughput(b, sleepers(b, .25), 16*w, 2*w, 0, w-1)
			}
		})
	}
}

func throughput(b *testing.B, file string, n, parallel, batch, workers int) {
	flags := []string{"--allow-commands"}
	if file != trivial {
		flags = append(flags, "--cpu", "1")
	}
	c := newCrowd(b, flags...)
	for range workers {
		w, _, _ := program(c.ctx, c.dir, append([]string{"worker"}, flags...)...)
		if err := w.Start(); err != nil {
			b.Fatal(err)
		}
		go func() { _ = w.Wait() }()
	}
	if workers > 0 {
		time.Sleep(2 * time.Second) // until they poll
	}
	name := ""
	c.submit(file, func(s *study.Spec) {
		s.Budget.Trials, s.Search.Parallel, s.Search.Batch = n, parallel, batch
		name = s.Name
	})
	s := c.until(over(1))[name]
	if s.State != store.StudyCompleted || ended(s) != n {
		b.Fatalf("%s with %d trials: %s", s.State, ended(s), s.Reason)
	}
	took := s.Ended.Sub(s.Created)
	b.ReportMetric(float64(n)/took.Seconds(), "trials/s")
	b.ReportMetric(took.Seconds()*1000/float64(n), "ms/trial")
	for _, word := range []string{"up", "serve"} {
		for _, pid := range (&chaos{dir: c.dir}).pids(word) {
			b.ReportMetric(memory(pid), "MB-"+word)
		}
	}
	runs, events, bytes := histories(c, workflows.StudyID(name))
	b.ReportMetric(float64(runs), "runs")
	b.ReportMetric(float64(events), "events/run")
	b.ReportMetric(float64(bytes)/1e6, "MB/run")
	b.ReportMetric(0, "ns/op") // it would be of the whole arrangement
}

// memory is a process's resident memory in MB.
func memory(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}

// histories are the number of runs of a workflow and the longest history of one.
func histories(c *crowd, id string) (runs int, events, bytes int64) {
	run := ""
	for {
		d, err := c.c.DescribeWorkflowExecution(c.ctx, id, run)
		if err != nil {
			c.t.Fatal(err)
		}
		info := d.WorkflowExecutionInfo
		runs++
		events, bytes = max(events, info.HistoryLength), max(bytes, info.HistorySizeBytes)
		first := info.FirstRunId
		if cmp.Or(run, info.Execution.RunId) == first {
			return runs, events, bytes
		}
		// The run before is the one whose end began this one.
		it := c.c.GetWorkflowHistory(c.ctx, id, info.Execution.RunId, false, 1)
		e, err := it.Next()
		if err != nil {
			c.t.Fatal(err)
		}
		run = e.GetWorkflowExecutionStartedEventAttributes().ContinuedExecutionRunId
	}
}
