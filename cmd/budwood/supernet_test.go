package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/store"
)

// kill -9 of the workers while they train the weights that all candidates share, and
// once more while candidates are evaluated with them: the study ends as an undisturbed one.
func TestSupernetKilled(t *testing.T) {
	t.Parallel() // it waits, most of the time
	c := newChaos(t)
	data, err := filepath.Abs("../../examples/digits/digits.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "oneshot.yaml")
	const n = 20
	text := fmt.Sprintf(`name: oneshot
data: {csv: %q, target: digit, split: {valid: 0.2, test: 0.2, seed: 7}}
objective: {metric: valid_accuracy, goal: maximize}
architecture: {family: mlp, depth: [1, 3], width: [16, 64]}
search: {supernet: fair, seed: 5, parallel: 1, warm_start: "off"}
budget: {trials: %d, epochs: 400}
retrain: {best: 1, epochs: 3}
`, data, n)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd, out, errs := program(ctx, c.dir, "run", "--allow-outside", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	calm := home(t)
	undisturbed, calmOut, calmErrs := program(ctx, calm, "run", "--allow-outside", file)
	await := func(what string, there func() bool) {
		t.Helper()
		for ; !there(); time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("%s: never\n%s%s", what, out, errs)
			}
		}
	}
	bank := filepath.Join(c.dir, "blobs", trials.TrialKey("oneshot", trials.SupernetTrial), "*")
	await("a checkpoint of the shared weights", func() bool {
		found, _ := filepath.Glob(bank)
		return len(found) > 0
	})
	c.kill(serviceCommand)
	if err := undisturbed.Start(); err != nil { // while the other one waits for a heartbeat
		t.Fatal(err)
	}
	if list := recordsNow(c.dir, "oneshot"); len(list) != 1 || list[0].State.Ended() {
		t.Errorf("the shared weights had been trained before the fault: %d trials", len(list))
	}
	await("evaluated candidates", func() bool { return len(recordsNow(c.dir, "oneshot")) > 3 })
	c.kill(serviceCommand)
	if list := recordsNow(c.dir, "oneshot"); len(list) >= n {
		t.Errorf("all %d candidates had been evaluated before the fault", len(list))
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if err := undisturbed.Wait(); err != nil {
		t.Fatalf("undisturbed: %v\n%s%s", err, calmOut, calmErrs)
	}
	c.kept = 2 // the shared weights, should the study go on, and the best
	got := c.sameAs(calm, "oneshot", n+1)
	if last := got[n].Measurements; len(last) == 0 || last[len(last)-1].Budget != 3 {
		t.Errorf("the best one was not trained from scratch: %+v", got[n])
	}
	page, _, _ := do(t, calm, "report", "oneshot", "-f", "-")
	for _, want := range []string{"The best network", "network  ", "lineage  ", "avoided  ", "Dense(10)"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// recordsNow are a study's trials, none while there is no study.
func recordsNow(dir, study string) []search.Record {
	store, err := store.OpenReadOnly(filepath.Join(dir, "budwood.db"))
	if err != nil {
		return nil
	}
	defer store.Close()
	list, _ := store.Records(context.Background(), study)
	return list
}
