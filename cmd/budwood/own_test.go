package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"budwood"
	"budwood/search"
	"budwood/trials/store"
)

// sweep is a sampler of a user's own: it notes each trial that it is asked for in a
// file. When it is asked for the fourth one, the program is killed the first time,
// and the sampler panics the second time.
type sweep struct{ file string }

func (s sweep) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	f, err := os.OpenFile(s.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, search.TrialName(req.First)); err != nil || req.First != 3 {
		return []search.Params{{"x": float64(req.First) / 10}}, err
	}
	asked, err := os.ReadFile(s.file)
	switch strings.Count(string(asked), "t0003") {
	case 1:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case 2:
		panic("the second time")
	}
	return []search.Params{{"x": .3}}, err
}

func ownSampler() int {
	_ = os.Setenv("BUDWOOD_TEST_PROGRAM", "1") // for the budwood on its PATH
	x := search.Float("x", 0, 1)
	study := budwood.Study{Name: "swept", Space: search.Space{x}, Sampler: sweep{os.Getenv("BUDWOOD_TEST_ASKED")}, Trials: 6, Epochs: 3, Parallel: 1}
	res, err := study.Run(context.Background(), func(_ context.Context, t *budwood.Trial) error {
		for range t.Epochs() {
			t.Report(x.In(t))
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	fmt.Println(res)
	return exitDone
}

// A study with a sampler in Go goes on after its program was killed in a proposal,
// and after a panic of the sampler, which is one line; what was proposed before is
// not asked for again.
func TestOwnSamplerGoesOn(t *testing.T) {
	t.Parallel()
	g := newGone(t, "ls")
	_ = g.cmd.Wait()
	asked := filepath.Join(t.TempDir(), "asked")
	run := func() (said string, code int) {
		g.cmd, _, g.said = program(t.Context(), g.dir)
		g.cmd.Path = g.bin
		g.cmd.Env = append(g.cmd.Env, "BUDWOOD_TEST_PROGRAM=sampler", "BUDWOOD_TEST_ASKED="+asked, "TMPDIR="+g.tmp, "PATH="+filepath.Dir(g.bin)+":"+os.Getenv("PATH"))
		_ = g.cmd.Run()
		return strings.TrimSpace(g.said.String()), g.cmd.ProcessState.ExitCode()
	}
	if said, code := run(); code != -1 {
		t.Fatalf("exit code %d: it should be killed\n%s", code, said)
	}
	want := `study "swept": propose trial t0003: main.sweep: it panicked at own_test.go:`
	if said, code := run(); code != exitFailed || !strings.HasPrefix(said, want) || strings.Contains(said, "\n") {
		t.Fatalf("exit code %d, it says %q, want %q", code, said, want)
	}
	if said, code := run(); code != exitDone {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	b, err := os.ReadFile(asked)
	if want := []string{"t0000", "t0001", "t0002", "t0003", "t0003", "t0003", "t0004", "t0005"}; err != nil || !slices.Equal(strings.Fields(string(b)), want) {
		t.Errorf("asked for %q, %v, want %v", b, err, want)
	}
	st, list := records(t, g.dir, "swept")
	if st.State != store.StudyCompleted || len(list) != 6 {
		t.Errorf("%s with %d trials", st.State, len(list))
	}
	for i, r := range list {
		if r.Source != "main.sweep" || r.Params["x"] != float64(i)/10 {
			t.Errorf("%s is %v by %s", r.Name(), r.Params, r.Source)
		}
	}
}
