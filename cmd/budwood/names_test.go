package main

import (
	"encoding/json"
	"testing"
)

// The tables of names need no state, and are there as JSON, too.
func TestNames(t *testing.T) {
	dir := home(t)
	for of, want := range map[string][]string{
		"samplers": {"quasi, halton", "Halton"}, "architecture-samplers": {"nsga3", "any"}, "schedulers": {"median", "one"}, "metrics": {"valid_auc", "maximize", "two classes"},
		"hyperparameters": {"heads", "4", "1 to 256"}, "numbers": {"search.min_epochs", "1 to budget.epochs"},
	} {
		out, errs, code := do(t, dir, "names", of)
		if code != exitDone {
			t.Errorf("%s: exit code %d: %s", of, code, errs)
		}
		wantLine(t, out, want...)
	}
	out, _, _ := do(t, dir, "names", "metrics", "-o", "json")
	var list []map[string]string
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) == 0 || list[0]["name"] != "valid_loss" {
		t.Errorf("%v, %v", list, err)
	}
	if _, errs, code := do(t, dir, "names", "sampler"); code != exitUsage {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
