package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"budwood/cmd/budwood/devserver"
	"budwood/search"
	"budwood/trials/store"
	"budwood/workflows"
)

const everyEpoch = `name: slow
command: {args: [sh, -c, 'for e in $(seq 1000); do echo "budwood: {{\"epoch\": $e, \"loss\": 0.$e}}"; sleep 0.2; done', "{x}"]}
objective: {metric: loss, goal: minimize}
search: {sampler: random, scheduler: none, parallel: 1}
budget: {trials: 1, epochs: 1000}
space: [{name: x, float: [0, 1]}]
`

// Epochs are seen while a trial is in the middle of its only segment.
func TestEpochsAreSeenLive(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "study.yaml")
	if err := os.WriteFile(file, []byte(everyEpoch), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := do(t, dir, "run", "--detach", "--allow-commands", file); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	s, ok := devserver.Running(dir)
	if !ok {
		t.Fatal("no server runs")
	}
	c, err := workflows.Dial(ctx, client.Options{HostPort: s.Address, Namespace: s.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var epochs []int
	for len(epochs) < 3 && ctx.Err() == nil {
		m := workflows.LastEpochs(ctx, c, nil, "slow", []int{0, 1})[0] // there is no t0001
		if n := len(epochs); m.Budget > 0 && (n == 0 || m.Budget > epochs[n-1]) {
			epochs = append(epochs, m.Budget)
			if m.Metrics["loss"] == 0 {
				t.Errorf("epoch %d: %v", m.Budget, m.Metrics)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(epochs) < 3 {
		t.Fatalf("epochs seen: %v", epochs)
	}
	if _, list := records(t, dir, "slow"); len(list) != 1 || len(list[0].Measurements) != 0 {
		t.Errorf("the store has %v, though the segment has not ended", list)
	}
	if out, errs, code := do(t, dir, "stop", "slow", "--now"); code != exitDone {
		t.Errorf("stop: exit code %d\n%s%s", code, out, errs)
	}
}

// A line of what happened has the state as a word of its own; the reason does not
// say it once more.
func TestStateIsSaidOnce(t *testing.T) {
	w := &watcher{study: store.Study{Objectives: []search.Objective{{Metric: "loss"}}}}
	got := w.changes(&search.Record{State: search.Running}, &search.Record{State: search.Infeasible, Reason: "infeasible: it takes 9 GiB"})
	if want := (event{0, "infeasible", "it takes 9 GiB"}); len(got) != 1 || got[0] != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
