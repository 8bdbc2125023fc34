package history

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"budwood/search"
)

// Prefixes of the columns of parameters in tables of other tools: Optuna's
// trials_dataframe, Ray Tune's dataframe of results, Syne Tune's results.
var prefixes = []struct{ prefix, tool string }{{"params_", "optuna"}, {"config/", "ray tune"}, {"config_", "syne tune"}}

// Columns that tell about a trial, by the names that tools give them. All others are
// parameters where no column has one of the prefixes.
var (
	numberColumns = []string{"number", "trial", "trial_id", "trial_number"}
	stateColumns  = []string{"state", "status", "st_status"}
	budgetColumns = []string{"epoch", "epochs", "training_iteration", "budget", "step", "iteration"}
	secondColumns = []string{"seconds", "time_total_s", "st_worker_time", "elapsed_time", "duration"}
	otherColumns  = []string{"datetime_start", "datetime_complete", "timestamp", "date", "pid", "hostname", "node_ip", "experiment_id", "experiment_tag", "logdir", "done",
		"time_this_iter_s", "time_since_restore", "iterations_since_restore", "trial_name", "index"}
	valueColumns = []string{"value", "values_0", "loss", "val_loss", "objective", "score", "accuracy", "val_accuracy", "error"}
)

// readTable reads a table of trials, one row a trial or one row a measurement of a trial.
func readTable(r io.Reader, o *Options) (*foreign, error) {
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); string(mark) == "\ufeff" {
		b.Discard(3)
	}
	head, _ := b.Peek(4096)
	line, _, _ := bytes.Cut(head, []byte("\n"))
	c := csv.NewReader(b)
	c.FieldsPerRecord = -1
	for _, sep := range []rune{',', ';', '\t'} {
		if bytes.Count(line, []byte(string(sep))) > bytes.Count(line, []byte(string(c.Comma))) {
			c.Comma = sep
		}
	}
	header, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("it has no line of names: %w", err)
	}
	t, err := columnsOf(header, o)
	if err != nil {
		return nil, err
	}
	for {
		row, err := c.Read()
		if err == io.EOF {
			return t.done()
		}
		if err != nil {
			return nil, err
		}
		n, _ := c.FieldPos(0)
		if len(row) != len(header) {
			return nil, fmt.Errorf("line %d has %d cells, the first line has %d", n, len(row), len(header))
		}
		if err := t.add(row); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// table is a table that is read.
type table struct {
	*foreign
	params                         map[int]string // by column
	values                         []int          // columns of the objectives
	number, state, budget, seconds int            // columns, -1: none
	by                             map[string]*attempt
	names                          []string
}

func columnsOf(header []string, o *Options) (*table, error) {
	t := &table{foreign: &foreign{tool: "csv"}, params: map[int]string{}, by: map[string]*attempt{}, names: header}
	find := func(names []string) int {
		for _, n := range names {
			if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), n) }); i >= 0 {
				return i
			}
		}
		return -1
	}
	t.number, t.state, t.budget, t.seconds = find(numberColumns), find(stateColumns), find(budgetColumns), find(secondColumns)
	for _, m := range o.Metrics {
		i := slices.Index(header, m)
		if i < 0 && len(o.Metrics) == 1 { // the tool gave the column another name
			if i = find([]string{"value", "values_0"}); i >= 0 {
				t.note("%s is what the column %q holds", m, header[i])
			}
		}
		if i < 0 {
			return nil, fmt.Errorf("it has no column %q; it has %s", m, strings.Join(header, ", "))
		}
		t.values = append(t.values, i)
	}
	if t.values == nil {
		for i := find(valueColumns[:1]); i >= 0; i = -1 {
			t.values = []int{i}
		}
		for i := 0; t.values == nil || i > 0; i++ { // values_0, values_1 …
			k := find([]string{"values_" + strconv.Itoa(i)})
			if k < 0 {
				break
			}
			t.values = append(t.values, k)
		}
		if t.values == nil {
			i := find(valueColumns)
			if i < 0 {
				return nil, fmt.Errorf("which column is the result? say --metric NAME; it has %s", strings.Join(header, ", "))
			}
			t.values = []int{i}
			t.note("the result is taken from the column %q", header[i])
		}
	}
	for i, k := range t.values {
		goal := search.Goal("")
		if i == 0 {
			goal = o.Goal
		}
		t.goals = append(t.goals, goal)
		t.metrics = append(t.metrics, header[k])
	}
	for _, p := range prefixes {
		for i, h := range header {
			if name, ok := strings.CutPrefix(h, p.prefix); ok && name != "" {
				t.params[i] = name
				t.tool = p.tool
			}
		}
		if len(t.params) > 0 {
			break
		}
	}
	if len(t.params) == 0 {
		for i, h := range header {
			name := strings.TrimSpace(h)
			known := slices.Contains(t.values, i) || i == t.number || i == t.state || i == t.budget || i == t.seconds ||
				slices.ContainsFunc(otherColumns, func(o string) bool { return strings.EqualFold(o, name) })
			if !known && name != "" {
				t.params[i] = name
			}
		}
		t.note("parameters are the columns %s", strings.Join(slices.Collect(func(yield func(string) bool) {
			for _, i := range sortedKeys(t.params) {
				if !yield(t.params[i]) {
					return
				}
			}
		}), ", "))
	}
	for _, i := range sortedKeys(t.params) {
		t.see(t.params[i])
	}
	return t, nil
}

// add reads a row.
func (t *table) add(row []string) error {
	key := strconv.Itoa(len(t.trials))
	if t.number >= 0 {
		key = row[t.number]
	}
	a := t.by[key]
	if a == nil {
		a = &attempt{number: len(t.trials), params: map[string]any{}, state: search.Completed}
		t.by[key] = a
		t.trials = append(t.trials, a)
	} else if t.budget < 0 {
		return fmt.Errorf("trial %s stands twice, and no column tells its epochs", key)
	}
	for _, i := range sortedKeys(t.params) {
		if v, ok := cell(row[i]); ok {
			a.params[t.params[i]] = v
		}
	}
	if t.state >= 0 {
		if err := a.named(row[t.state]); err != nil {
			return err
		}
	}
	if t.seconds >= 0 {
		if s, err := strconv.ParseFloat(row[t.seconds], 64); err == nil && s > 0 {
			a.seconds = max(a.seconds, s)
		}
	}
	values := make([]float64, len(t.values))
	empty := true
	for i, k := range t.values {
		values[i] = math.NaN()
		if text := strings.TrimSpace(row[k]); text != "" {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("%s is %q, which is no number", t.names[k], text)
			}
			values[i], empty = v, false
		}
	}
	budget := 0
	if t.budget >= 0 {
		b, err := strconv.ParseFloat(strings.TrimSpace(row[t.budget]), 64)
		if err != nil || b < 0 || b != math.Trunc(b) || b > 1<<31 {
			return fmt.Errorf("%s is %q, which is no whole number from 0 on", t.names[t.budget], row[t.budget])
		}
		budget = int(b)
	}
	switch {
	case empty:
	case t.budget < 0:
		a.values = values
	case len(values) == 1:
		a.reported(budget, values[0])
	default:
		a.values = values
	}
	return nil
}

// done looks at what was read. Where no trial was measured at 0, epochs count from 1.
func (t *table) done() (*foreign, error) {
	from := math.MaxInt
	for _, a := range t.trials {
		if len(a.curve) > 0 {
			from = min(from, a.curve[0].Budget)
		}
	}
	if from > 1 {
		for _, a := range t.trials {
			for i := range a.curve {
				a.curve[i].Budget--
			}
		}
	}
	if len(t.trials) == 0 {
		return nil, errors.New("it has no rows")
	}
	return t.foreign, nil
}

// named gives a trial the state that a tool's word means.
func (a *attempt) named(word string) error {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "", "complete", "completed", "terminated", "done", "finished":
		a.state = search.Completed
	case "pruned", "stopped", "stopping", "paused":
		a.state, a.reason = search.Stopped, "stopped"
	case "fail", "failed", "error":
		a.state, a.reason = search.Failed, "failed"
	case "diverged":
		a.state = search.Diverged
	case "infeasible":
		a.state = search.Infeasible
	case "running", "waiting", "pending", "inprogress", "in_progress":
		a.state = ""
	default:
		return fmt.Errorf("%q is not a state of a trial", word)
	}
	return nil
}

// cell is a cell as a value; ok is false if it is empty.
func cell(s string) (any, bool) {
	s = strings.TrimSpace(s)
	switch s {
	case "", "nan", "NaN":
		return nil, false
	case "True", "true":
		return true, true
	case "False", "false":
		return false, true
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), true
		}
		return v, true
	}
	return s, true
}

// readZip reads the table in a zip file, as Syne Tune writes results.csv.zip.
func readZip(file string, o *Options) ([]*foreign, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	for _, f := range z.File {
		if path.Ext(f.Name) != ".csv" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		one, err := readTable(r, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		return []*foreign{one}, nil
	}
	return nil, errors.New("there is no table (.csv) in it")
}
