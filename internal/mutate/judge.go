package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// test is one top-level test, example or fuzz target (with its seeds).
type test struct {
	*suite
	name    string
	wall    time.Duration // without a mutant
	cpu     time.Duration
	reaches []byte // by number of the mutant
}

// A mutant may use memory without end; so much ends it.
const memory = 3 << 30 // bytes

// late is the time after which a mutant counts as noticed, beside four times the
// processor time of its tests: on a busy machine a process may wait for long.
func late(wall time.Duration) time.Duration { return 30*time.Second + 10*wall }

// trace runs each test alone and notes which mutants it reaches.
func (b *bench) trace() error {
	some, err := regexp.Compile(b.run)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	most := 0
	for _, m := range b.mutants {
		most = max(most, m.id)
	}
	for _, s := range b.suites {
		out, err := b.command(s, "-test.list", ".").Output()
		if err != nil {
			return fmt.Errorf("tests of %s: %w", s.path, err)
		}
		// Rapid draws other values each time, and after a failure looks for smaller ones and writes a file.
		s.args = []string{"-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s"}
		if err := b.command(s, append([]string{"-test.run", "^$"}, s.args...)...).Run(); err != nil {
			s.args = nil
		}
		if b.short {
			s.args = append(s.args, "-test.short")
		}
		for name := range strings.FieldsSeq(string(out)) {
			if !strings.HasPrefix(name, "Benchmark") && some.MatchString(name) {
				b.tests = append(b.tests, &test{suite: s, name: name})
			}
		}
	}
	done := 0
	var failed sync.Mutex
	err = parallel(b.parallel, len(b.tests), func(i int) error {
		t := b.tests[i]
		file := filepath.Join(b.dir, fmt.Sprintf("reached%d", i))
		if err := os.WriteFile(file, make([]byte, most+1), 0o600); err != nil {
			return err
		}
		cmd := b.command(t.suite, append([]string{"-test.run", "^" + t.name + "$"}, t.args...)...)
		cmd.Env = append(cmd.Env, "MUTANTS_REACHED="+file)
		cmd.WaitDelay = 5 * time.Second // for what a test leaves running with its output
		start := time.Now()
		out, err := cmd.CombinedOutput()
		t.wall = time.Since(start)
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			failed.Lock()
			defer failed.Unlock()
			b.warn("%s of %s fails without any mutant and is left out:\n%s", t.name, t.path, out)
			b.tests[i] = nil
			return nil
		} else if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
			return err
		}
		t.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		failed.Lock()
		done++
		b.show.say("%d of %d tests: which mutants they reach", done, len(b.tests))
		failed.Unlock()
		t.reaches, err = os.ReadFile(file)
		return err
	})
	b.tests = slices.DeleteFunc(b.tests, func(t *test) bool { return t == nil })
	slices.SortStableFunc(b.tests, func(a, b *test) int { return cmp.Compare(a.wall, b.wall) })
	return err
}

// judge runs the tests with each mutant.
func (b *bench) judge() error {
	var mu sync.Mutex
	done, missed := 0, 0
	return parallel(b.parallel, len(b.mutants), func(i int) error {
		m := b.mutants[i]
		for _, t := range b.tests {
			if t.reaches[m.id] != 0 {
				m.tests = append(m.tests, t)
			}
		}
		for rest := m.tests; len(rest) > 0 && m.noticed == ""; {
			var err error
			n := batch(rest)
			if m.noticed, err = b.try(m, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		mu.Lock()
		defer mu.Unlock()
		if done++; m.noticed == "" {
			missed++
		}
		b.show.say("%d of %d mutants, %d not noticed", done, len(b.mutants), missed)
		return nil
	})
}

// batch is how many of the tests, the fastest first, run in the next process: those
// of one package that take no more than a second, or three times as long as the
// first.
func batch(tests []*test) int {
	n, wall := 0, time.Duration(0)
	for _, t := range tests {
		if wall += t.wall; n > 0 && (t.suite != tests[0].suite || wall > max(time.Second, 3*tests[0].wall)) {
			break
		}
		n++
	}
	return n
}

// try runs tests of one package with a mutant and says how they noticed it: "" if
// they pass.
func (b *bench) try(m *mutant, tests []*test) (string, error) {
	var names []string
	var wall, cpu time.Duration
	for _, t := range tests {
		names = append(names, regexp.QuoteMeta(t.name))
		wall += t.wall
		cpu += t.cpu
	}
	s := tests[0].suite
	ctx, cancel := context.WithTimeout(context.Background(), late(wall))
	defer cancel()
	cmd := b.command(s, append([]string{"-test.failfast", "-test.run", "^(" + strings.Join(names, "|") + ")$"}, s.args...)...)
	tmp, err := os.MkdirTemp(b.dir, "tmp")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd.Env = append(cmd.Env, fmt.Sprint("MUTANT=", m.id), fmt.Sprint("MUTANT_SECONDS=", math.Ceil(2+4*cpu.Seconds())), fmt.Sprint("MUTANT_BYTES=", memory), "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		return "", err
	}
	over := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	killed := !over()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left running
	switch exit := (*exec.ExitError)(nil); {
	case err == nil:
		return "", nil
	case killed:
		return "no end", nil
	case errors.As(err, &exit):
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signal() == syscall.SIGKILL { // by the limit of processor time
			return "no end", nil
		}
		return "failed", nil
	}
	return "", err
}

// command is a process of the tests of a package, with a group of processes of its own.
func (b *bench) command(s *suite, args ...string) *exec.Cmd {
	cmd := exec.Command(s.bin, args...)
	cmd.Dir = s.dir
	cmd.Env = os.Environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// parallel calls f for 0 to n-1, so many at a time, until one fails.
func parallel(width, n int, f func(i int) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	next := 0
	for range max(1, width) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := failed != nil
				mu.Unlock()
				if i >= n || stop {
					return
				}
				if err := f(i); err != nil {
					mu.Lock()
					failed = cmp.Or(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}
