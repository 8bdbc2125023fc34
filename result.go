package budwood

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"budwood/report"
	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
)

// Result is how a study stands or ended.
type Result struct {
	Study  string
	State  store.StudyState
	Reason string          // why it ended, if not because its trials were done
	Best   *search.Record  // the best trial by the main objective, nil if none has a value
	Value  float64         // its objective, 0 without one
	Note   string          // what to know of the best: "" or that it was never trained to the end, and how to go on
	Test   search.Metrics  // its score on the test set, of studies with data that ended
	Trials []search.Record // all of them, those set aside included, by number; nil from [ReadBest]
	Count  int             // of trials
	Aside  int             // of them, how many are set aside
	Joules float64         // of all trials

	// Mixed says which trials were trained by which version of the objective, if not
	// all by the same one, and how to leave some out. Otherwise, and from [ReadBest], it
	// is "".
	Mixed string

	Space      search.Space
	Objectives []search.Objective // what the study optimises, the main one first
}

// Main is the objective that Best and Value are of.
func (r *Result) Main() search.Objective { return r.Objectives[0] }

// Front is the Pareto front of a study with several objectives: the trials that
// no other beats in all of them, the best by the main objective first. Trials are
// compared if they were trained to the end, or as long as there is none, those that
// were trained furthest: see [search.Front].
func (r *Result) Front() []search.Record {
	var out []search.Record
	for _, p := range search.ParetoFront(r.Trials, r.Objectives).Trials {
		i, _ := slices.BinarySearchFunc(r.Trials, p.Trial, func(t search.Record, id int) int { return t.ID - id })
		out = append(out, r.Trials[i])
	}
	return out
}

// WriteCSV writes the trials as a table, one a row: see [report.CSV].
func (r *Result) WriteCSV(w io.Writer) error { return report.CSV(w, r.Trials) }

// WriteHTML writes the study as one page of charts and tables: see [report.Write].
func (r *Result) WriteHTML(w io.Writer) error { return report.Write(w, r.Report()) }

// Report is the study as package report draws it, its learning curves from rung
// to rung.
func (r *Result) Report() *report.Study {
	return &report.Study{Name: r.Study, State: string(r.State), Reason: r.Reason, Space: r.Space, Objectives: r.Objectives, Trials: r.Trials, Test: r.Test,
		Params: study.DescribeParams}
}

// Load reads a study, running or ended, from a state directory; "" means [Home]. It
// needs no server and changes nothing.
func Load(ctx context.Context, home, study string) (*Result, error) {
	if home == "" {
		var err error
		if home, err = Home(); err != nil {
			return nil, err
		}
	}
	store, err := store.OpenReadOnly(StoreFile(home))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return ReadResult(ctx, store, study)
}

// ReadResult reads a study from the store.
func ReadResult(ctx context.Context, store *store.Store, name string) (*Result, error) {
	r, err := readBest(ctx, store, name)
	if err != nil {
		return nil, err
	}
	if r.Trials, err = store.Records(ctx, name); err != nil {
		return nil, err
	}
	versions, err := store.Versions(ctx, name)
	if err != nil {
		return nil, err
	}
	r.Mixed = study.DescribeVersions(name, versions)
	r.Count = len(r.Trials)
	for i := range r.Trials {
		r.Joules += r.Trials[i].Joules
		if r.Trials[i].Aside != "" {
			r.Aside++
		}
	}
	return r, nil
}

// ReadBest is ReadResult without the trials. Its time does not depend on the number
// of trials.
func ReadBest(ctx context.Context, store *store.Store, study string) (*Result, error) {
	r, err := readBest(ctx, store, study)
	if err != nil {
		return nil, err
	}
	list, err := store.Studies(ctx)
	for i := range list {
		if list[i].Name == study {
			r.Count, r.Joules, r.Aside = list[i].Count(), list[i].Energy.Joules, list[i].Aside
		}
	}
	return r, err
}

func readBest(ctx context.Context, store *store.Store, study string) (*Result, error) {
	row, err := store.Study(ctx, study)
	if err != nil {
		return nil, err
	}
	best, err := store.Top(ctx, study, 1)
	if err != nil {
		return nil, err
	}
	r := &Result{Study: study, State: row.State, Reason: row.Reason, Test: row.Test, Space: row.Space, Objectives: row.Objectives}
	if len(best) > 0 {
		r.Best = &best[0]
		m, _ := r.Best.Last()
		r.Value = m.Metrics[r.Main().Metric]
		r.Note, err = note(ctx, store, &row, r.Best)
	}
	return r, err
}

func note(ctx context.Context, store *store.Store, row *store.Study, best *search.Record) (string, error) {
	var spec study.Spec
	if len(row.Spec) == 0 || json.Unmarshal(row.Spec, &spec) != nil {
		return "", nil // of another program
	}
	took, err := study.Elapsed(ctx, store, row)
	return spec.Unfinished(row, best, took), err
}

// String is the result in one line.
func (r *Result) String() string {
	trials := fmt.Sprintf("%d trials", r.Count)
	if r.Aside > 0 {
		trials += fmt.Sprintf(" (%d set aside)", r.Aside)
	}
	if r.Best == nil {
		out := fmt.Sprintf("study %s: %s, %s, none with a value", r.Study, r.State, trials)
		if n := len(r.Trials); n > 0 {
			last := &r.Trials[n-1]
			out += fmt.Sprintf("; %s %s: %s", last.Name(), last.State, study.DescribeReason(last.Reason))
		}
		return search.OneLine(out)
	}
	out := fmt.Sprintf("study %s: %s, %s, %.3g Wh; best %s: %s with %s", r.Study, r.State, trials, r.Joules/3600, r.Best.Name(), r.Values(),
		study.DescribeParams(r.Best.Params))
	if r.Mixed != "" {
		out += "; mixed: " + r.Mixed
	}
	return search.OneLine(out)
}

// Values are the objectives of the best trial in words: "accuracy 0.97, params
// 5386"; "" if none has a value.
func (r *Result) Values() string {
	if r.Best == nil {
		return ""
	}
	return r.ValuesOf(r.Best)
}

// ValuesOf are the objectives of a trial in words, those that it has: "accuracy
// 0.97, params 5386".
func (r *Result) ValuesOf(t *search.Record) string {
	var out []string
	m, _ := t.Last()
	for _, o := range r.Objectives {
		if v, ok := m.Metrics[o.Metric]; ok {
			out = append(out, o.Metric+" "+search.FormatNumber(v))
		}
	}
	return strings.Join(out, ", ")
}
