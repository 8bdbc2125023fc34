package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/search"
)

// Every network of a front can be looked at, exported and asked; of another one the
// program says which there are.
func TestEveryNetworkOfTheFront(t *testing.T) {
	dir, work := home(t), t.TempDir()
	csv := "a,b,y\n"
	for i := range 60 {
		csv += []string{"1,2,yes\n", "0,3,no\n", "2,2,yes\n"}[i%3]
	}
	for name, text := range map[string]string{"t.csv": csv, "study.yaml": `name: two
data: {csv: t.csv, target: y}
objective: {metric: valid_loss}
also: [{metric: params}]
search: {sampler: random, seed: 3, warm_start: "off", min_epochs: 3, eta: 2}
budget: {trials: 12, epochs: 6}
space: [{name: width, int: [2, 40]}, {name: lr, float: [0.0005, 0.05], log: true}]
`} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errs, code := do(t, dir, "run", filepath.Join(work, "study.yaml"))
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	wantLine(t, out, "front   ", "trained to the end (6 epochs", "stopped before")
	study, list := records(t, dir, "two")
	front := search.ParetoFront(list, study.Objectives)
	if len(front.Trials) < 2 || front.Early == 0 {
		t.Fatalf("%v", front)
	}
	for _, f := range front.Trials {
		name := search.TrialName(f.Trial)
		if f.Budget != 6 {
			t.Errorf("%s of the front has %d epochs", name, f.Budget)
		}
		out, _, _ := do(t, dir, "best", "two", "--trial", name)
		wantLine(t, out, name+" of two: valid_loss ", "(completed after 6 epochs)", "PARAM", "width", "front    ")
		out, errs, code := do(t, dir, "export", "two", "--trial", name, "-f", filepath.Join(work, name+".onnx"))
		if code != exitDone || !strings.Contains(out, name+" of two, valid_loss ") || !strings.Contains(out, "params ") {
			t.Errorf("export: exit code %d\n%s%s", code, out, errs)
		}
		if out, errs, code = do(t, dir, "predict", "two", filepath.Join(work, "t.csv"), "--trial", name, "-o", "csv"); code != exitDone || strings.Count(out, "\n") != 61 {
			t.Errorf("predict: exit code %d\n%s%s", code, out, errs)
		}
	}
	a, _ := os.ReadFile(filepath.Join(work, search.TrialName(front.Trials[0].Trial)+".onnx"))
	b, _ := os.ReadFile(filepath.Join(work, search.TrialName(front.Trials[1].Trial)+".onnx"))
	if len(a) == len(b) {
		t.Errorf("two networks of the front are both %d bytes", len(a))
	}
	page, _, _ := do(t, dir, "report", "two", "-f", "-")
	if n := strings.Count(page, `<tr class="front">`); n != len(front.Trials) {
		t.Errorf("%d of %d trials are marked on the page", n, len(front.Trials))
	}

	dropped := ""
	for i := range list {
		if !front.Has(list[i].ID) && (dropped == "" || list[i].State == search.Stopped) {
			dropped = list[i].Name()
		}
	}
	for _, args := range [][]string{{"export", "two", "-f", filepath.Join(work, "no.onnx")}, {"predict", "two", filepath.Join(work, "t.csv")}} {
		_, errs, code := do(t, dir, append(args, "--trial", dropped)...)
		if code != exitFailed || !strings.Contains(errs, "the weights of "+dropped+" are not kept, those of ") || !strings.Contains(errs, "keep: 10") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
		for _, name := range []string{"t0012", "12", "best", "-1"} {
			if _, errs, code = do(t, dir, append(args, "--trial="+name)...); code != exitUsage || !strings.Contains(errs, "its trials are t0000 to t0011") {
				t.Errorf("%v of %s: exit code %d, %s", args, name, code, errs)
			}
		}
	}
	for file, want := range map[string]string{"two.json": ".json: give the network another ending", "-": "two files are written"} {
		if _, errs, code := do(t, dir, "export", "two", "-f", file); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("export to %s: exit code %d, %s", file, code, errs)
		}
	}
	out, _, _ = do(t, dir, "best", "two", "--trial", dropped, "-o", "json")
	var shown struct {
		ID    int `json:"id"`
		Front []search.FrontTrial
		State search.State       `json:"state"`
		Test  map[string]float64 `json:"test"`
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil || search.TrialName(shown.ID) != dropped || shown.Test != nil || len(shown.Front) != len(front.Trials) {
		t.Errorf("%+v, %v", shown, err)
	}

	if _, errs, code := do(t, dir, "trial", "drop", "two", "t0000-t0011"); code != exitDone {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	for _, args := range [][]string{{"run", filepath.Join(work, "study.yaml")}, {"best", "two"}, {"export", "two"}} {
		if _, errs, code := do(t, dir, args...); code != exitFailed || !strings.Contains(errs, "all of its trials are set aside") {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}
