package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/search"
)

// writeImages writes random images as IDX files, with labels 0 and 1.
func writeImages(t *testing.T, dir string, n, side int) {
	t.Helper()
	file := func(name string, values []byte, dims ...int) {
		b := bytes.NewBuffer([]byte{0, 0, 8, byte(len(dims))})
		for _, d := range dims {
			_ = binary.Write(b, binary.BigEndian, uint32(d))
		}
		b.Write(values)
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	x, y := make([]byte, n*side*side), make([]byte, n)
	for i := range x {
		x[i] = byte(i * i >> 3)
	}
	for i := range y {
		y[i] = byte(i % 2)
	}
	file("images", x, n, side, side)
	file("labels", y, n)
}

// Attention over the pixels of images of 96×96 takes gigabytes. Such networks are
// infeasible, with both numbers, and the study goes on with others; a study of
// nothing else says that it has no best, and is an error. plan knows it before.
func TestAttentionOnImages(t *testing.T) {
	dir, files := home(t), t.TempDir()
	writeImages(t, files, 64, 96)
	study := func(name, ops string) string {
		path := filepath.Join(files, name+".yaml")
		text := fmt.Sprintf(`name: %s
data: {idx: {images: images, labels: labels}, split: {valid: 0.25, test: 0.25, seed: 1}}
objective: {metric: valid_loss}
search: {sampler: random, seed: 1, parallel: 2, warm_start: "off"}
budget: {trials: 6, epochs: 1}
architecture: {family: cnn, stages: [1, 1], depth: [1, 1], channels: [8, 16], ops: [%s, maxpool, relu], limits: {params: 100000}}
resources: {mem: 512MiB}
`, name, ops)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mixed, only := study("mixed", "conv, attention"), study("only", "attention")
	out, progress, code := do(t, dir, "plan", mixed)
	if code != exitDone {
		t.Fatalf("plan: exit code %d\n%s", code, progress)
	}
	wantLine(t, out, "of them above 512 MiB, and infeasible: resources.mem of the study")

	out, progress, code = do(t, dir, "run", mixed)
	if code != exitDone {
		t.Errorf("exit code %d\n%s%s", code, out, progress)
	}
	wantLine(t, out, "best    t0")
	_, list := records(t, dir, "mixed")
	infeasible := 0
	for _, r := range list {
		if r.State != search.Infeasible {
			continue
		}
		infeasible++
		wantLine(t, r.Reason, "training it takes ", " GiB of memory (network with batches of 32 rows", "a trial here has 512 MiB (resources.mem of the study)", "give trials more")
	}
	if infeasible == 0 || infeasible == len(list) {
		t.Errorf("%d of %d trials are infeasible", infeasible, len(list))
	}

	for _, command := range [][]string{{"run", only}, {"watch", "only"}, {"run", only}, {"best", "only"}} {
		out, progress, code = do(t, dir, command...)
		if code != exitFailed {
			t.Errorf("%v: exit code %d\n%s%s", command, code, out, progress)
		}
		if command[0] != "best" {
			wantLine(t, out, "best    none: no trial has a value")
			wantLine(t, progress, "budwood: study only ended without a best trial: none of 6 trials has a value; the last one is infeasible: training it takes ")
		}
	}
	out, _, code = do(t, dir, "doctor")
	wantLine(t, out, "for a trial: ", "study only: 6 trials of 6 needed more than a worker had, and were not trained")
	if code != exitDone {
		t.Errorf("doctor: exit code %d\n%s", code, out)
	}
}

// eaten is what the program below has taken of the memory.
var eaten [][]byte

// doomedStudy is a program with an objective in Go. One of its candidates takes all
// memory, one panics where nobody can recover.
func doomedStudy() int {
	x := search.Int("x", 0, 5)
	study := budwood.Study{Name: "doomed", Space: search.Space{x}, Sampler: "grid", Scheduler: "none", Trials: 6, Epochs: 4, Parallel: 2, WarmStart: "off"}
	_, err := study.Run(context.Background(), func(_ context.Context, t *budwood.Trial) error {
		for epoch := range t.Epochs() {
			time.Sleep(20 * time.Millisecond)
			switch {
			case epoch == 2 && x.In(t) == 1:
				for {
					b := make([]byte, 16<<20)
					for i := 0; i < len(b); i += 4096 {
						b[i] = 1
					}
					eaten = append(eaten, b)
				}
			case epoch == 2 && x.In(t) == 2:
				go func() { panic("nobody catches this") }()
				time.Sleep(time.Minute)
			}
			t.Report(float64(x.In(t)))
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return exitFailed
	}
	return exitDone
}

// memoryGroup makes a control group with so much memory, of version 1 or 2, or
// skips the test where that is not allowed.
func memoryGroup(t *testing.T, bytes int) string {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} {
		dir := filepath.Join(root, fmt.Sprintf("budwood-cmd-test-%d", os.Getpid()))
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

// A program that the kernel kills because a trial takes all memory, and that another
// trial crashes, is started again whenever it ends, as its user would: each of the
// two fails after two losses with the reason, the others are trained, and the study
// ends well.
func TestWorkerKilledByMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	dir, group := home(t), memoryGroup(t, 400<<20)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up", "--cpu", "1")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	var server devserver.Info
	for ok := false; !ok; server, ok = devserver.Running(dir) {
		if ctx.Err() != nil {
			t.Fatalf("up does not start a server:\n%s", said)
		}
		time.Sleep(50 * time.Millisecond)
	}
	own := t.TempDir() // of the program
	t.Cleanup(func() { killAll(t, own) })
	losses := 0
	for {
		cmd := exec.CommandContext(ctx, "sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$1"`, group, os.Args[0])
		cmd.Env = append(os.Environ(), "BUDWOOD_TEST_PROGRAM=doomed", "BUDWOOD_HOME="+own, "TEMPORAL_ADDRESS="+server.Address)
		out, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		if ctx.Err() != nil || losses > 8 {
			t.Fatalf("the study does not end: %v\n%s", err, out)
		}
		losses++
	}
	_, list := records(t, own, "doomed")
	if len(list) != 6 {
		t.Fatalf("%d trials", len(list))
	}
	for _, r := range list {
		want, why := search.Completed, "trained to the full budget"
		switch fmt.Sprint(r.Params["x"]) {
		case "1":
			want, why = search.Failed, "it ends its worker: 2 workers ended while they trained it, the last one had nothing else to train: out of memory: the kernel killed it"
		case "2":
			want, why = search.Failed, "panic: nobody catches this (budwood/memory_test.go:"
		}
		if r.State != want || !strings.Contains(r.Reason, why) {
			t.Errorf("%s, x = %v, is %s: %s", r.Name(), r.Params["x"], r.State, r.Reason)
		}
	}
	t.Logf("%d workers were lost", losses)
	if losses < 3 || losses > 5 {
		t.Errorf("%d workers were lost, want two for each of two trials, of which the first may be the same", losses)
	}
	out, _, code := do(t, own, "doctor")
	wantLine(t, out, "BAD  memory      t0", "of study doomed: ", "BAD  workers     t0")
	if code != exitFailed {
		t.Errorf("doctor: exit code %d", code)
	}
}
