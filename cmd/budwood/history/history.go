// Package history reads what other tools have tried: trials with their parameters
// and values, from tables (CSV), Optuna's SQLite and journal files, and the result
// files of Ray Tune and Syne Tune. It writes a study as Optuna's SQLite file, too.
package history

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"budwood/search"
)

// History is a study of another tool, as a study of ours would have recorded it.
type History struct {
	Name       string // "" if the file has none
	Tool       string // that wrote it: "optuna", "ray tune", "syne tune", "csv"
	Space      search.Space
	Objectives []search.Objective
	Trials     []search.Record // numbered from 0
	Notes      []string        // what was guessed, converted or left out, one line each
}

// Options say what the file does not.
type Options struct {
	Study   string      // which of several studies in the file
	Metrics []string    // names of the objectives, the first is the main one; nil: those of the file
	Goal    search.Goal // of the first objective, where the file has none; "" means [search.Minimize]
}

// ErrUnknown is the error of a file that no reader knows.
var ErrUnknown = errors.New("not a history that is read here: read are CSV tables of trials, Optuna's SQLite and journal files, and folders of results of Ray Tune and Syne Tune")

// Read reads a file or folder. Which tool wrote it is seen from its content.
func Read(path string, o Options) (*History, error) {
	studies, err := read(path, &o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	found, err := choose(studies, o.Study)
	if err == nil {
		var h *History
		if h, err = found.history(&o); err == nil {
			return h, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

func read(path string, o *Options) ([]*foreign, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, bare(err)
	}
	if info.IsDir() {
		return readFolder(path, o)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, bare(err)
	}
	head = head[:n]
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, bare(err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return readOptunaDB(path)
	case bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head, []byte(`"op_code"`)):
		return readJournal(f)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return readZip(path, o)
	case bytes.HasPrefix(head, []byte("{")), bytes.IndexByte(head, 0) >= 0, !bytes.ContainsAny(head, ",;\t"):
		return nil, ErrUnknown
	}
	one, err := readTable(f, o)
	if err != nil {
		return nil, err
	}
	one.name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return []*foreign{one}, nil
}

// bare is an error of a file without its path, which the caller says.
func bare(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func choose(studies []*foreign, name string) (*foreign, error) {
	var names []string
	for _, s := range studies {
		if name == "" && len(studies) == 1 || name != "" && s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	switch slices.Sort(names); {
	case len(studies) == 0:
		return nil, errors.New("it has no study")
	case name == "":
		return nil, fmt.Errorf("it has %d studies; choose one with --from: %s", len(names), strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("it has no study %q; it has %s", name, strings.Join(names, ", "))
}

// foreign is a study as the other tool's file has it.
type foreign struct {
	name    string
	tool    string
	metrics []string // of values; shorter: not named
	goals   []search.Goal
	dims    map[string]*search.Dim // parameters with a known definition
	order   []string               // of the parameters
	trials  []*attempt
	notes   []string
}

// attempt is a trial there.
type attempt struct {
	number  int
	params  map[string]any // int, float64, string, bool
	state   search.State   // "": it has not ended
	values  []float64      // of the objectives
	curve   []search.Measurement
	seconds float64
	reason  string
}

func (f *foreign) note(format string, a ...any) { f.notes = append(f.notes, fmt.Sprintf(format, a...)) }

// metric is the name of objective i.
func (f *foreign) metric(o *Options, i int) string {
	switch {
	case i < len(o.Metrics):
		return o.Metrics[i]
	case i < len(f.metrics):
		return f.metrics[i]
	case i == 0:
		return "value"
	}
	return fmt.Sprintf("value_%d", i)
}

// see remembers the order in which parameters were first met.
func (f *foreign) see(name string) {
	if !slices.Contains(f.order, name) {
		f.order = append(f.order, name)
	}
}

// history makes one of ours of it.
func (f *foreign) history(o *Options) (*History, error) {
	h := &History{Name: f.name, Tool: f.tool}
	slices.SortStableFunc(f.trials, func(a, b *attempt) int { return cmp.Compare(a.number, b.number) })
	var trials []*attempt
	open := 0
	objectives := max(len(f.goals), 1)
	for _, t := range f.trials {
		if t.state == "" {
			open++
			continue
		}
		trials = append(trials, t)
	}
	if open > 0 {
		f.note("%d trials are left out: they have not ended", open)
	}
	if len(trials) == 0 {
		return nil, errors.New("no trial in it has ended")
	}
	for i := range objectives {
		goal := search.Minimize
		if i < len(f.goals) && f.goals[i] != "" {
			goal = f.goals[i]
		} else if i == 0 && o.Goal != "" {
			goal = o.Goal
		}
		h.Objectives = append(h.Objectives, search.Objective{Metric: f.metric(o, i), Goal: goal})
	}
	if len(o.Metrics) > objectives {
		return nil, fmt.Errorf("it has %d objectives, and %d metrics are named", objectives, len(o.Metrics))
	}
	if h.Space = f.space(trials); len(h.Space) == 0 {
		return nil, errors.New("it has no parameters")
	}
	if err := h.Space.Validate(); err != nil {
		return nil, err
	}
	var err error
	if h.Trials, err = f.records(h, trials); err != nil {
		return nil, err
	}
	h.Notes = f.notes
	return h, nil
}

// records are the trials in the space. One that has no place there is left out.
func (f *foreign) records(h *History, trials []*attempt) (out []search.Record, err error) {
	outside := 0
	var why string
	for _, t := range trials {
		p, err := within(h.Space, t.params)
		if err != nil {
			if outside++; why == "" {
				why = fmt.Sprintf("trial %d: %v", t.number, err)
			}
			continue
		}
		r := search.Record{Trial: search.Trial{ID: len(out), Params: p, Source: fmt.Sprintf("%s: trial %d", f.tool, t.number)},
			State: t.state, Reason: t.reason, Seconds: t.seconds}
		r.Measurements = measured(h.Objectives, t)
		if m, ok := r.Last(); r.State.Usable() && (!ok || !finite(m.Metrics, h.Objectives)) {
			r.State, r.Reason = search.Diverged, cmp.Or(r.Reason, "its value is not a finite number")
		}
		out = append(out, r)
	}
	if outside > 0 {
		if len(out) == 0 {
			return nil, fmt.Errorf("no trial lies in the space: %s", why)
		}
		f.note("%d trials are left out: they do not lie in the space (%s)", outside, why)
	}
	return out, nil
}

// within are the params of a point of the space.
func within(space search.Space, params map[string]any) (search.Params, error) {
	var wrong error
	p := space.Fill(func(d *search.Dim) any {
		v, ok := params[d.Name]
		var err error
		if !ok {
			err = fmt.Errorf("it has no %s", d.Name)
		} else if v, err = d.Check(v); err == nil {
			return v
		}
		if wrong == nil {
			wrong = err
		}
		return d.Decode(0)
	})
	return p, wrong
}

// main is the name of the main objective's metric in a curve, until it has one.
const main = ""

// measured are the measurements of a trial: its curve, and its values at the end of it.
func measured(objectives []search.Objective, t *attempt) []search.Measurement {
	last := search.Measurement{Budget: 1, Metrics: search.Metrics{}}
	curve := t.curve
	for _, m := range curve {
		if v, ok := m.Metrics[main]; ok {
			delete(m.Metrics, main)
			m.Metrics[objectives[0].Metric] = v
		}
	}
	if len(curve) > 0 {
		last = curve[len(curve)-1]
		curve = curve[:len(curve)-1]
	} else if len(t.values) == 0 {
		return nil
	}
	for i, v := range t.values {
		last.Metrics[objectives[i].Metric] = v
	}
	return append(slices.Clip(curve), last)
}

func finite(m search.Metrics, objectives []search.Objective) bool {
	for _, o := range objectives {
		if v, ok := m[o.Metric]; !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
