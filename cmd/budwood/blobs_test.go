package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/cmd/budwood/s3/s3test"
)

const farDataStudy = `
name: far-data
data: {csv: digits.csv.gz, target: digit, split: {valid: 0.2, test: 0.2}}
resources: {tags: [far]}
search: {sampler: random}
budget: {trials: 3, epochs: 1}
space:
  - {name: lr, float: [0.001, 0.1], log: true}
`

const farStudy = `
name: far
objective: {metric: loss}
command: {args: [sh, train.sh, "{epochs}"], grace: 1s}
resources: {tags: [far]}
search: {sampler: random, scheduler: none, seed: 7, parallel: 2}
budget: {trials: 4, epochs: 15}
space:
  - {name: x, float: [0, 1]}
`

// An epoch, its trial and who trained it are lines of the file trace.
const farScript = `
n=$(cat "$BUDWOOD_CHECKPOINT/n" 2>/dev/null || echo 0)
while [ "$n" -lt "$1" ]; do
	n=$((n + 1))
	sleep 0.2
	echo "$BUDWOOD_TRIAL $n $BUDWOOD_HOME" >>trace
	echo "$n" >"$BUDWOOD_CHECKPOINT/n"
	echo "budwood: {\"epoch\": $n, \"loss\": 1, \"checkpoint\": true}"
	read -r answer <&4
done
`

// Two workers that share nothing but Temporal's address and the URL of a bucket:
// one is killed, and the other goes on with its trials from their checkpoints.
func TestWorkersShareBucket(t *testing.T) {
	server := s3test.Start(t, "bucket")
	server.Setenv()
	t.Setenv("BUDWOOD_BLOBS", "s3://bucket/ckpt?region=us-east-1&endpoint="+server.Endpoint)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dir, study := home(t), t.TempDir()
	for name, text := range map[string]string{"study.yaml": farStudy, "train.sh": farScript} {
		if err := os.WriteFile(filepath.Join(study, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	up, _, said := program(ctx, dir, "up")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	defer up.Process.Kill()
	for ctx.Err() == nil { // until it has begun to serve studies
		if _, err := os.Stat(budwood.StoreFile(dir)); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	info, _ := devserver.Running(dir)
	// No worker can take its trials yet, and its data is gone when one can.
	table := filepath.Join(study, "digits.csv.gz")
	packed, err := os.ReadFile("../../examples/digits/digits.csv.gz")
	if err == nil {
		err = os.WriteFile(table, packed, 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(study, "data.yaml"), []byte(farDataStudy), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, errs, code := do(t, dir, "run", "--blobs", t.TempDir(), "--detach", filepath.Join(study, "data.yaml")); code != exitUsage || !strings.Contains(errs, "keep checkpoints and data in s3://bucket/ckpt") {
		t.Errorf("with blobs where the workers do not look: exit code %d: %s", code, errs)
	}
	submit, _, errs := program(ctx, dir, "run", "--detach", filepath.Join(study, "data.yaml"))
	if err := submit.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if err := os.Remove(table); err != nil {
		t.Fatal(err)
	}
	var homes []string
	var first *os.Process
	for range 2 {
		h := home(t)
		w, _, _ := program(ctx, h, "worker", "--tags", "far", "--cpu", "1", "--allow-commands")
		w.Env = append(w.Env, "TEMPORAL_ADDRESS="+info.Address)
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = w.Wait() }()
		if homes = append(homes, h); first == nil {
			first = w.Process
		}
	}
	run, out, errs := program(ctx, dir, "run", "--allow-commands", filepath.Join(study, "study.yaml"))
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	trace := func() []string {
		b, _ := os.ReadFile(filepath.Join(study, "trace"))
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	// The first worker dies when it has trained a trial past a checkpoint.
	mine := func() (n int) {
		for _, line := range trace() {
			if strings.HasSuffix(line, homes[0]) {
				n++
			}
		}
		return n
	}
	for mine() < 8 && len(ended) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	_ = first.Kill()
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s%s%s", err, out, errs, said)
	}
	wantLine(t, out.String(), "study   far: completed", "4 trials")

	done, by := map[string]int{}, map[string]string{} // of each trial: its last epoch, and by whom
	resumed := 0
	for _, line := range trace() {
		var trial, who string
		var n int
		if _, err := fmt.Sscan(line, &trial, &n, &who); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if back := done[trial] + 1 - n; back > 6 { // checkpoints are written every second, and epochs take 0.2 s
			t.Errorf("%s was trained again from epoch %d, having reached %d", trial, n, done[trial])
		}
		if by[trial] != "" && by[trial] != who && n > 1 {
			resumed++
		}
		done[trial], by[trial] = n, who
	}
	if resumed == 0 {
		t.Errorf("no trial went on with the other worker from its checkpoint:\n%s", strings.Join(trace(), "\n"))
	}
	for _, h := range append(homes, dir) {
		if list, _ := filepath.Glob(filepath.Join(h, "blobs", "*")); len(list) > 0 {
			t.Errorf("checkpoints are in a directory: %v", list)
		}
	}
	if list, _ := filepath.Glob(filepath.Join(server.Root, "bucket/ckpt/studies/far/*/*")); len(list) != 1 {
		t.Errorf("the bucket holds %v after the study, want the best trial's checkpoint", list)
	}
	if out, errs, _ := do(t, dir, "doctor"); !strings.Contains(out, "MiB of data in s3://bucket/ckpt") {
		t.Errorf("doctor says\n%s%s", out, errs)
	}
	if out, errs, _ := do(t, dir, "watch", "far-data"); !strings.Contains(out, "far-data: completed") {
		t.Errorf("the study whose file is gone: %s%s", out, errs)
	}
	if list, _ := filepath.Glob(filepath.Join(homes[1], "data", "*")); len(list) != 1 {
		t.Errorf("the worker fetched %v", list)
	}
	if out, errs, code := do(t, dir, "export", "far-data", "-f", filepath.Join(study, "net.onnx")); code != exitDone {
		t.Errorf("export: %s%s", out, errs)
	}
	if _, errs, code := do(t, dir, "rm", "far-data"); code != exitDone {
		t.Errorf("rm: %s", errs)
	}
	if list, _ := filepath.Glob(filepath.Join(server.Root, "bucket/ckpt/data/*")); len(list) > 0 {
		t.Errorf("a deleted study leaves %v", list)
	}
	if _, errs, code := do(t, dir, "rm", "far"); code != exitDone {
		t.Errorf("rm: %s", errs)
	}
	if list, _ := filepath.Glob(filepath.Join(server.Root, "bucket/ckpt/*/far/*")); len(list) > 0 {
		t.Errorf("a deleted study leaves %v", list)
	}
	t.Setenv("BUDWOOD_BLOBS", "s3://nowhere?endpoint="+server.Endpoint)
	if _, errs, code := do(t, home(t), "worker"); code != exitFailed || strings.Count(errs, "\n") != 1 {
		t.Errorf("without a bucket, exit code %d: %s", code, errs)
	}
	t.Setenv("BUDWOOD_BLOBS", "gs://bucket")
	if _, errs, code := do(t, home(t), "worker"); code != exitUsage || strings.Count(errs, "\n") != 1 {
		t.Errorf("with an unknown scheme, exit code %d: %s", code, errs)
	}
}
