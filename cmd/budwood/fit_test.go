package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"budwood/data"
)

// saved writes a table: the flower's width follows from its length, its colour from both.
func saved(t *testing.T, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("nr;length;width;colour\n")
	for i := range rows {
		length := 2 + math.Abs(math.Sin(float64(i)))*5
		cell := strings.Replace(fmt.Sprintf("%.3f", length), ".", ",", 1)
		if i == 17 {
			cell = "n/a"
		}
		colour := "red"
		if length > 4.5 {
			colour = "blue"
		}
		fmt.Fprintf(&b, "%d;%s;%s;%s\n", i+1, cell, strings.Replace(fmt.Sprintf("%.3f", length/2+math.Cos(float64(3*i))), ".", ",", 1), colour)
	}
	path := filepath.Join(t.TempDir(), "My flowers.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProfileCommand(t *testing.T) {
	file, dir := saved(t, 60), home(t)
	out, _, code := do(t, dir, "profile", file)
	for _, want := range []string{"nr", "left out: ", "proposed  --target colour: the last column that can be predicted", `note      line 19, column "length": "n/a" taken as missing (1 of 60 values)`, "baseline  always \"", "2 classes: blue "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if code != exitDone {
		t.Errorf("exit %d", code)
	}
	out, _, _ = do(t, dir, "profile", file, "--target", "width", "-o", "json")
	var p data.Profile
	if err := json.Unmarshal([]byte(out), &p); err != nil || p.Target.Task != data.Regression || len(p.Columns) != 4 {
		t.Errorf("%v: %s", err, out)
	}
	for _, args := range [][]string{{"profile", file, "--target", "colr"}, {"run", file}, {"plan", file}, {"fit", file}, {"fit", file, "--target", "colour", "--time", "0s"}, {"init", file, "--target", "colour", "--metric", "aucc"}} {
		out, errs, code := do(t, dir, args...)
		if code != exitUsage || out != "" || strings.Contains(errs, "n/a") {
			t.Errorf("%v: exit %d, %q, %s", args, code, out, errs)
		}
		t.Log(errs)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "My flowers.yaml")); err == nil {
		t.Error("a study file with a wrong metric stays")
	}
}

// init writes the study file that fit runs.
func TestInitAndFit(t *testing.T) {
	file, dir := saved(t, 300), home(t)
	yaml := filepath.Join(filepath.Dir(file), "My flowers.yaml")
	for range 2 { // the same file may be there already
		if _, errs, code := do(t, dir, "init", file, "--target", "colour", "--metric", "accuracy", "--time", "3s"); code != exitDone {
			t.Fatal(errs)
		}
	}
	before, err := os.ReadFile(yaml)
	if err != nil || !strings.Contains(string(before), `name: "my-flowers"`) || !strings.Contains(string(before), "metric: valid_accuracy") {
		t.Fatalf("%v\n%s", err, before)
	}
	if _, errs, code := do(t, dir, "init", file, "--target", "width"); code != exitUsage || !strings.Contains(errs, "is there already, and differs") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if testing.Short() {
		t.Skip("starts a server and trains")
	}
	out, errs, code := do(t, dir, "fit", file, "--target", "colour", "--metric", "accuracy", "--time", "3s")
	for _, want := range []string{"score     accuracy ", "on 60 test rows (95 %: ", "; always \"", "log-loss  ", "is \\ said blue: blue ", "columns   log-loss without one of them (its values shuffled): length +", "next      budwood predict my-flowers NEW.csv", "model     t00"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
	if code != exitDone || t.Failed() {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if after, _ := os.ReadFile(yaml); string(after) != string(before) {
		t.Errorf("fit wrote another file:\n%s", after)
	}
	out, errs, code = do(t, dir, "predict", "my-flowers", file, "-o", "csv")
	if rows := strings.Count(out, "\n"); code != exitDone || rows != 301 {
		t.Errorf("exit %d, %d rows: %s", code, rows, errs)
	}
}
