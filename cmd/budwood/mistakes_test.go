package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"budwood"
	"budwood/trials/store"
)

const toy = `name: toy
data: {csv: toy.csv, target: y}
objective: {metric: valid_accuracy, goal: maximize}
budget: {trials: 2, epochs: 1}
space: [{name: lr, float: [0.001, 0.1], log: true}]
`

// Each mistake gives one line that says what, where and what to do, and its
// exit code.
func TestMistakes(t *testing.T) {
	write := func(dir, name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	files := t.TempDir()
	write(files, "toy.csv", "a,y\n"+strings.Repeat("1,no\n2,yes\n", 20))
	n := 0
	study := func(old, new string) string {
		n++
		return write(files, strconv.Itoa(n)+"study.yaml", strings.Replace(toy, old, new, 1))
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	stored := home(t)
	if store, err := store.Open(budwood.StoreFile(stored)); err != nil || store.Close() != nil {
		t.Fatal(err)
	}
	damaged := func(name string) string {
		dir := home(t)
		write(dir, name, strings.Repeat("this is no database ", 500))
		return dir
	}
	for _, c := range []struct {
		name string
		dir  string
		args []string
		code int
		want []string
	}{
		{"misspelt key", home(t), []string{"run", study("trials:", "trails:")}, exitUsage, []string{"study.yaml:4:10", `unknown key "trails"`, `did you mean "trials"?`}},
		{"wrong type", home(t), []string{"plan", study("trials: 2", "trials: two")}, exitUsage, []string{"study.yaml:4:18", "expected a whole number"}},
		{"empty range", home(t), []string{"run", study("[0.001, 0.1]", "[0.1, 0.001]")}, exitUsage, []string{"study.yaml:5:10", "the range [0.1, 0.001] is empty"}},
		{"missing data", home(t), []string{"run", study("toy.csv", "tio.csv")}, exitUsage, []string{"study.yaml:2:13", "tio.csv: no such file"}},
		{"no such target", home(t), []string{"run", study("target: y", "target: z")}, exitUsage, []string{"study.yaml:2:30", `no column "z"`, "a, y"}},
		{"missing file", home(t), []string{"run", filepath.Join(files, "stduy.yaml")}, exitUsage, []string{"stduy.yaml: no such file"}},
		{"unknown command", home(t), []string{"rnu"}, exitUsage, []string{"rnu"}},
		{"unknown flag", home(t), []string{"ls", "--fast"}, exitUsage, []string{"--fast"}},
		{"no store", home(t), []string{"show", "digits"}, exitUsage, []string{"there is no store yet"}},
		{"no such study", stored, []string{"best", "digits"}, exitUsage, []string{`study "digits": no such study`, "none yet"}},
		{"no such study to stop", stored, []string{"stop", "digits"}, exitUsage, []string{`study "digits": no such study`}},
		{"log of no trial", home(t), []string{"show", "digits", "--log"}, exitUsage, []string{"--log", "budwood show digits t0000 --log"}},
		{"override", home(t), []string{"plan", study("", ""), "--trials=-3"}, exitUsage, []string{"budwood: budget.trials: -3 is outside"}},
		{"negative seed", home(t), []string{"plan", study("", ""), "--seed=-3"}, exitUsage, []string{"--seed", "-3"}},
		{"less than no processors", home(t), []string{"up", "--cpu=-1"}, exitUsage, []string{"--cpu: -1 processors"}},
		{"no memory", home(t), []string{"worker", "--mem=0"}, exitUsage, []string{"--mem: no memory"}},
		{"busy port", home(t), []string{"run", study("", ""), "--port", port}, exitFailed, []string{"port " + port, "in use"}},
		{"state directory that is a file", write(files, "state", "x"), []string{"run", study("", "")}, exitFailed, []string{"state directory", "BUDWOOD_HOME"}},
		{"state directory that cannot be written", "/proc/budwood", []string{"run", study("", "")}, exitFailed, []string{"state directory /proc/budwood", "BUDWOOD_HOME"}},
		{"damaged store", damaged("budwood.db"), []string{"run", study("", "")}, exitFailed, []string{"budwood.db"}},
		{"damaged Temporal database", damaged("temporal-1.32.1.db"), []string{"run", study("", "")}, exitFailed, []string{"temporal-1.32.1.db"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := do(t, c.dir, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			var line string
			for l := range strings.Lines(errs) {
				if strings.HasPrefix(l, "budwood: ") {
					line = l // the last one: progress may come before
				}
			}
			for _, w := range c.want {
				if !strings.Contains(line, w) {
					t.Errorf("no %q in the line: %s\nall of it: %s%s", w, line, out, errs)
				}
			}
			if strings.Contains(errs, "goroutine ") || strings.Contains(errs, "panic") {
				t.Errorf("a stack trace:\n%s", errs)
			}
		})
	}
}

// A whole store is left alone, and a damaged one stays beside what was saved of it.
func TestDoctorRepair(t *testing.T) {
	dir := home(t)
	path := budwood.StoreFile(dir)
	if store, err := store.Open(path); err != nil || store.Close() != nil {
		t.Fatal(err)
	}
	if out, errs, code := do(t, dir, "doctor", "--repair"); code != exitDone || !strings.Contains(out, "nothing to repair") {
		t.Errorf("%d: %s%s", code, out, errs)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := do(t, dir, "doctor", "--repair"); code != exitDone || !strings.Contains(out, "the damaged file is "+path+".damaged-1") {
		t.Errorf("%d: %s%s", code, out, errs)
	}
	if out, _, code := do(t, dir, "doctor"); code != exitDone || !strings.Contains(out, path+" is whole") {
		t.Errorf("after the repair: %s", out)
	}
}
