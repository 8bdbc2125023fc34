package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"budwood/data"
	"budwood/search"
	"budwood/study"
)

// tableFlags say what is learned from a table.
type tableFlags struct {
	Table  string         `arg:"" help:"A table: CSV in any dialect, also packed with gzip, or Parquet." type:"existingfile"`
	Target string         `help:"The column to predict; without it one is proposed, and nothing runs." placeholder:"COLUMN"`
	Metric string         `help:"What counts, such as auc or mae. Default: log-loss of classes, rmse of numbers." placeholder:"METRIC"`
	Test   string         `help:"Test on this table instead of a part of the first one." placeholder:"FILE" type:"existingfile"`
	Ignore []string       `help:"Columns to leave out." placeholder:"COLUMN"`
	Time   study.Duration `help:"Time of the search." default:"1m" placeholder:"TIME"`
	Name   string         `help:"Name of the study; by default that of the table." placeholder:"NAME"`
	Seed   uint64         `help:"Seed of everything that is random." placeholder:"N"`
	File   string         `short:"f" help:"The study file to write; by default it lies beside the table." placeholder:"FILE" type:"path"`
	Force  bool           `help:"Write the study file even if there is another one."`
}

type initCmd struct{ tableFlags }

// Run writes the study file of a table.
func (c *initCmd) Run(a *app) error {
	p, err := c.understand(a)
	if err != nil {
		return err
	}
	path, fresh, err := c.write(p, "budwood init")
	if err != nil {
		return err
	}
	if _, _, err := c.load(a, path, fresh); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s is written; look at it with budwood plan %s, run it with budwood run %s\n", path, shellWord(path), shellWord(path))
	return nil
}

type fitCmd struct {
	tableFlags
	runFlags
}

// Run writes the study file of a table, runs it, and says how good the result is.
func (c *fitCmd) Run(a *app) error {
	p, err := c.understand(a)
	if err != nil {
		return err
	}
	path, fresh, err := c.write(p, "budwood fit")
	if err != nil {
		return err
	}
	spec, d, err := c.load(a, path, fresh)
	if err != nil {
		return err
	}
	a.say("%s is the study file: budwood run %s goes on with it", path, shellWord(path))
	if err := writeProfile(a.stdout, d.Profile, "", planColumns); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := c.runFlags.run(a, spec); err != nil || c.Detach {
		return err
	}
	return a.fitted(spec.Name)
}

// load reads the study file back. One that was just written and is wrong, as with a metric that there is not, does not stay.
func (c *tableFlags) load(a *app, path string, fresh bool) (*study.Spec, *data.Data, error) {
	f := fileArg{File: path, overrides: overrides{AllowOutside: true}} // whoever names a table has allowed it
	spec, d, err := f.load(a)
	if err != nil && fresh {
		err = errors.Join(err, os.Remove(path))
	}
	return spec, d, err
}

// understand is the profile of the table; without a target it says which one there could be.
func (c *tableFlags) understand(a *app) (*data.Profile, error) {
	if time.Duration(c.Time) <= 0 {
		return nil, usageError{fmt.Errorf("--time: %s is no time to learn in; give one like 1m", c.Time)}
	}
	p, err := profileOf(a, c.Table, c.Target, c.Ignore)
	if err != nil {
		return nil, err
	}
	if c.Target != "" {
		return p, nil
	}
	name, why := p.ProposeTarget()
	if name == "" {
		return nil, usageError{fmt.Errorf("no column of %s can be predicted; see budwood profile %s", c.Table, shellWord(c.Table))}
	}
	var others []string
	for _, r := range p.Columns {
		if r.Role == "input" && r.Name != name {
			others = append(others, search.OneLine(r.Name))
		}
	}
	more := ""
	if len(others) > 0 {
		more = "; other columns: " + some(others, 8)
	}
	return nil, usageError{fmt.Errorf("which column is to be predicted? Perhaps --target %s (%s)%s", shellWord(name), why, more)}
}

// write writes the study file; fresh is false if the same was there already.
func (c *tableFlags) write(p *data.Profile, by string) (path string, fresh bool, err error) {
	path = c.File
	if path == "" {
		path = filepath.Join(filepath.Dir(c.Table), stem(c.Table)+".yaml")
	}
	text, err := c.text(p, path)
	if err != nil {
		return "", false, err
	}
	before, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(before, text):
		return path, false, nil
	case err == nil && !c.Force:
		return "", false, usageError{fmt.Errorf("%s is there already, and differs from what %s would write: run it with budwood run %s, write over it with --force, or write another one with --file", path, by, shellWord(path))}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", false, err
	}
	if err := create(path, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return "", false, fmt.Errorf("the study file cannot be written; choose another place with --file: %w", err)
	}
	return path, errors.Is(err, fs.ErrNotExist), nil
}

// stem is a file's name without its folder and its endings.
func stem(path string) string {
	name := filepath.Base(path)
	for _, ext := range []string{".gz", ".csv", ".tsv", ".tab", ".psv", ".txt", ".parquet", ".pq"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

var notInNames = regexp.MustCompile(`[^a-z0-9._-]+`)

// studyName is a name of a study that is like that of a file.
func studyName(path string) string {
	name := notInNames.ReplaceAllString(strings.ToLower(stem(path)), "-")
	name = strings.TrimLeft(name, "-._")
	if name = name[:min(len(name), 60)]; name == "" {
		return "table"
	}
	return name
}

// yamlText is a text in quotes, as JSON and YAML write it.
func yamlText(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return strings.TrimSpace(b.String())
}

const smallTable = 2000 // rows up to which folds decide instead of one validation part

// text is the study file.
func (c *tableFlags) text(p *data.Profile, path string) ([]byte, error) {
	place := func(file string) (string, error) {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		if file, err = filepath.Abs(file); err != nil {
			return "", err
		}
		if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
			return rel, nil
		}
		return file, nil
	}
	file, err := place(c.Table)
	if err != nil {
		return nil, err
	}
	key := "csv"
	if data.IsParquet(c.Table) {
		key = "parquet"
	}
	name := c.Name
	if name == "" {
		name = studyName(c.Table)
	}
	var b bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# Learn %s from %s: %s rows. Every key: docs/study.md.", search.OneLine(p.Target.Name), search.OneLine(filepath.Base(c.Table)), grouped(p.Rows-p.LeftOut))
	say("# Run it with: budwood run %s. What it says in full: budwood plan %s", search.OneLine(filepath.Base(path)), search.OneLine(filepath.Base(path)))
	say("name: %s", yamlText(name))
	say("data:")
	say("  %s: %s", key, yamlText(file))
	say("  target: %s", yamlText(c.Target))
	if len(c.Ignore) > 0 {
		var list []string
		for _, n := range c.Ignore {
			list = append(list, yamlText(n))
		}
		say("  ignore: [%s]", strings.Join(list, ", "))
	}
	say("  # How the columns were understood. Where that is wrong, write columns: {NAME: number}, or")
	say("  # category, date, text, id, ignore.")
	for _, r := range p.Columns[:min(len(p.Columns), planColumns)] {
		if r.Role != "target" {
			say("  #   %s: %s", search.OneLine(r.Name), describeKind(r))
		}
	}
	if n := len(p.Columns) - planColumns; n > 0 {
		say("  #   … and %d more", n)
	}
	split := fmt.Sprintf("seed: %d", c.Seed)
	if c.Test != "" {
		test, err := place(c.Test)
		if err != nil {
			return nil, err
		}
		say("  test: %s", yamlText(test))
	} else {
		split = "test: 0.2, " + split
	}
	epochs := 27
	if p.Rows-p.LeftOut <= smallTable {
		split, epochs = "cv: 5, "+split, 81
		say("  split: {%s}   # few rows: each trial is judged on all of them, by five networks", split)
	} else {
		say("  split: {valid: 0.2, %s}", split)
	}
	say("objective: {metric: %s}", c.metric(p.Target.Task))
	say("search: {seed: %d, parallel: 2}", c.Seed)
	say("budget: {trials: 200, epochs: %d, time: %s}   # the first limit that is reached ends the search", epochs, c.Time)
	say("early_stop: {patience: %d}", epochs/4)
	say("# Without space: networks, boosted trees, forests and linear models, with ranges of their own: see budwood plan.")
	return b.Bytes(), nil
}

// describeKind is a column's kind in words.
func describeKind(r data.ColumnProfile) string {
	if r.Role == "left out" {
		return "left out: " + r.Why
	}
	return r.Kind + ": " + r.Why
}

// metric is the objective.
func (c *tableFlags) metric(task data.Task) string {
	switch {
	case c.Metric == "" && task == data.Regression:
		return "valid_rmse"
	case c.Metric == "" || c.Metric == "log_loss" || c.Metric == "logloss":
		return "valid_loss"
	}
	for _, m := range study.Metrics {
		if m.Name == "valid_"+c.Metric {
			return m.Name
		}
	}
	return yamlText(c.Metric)
}
