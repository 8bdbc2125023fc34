package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/search"
)

// What the end of a study's time has cut off goes on when the study has more, and
// until then whoever asks for the best is told that it was not trained to the end.
func TestTimeAndMore(t *testing.T) {
	t.Parallel()
	dir := home(t)
	study := func(limit string) string {
		file := filepath.Join(t.TempDir(), "study.yaml")
		data, err := filepath.Abs("../../examples/digits/digits.csv.gz")
		if err == nil {
			err = os.WriteFile(file, []byte(`name: cut
data: {csv: `+data+`, target: digit, split: {valid: 0.2, test: 0.2, seed: 7}}
objective: {metric: valid_accuracy}
search: {seed: 7, parallel: 1, scheduler: none, warm_start: off}
budget: {trials: 2, epochs: 100000, time: `+limit+`}
space: [{name: lr, float: [0.0003, 0.03], log: true}]
`), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	out, progress, code := do(t, dir, "run", "--allow-outside", study("2s"))
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, progress)
	}
	wantLine(t, out, "reason  the time budget of 2s is spent", "note    t0000 was trained for ", "of 100000 epochs only, for the study ended first; to go on: budwood run FILE --time ")
	_, before := records(t, dir, "cut")
	first := before[0]
	if first.State != search.Stopped || first.Epochs() == 0 {
		t.Fatalf("t0000 is %s after %d epochs", first.State, first.Epochs())
	}
	for _, verb := range [][]string{{"best", "cut"}, {"show", "cut"}, {"predict", "cut", filepath.Join("..", "..", "examples", "digits", "digits.csv.gz")}} {
		out, progress, _ := do(t, dir, verb...)
		if !strings.Contains(out+progress, "epochs only, for the study ended first") {
			t.Errorf("%v says nothing of it:\n%.300s\n%s", verb, out, progress)
		}
	}

	out, progress, code = do(t, dir, "run", "--allow-outside", study("2s"))
	wantLine(t, progress, "has ended already; raise budget.time to go on")
	if code != exitDone {
		t.Errorf("exit code %d\n%s", code, out)
	}
	do(t, dir, "run", "--allow-outside", study("2s"), "--time", "4s")
	_, after := records(t, dir, "cut")
	again := after[0]
	if again.Epochs() <= first.Epochs() || again.Joules <= first.Joules || again.Seconds <= first.Seconds {
		t.Errorf("t0000 had %d epochs, %v J, %v s, and with twice the time %d, %v J, %v s", first.Epochs(), first.Joules, first.Seconds, again.Epochs(), again.Joules, again.Seconds)
	}
	if len(again.Measurements) != 1 {
		t.Errorf("its one segment was measured %d times", len(again.Measurements))
	}
}
