package trials

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What a program consists of: what its arguments name, and what that imports.
func TestCommandVersion(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"train.py":                 "import model\nfrom nets.conv import Net",
		"model.py":                 "import deeper",
		"deeper.py":                "",
		"nets/__init__.py":         "",
		"nets/conv.py":             "",
		"plot.py":                  "# nobody imports it",
		".venv/model.py":           "",
		"env/pyvenv.cfg":           "",
		"env/deeper.py":            "",
		"model.json":               "{}",
		"base.yaml":                "a: 1",
		"run.sh":                   "exec ./inner.sh",
		"inner.sh":                 "",
		"pkg/train/__main__.py":    "",
		"cmd/train/main.go":        "package main",
		"cmd/train/helper.go":      "package main",
		"data/rows.csv":            "1,2",
		"deep/a/b/c/d/e/deeper.py": "",
	} {
		write(t, dir, name, text)
	}
	for _, c := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{[]string{"python3", "train.py", "--lr", "{lr}"}, nil, "deeper.py model.py nets/__init__.py nets/conv.py train.py"},
		{[]string{"python3", "train.py", "--config=base.yaml", "data/rows.csv"}, map[string]string{"SCALE": "2"}, "base.yaml data/rows.csv deeper.py env SCALE model.py nets/__init__.py nets/conv.py train.py"},
		{[]string{"./run.sh", "{lr}"}, nil, "inner.sh run.sh"},
		{[]string{"sh", "-c", "cd .; python3 model.py"}, nil, "deeper.py model.py"},
		{[]string{"python3", "-m", "nets.conv"}, nil, "nets/conv.py"},
		{[]string{"python3", "-m", "pkg.train"}, nil, "pkg/train/__main__.py"},
		{[]string{"go", "run", "./cmd/train"}, nil, "cmd/train/helper.go cmd/train/main.go"},
		{[]string{filepath.Join(dir, "inner.sh")}, nil, "inner.sh"},
	} {
		cmd := &Command{Args: c.args, Dir: dir, Env: c.env}
		v := cmd.Version()
		names := slices.Sorted(maps.Keys(v))
		names = slices.DeleteFunc(names, func(s string) bool { return s == "command.args" })
		if got := strings.Join(names, " "); got != c.want || v["command.args"] == "" {
			t.Errorf("%q: %s, want %s", c.args, got, c.want)
		}
	}
	sh := (&Command{Args: []string{"sh"}, Dir: dir}).Version()
	if len(sh) != 2 {
		t.Errorf("a program of the PATH alone: %v", sh)
	}
}

// A version changes with what is in the files, and with nothing else.
func TestCommandVersionChanges(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "train.py", "import model")
	write(t, dir, "model.py", "x = 1")
	cmd := &Command{Args: []string{"python3", "train.py"}, Dir: dir}
	was := cmd.Version()
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "train.py"), later, later); err != nil {
		t.Fatal(err)
	}
	if got := was.Changed(cmd.Version()); got != nil {
		t.Errorf("touched: %v", got)
	}
	write(t, dir, "plot.py", "")
	if got := was.Changed(cmd.Version()); got != nil {
		t.Errorf("a file beside: %v", got)
	}
	write(t, dir, "model.py", "x = 2")
	if got := was.Changed(cmd.Version()); !slices.Equal(got, []string{"model.py"}) {
		t.Errorf("a module: %v", got)
	}
	write(t, dir, "model.py", "x = 1")
	moved := t.TempDir()
	write(t, moved, "train.py", "import model")
	write(t, moved, "model.py", "x = 1")
	if got := was.Changed((&Command{Args: cmd.Args, Dir: moved}).Version()); got != nil {
		t.Errorf("elsewhere: %v", got)
	}
	if got := was.Changed((&Command{Args: append(cmd.Args, "--fast"), Dir: dir}).Version()); !slices.Equal(got, []string{"command.args"}) {
		t.Errorf("arguments: %v", got)
	}
}

// A program of very many modules is told by a few parts.
func TestCommandVersionOfManyModules(t *testing.T) {
	dir := t.TempDir()
	text := ""
	for i := range 60 {
		name := "m" + strings.Repeat("x", i)
		text += "import " + name + "\n"
		write(t, dir, name+".py", "")
	}
	write(t, dir, "train.py", text)
	cmd := &Command{Args: []string{"python3", "train.py"}, Dir: dir}
	was := cmd.Version()
	if len(was) != 3 {
		t.Errorf("%d parts", len(was))
	}
	write(t, dir, "mxxx.py", "pass")
	if got := was.Changed(cmd.Version()); !slices.Equal(got, []string{"one of its modules"}) {
		t.Errorf("changed: %v", got)
	}
}

// A segment's result knows the version; that of one that goes on under another
// says so. A file that the program writes is none of its parts.
func TestTrialsKnowTheirVersion(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "train.sh", `echo ran >> "$2"; echo 'budwood: {"epoch": '$1', "loss": 1}'`)
	cmd := &Command{Args: []string{"sh", "train.sh", "{epochs}", "log.txt"}, Dir: dir}
	r := &Runner{Blobs: blob.Dir(t.TempDir())}
	task := Task{Study: "s", Trial: search.Trial{ID: 3}, To: 1, Total: 9, Objectives: []search.Objective{{Metric: "loss"}}}
	first, err := r.Run(t.Context(), task, cmd.Train(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Version["train.sh"] == "" || first.Kernels != "" || first.Notes != nil {
		t.Errorf("%+v", first)
	}
	if marked, ok := first.Version["log.txt"]; !ok || marked != "" {
		t.Errorf("the log is a part: %v", first.Version)
	}
	if got := first.Version.Changed(cmd.Version()); got != nil {
		t.Errorf("changed after it ran: %v", got)
	}
	task.From, task.To = 1, 3
	second, err := r.Run(t.Context(), task, cmd.Train(nil), nil)
	if err != nil || second.Notes != nil || second.Version.ID() != first.Version.ID() {
		t.Errorf("resumed: %v, %v", second, err)
	}
	write(t, dir, "train.sh", `echo 'budwood: {"epoch": '$1', "loss": 2}'`)
	task.From, task.To = 3, 9
	third, err := r.Run(t.Context(), task, cmd.Train(nil), nil)
	if err != nil || len(third.Notes) != 1 || third.Version.ID() == first.Version.ID() {
		t.Fatalf("changed: %+v, %v", third, err)
	}
	if want := "from epoch 4 on under version " + third.Version.ID() + " instead of " + first.Version.ID() + ": train.sh has changed"; third.Notes[0] != want {
		t.Errorf("%s, want %s", third.Notes[0], want)
	}
}

// The version of a Go objective is the one it is given; that of the running
// program is always the same.
func TestBuild(t *testing.T) {
	if id := Build().ID(); !strings.HasPrefix(id, "build ") || len(id) != len("build ")+8 {
		t.Errorf("build %q", id)
	}
	r := &Runner{Blobs: blob.Dir(t.TempDir()), Version: segment.VersionNamed("2")}
	task := Task{Study: "s", To: 1, Total: 3, Objectives: []search.Objective{{Metric: "loss"}}}
	f := func(version string) segment.Result {
		r.Version = segment.VersionNamed(version)
		out, err := r.Run(t.Context(), task, reportOnce, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := f("2"); out.Version.ID() != "2" || out.Kernels == "" || out.Notes != nil {
		t.Errorf("%+v", out)
	}
	task.From, task.To = 1, 3
	if out := f("3"); out.Version.ID() != "3" || !slices.Equal(out.Notes, []string{"from epoch 2 on under version 3 instead of 2: the objective has changed"}) {
		t.Errorf("%+v", out)
	}
}

func reportOnce(_ context.Context, t *Trial) error {
	for range t.Epochs() {
		t.Report(1)
	}
	return nil
}
