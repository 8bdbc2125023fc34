package main

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"

	"budwood"
	"budwood/hpo"
	"budwood/report"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/store"
)

type showCmd struct {
	Study string `arg:"" help:"Name of the study."`
	Trial string `arg:"" optional:"" help:"A trial, like t0012: its parameters and its curve."`
	Log   bool   `help:"Show only what the command of a trial printed, as a terminal would show it in the end."`
	Raw   bool   `help:"With --log: the unchanged bytes. A terminal obeys the control sequences in them."`
	Sort  string `enum:"trial,value" default:"trial" help:"Order of the trials: trial or value."`
	Limit int    `short:"n" default:"-1" help:"Largest number of trials to show: the latest, or with --sort value the best. 0: all. Default: 200 in a table, else all." placeholder:"N"`
	output
}

// showSample is how many trials statistics of a large study are made from.
const showSample = 1000

func (c *showCmd) Run(a *app) error {
	if c.Log && c.Trial == "" {
		return usageError{fmt.Errorf("--log: of which trial? for example: budwood show %s t0000 --log", c.Study)}
	}
	if c.Raw && !c.Log {
		return usageError{errors.New("--raw belongs to --log")}
	}
	store, err := a.read()
	if err != nil {
		return err
	}
	defer store.Close()
	if c.Log {
		return c.showLog(a)
	}
	r, err := budwood.ReadBest(a.ctx, store, c.Study)
	if err != nil {
		return err
	}
	if c.Trial != "" {
		return c.showTrial(a, store, r)
	}
	list, err := c.trials(a, store, r)
	if err != nil {
		return err
	}
	if c.Output == "csv" {
		return report.CSV(exact(a.stdout), list)
	}
	if err := c.write(a.stdout, trialTable(r.Objectives, list), list); err != nil || c.Output != "table" {
		return err
	}
	if len(list) < r.Count {
		fmt.Fprintf(a.stdout, "… %d of %d trials; all with --limit 0\n", len(list), r.Count)
	}
	fmt.Fprintf(a.stdout, "\n%s\n", r)
	if r.Note != "" {
		fmt.Fprintf(a.stdout, "note: %s\n", r.Note)
	}
	row, err := store.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	if list, err = store.Sample(a.ctx, c.Study, showSample); err != nil {
		return err
	}
	versions, err := store.Versions(a.ctx, c.Study)
	if err != nil {
		return err
	}
	if line := study.DescribeVersions(c.Study, versions); line != "" {
		fmt.Fprintf(a.stdout, "versions: %s\n", line)
	}
	list = search.Counted(list)
	if line := importance(row.Space, list, r.Main()); line != "" {
		fmt.Fprintf(a.stdout, "importance: %s\n", line)
	}
	spec, err := specOf(&row)
	if err != nil || spec.Architecture == nil && len(r.Objectives) < 2 {
		return err
	}
	if list, err = store.Records(a.ctx, c.Study); err != nil {
		return err
	}
	list = search.Counted(list)
	fmt.Fprint(a.stdout, study.DescribeFront(r.Objectives, list))
	text, err := study.DescribeSearch(spec, list)
	fmt.Fprint(a.stdout, text)
	return err
}

// trialTable has a line for each trial. What a proposal was made from is told of one
// trial at a time.
func trialTable(objectives []search.Objective, list []search.Record) table {
	var shown []string // metrics; the energy has its column
	for i, o := range objectives {
		if i == 0 || o.Metric != trials.EnergyWh {
			shown = append(shown, o.Metric)
		}
	}
	t := table{head: []string{"TRIAL", "STATE", "EPOCHS"}}
	t.head = append(t.head, shown...)
	t.head = append(t.head, "WH", "FROM", "PARAMS", "REASON")
	for i := range list {
		rec := &list[i]
		row := []string{rec.Name(), string(rec.State), "-"}
		m, ok := rec.Last()
		if ok {
			row[2] = strconv.Itoa(m.Budget)
		}
		for _, k := range shown {
			cell := "-"
			if v, ok := m.Metrics[k]; ok {
				cell = search.FormatNumber(v)
			}
			row = append(row, cell)
		}
		reason := rec.Reason
		if rec.Aside != "" {
			row[1], reason = "set aside", rec.Aside
		}
		t.add(append(row, wattHours(rec.Joules), proposer(rec.Source), study.DescribeParams(rec.Params), study.DescribeReason(reason))...)
	}
	return t
}

// proposer is a trial's source without the sampler's explanation: "auto: tpe" of
// "auto: tpe: 6 of 7 results are …".
func proposer(source string) string {
	parts := strings.SplitN(source, ": ", 3)
	switch parts[0] {
	case "warm start":
		return source
	case "auto":
		return strings.Join(parts[:min(len(parts), 2)], ": ")
	}
	return parts[0]
}

// trials are those to show, in their order.
func (c *showCmd) trials(a *app, store *store.Store, r *budwood.Result) ([]search.Record, error) {
	limit := c.Limit
	if limit < 0 {
		limit = 0
		if c.Output == "table" {
			limit = 200
		}
	}
	switch {
	case limit > 0 && limit < r.Count && c.Sort == "value":
		return store.Top(a.ctx, c.Study, limit)
	case limit > 0 && limit < r.Count:
		return store.Latest(a.ctx, c.Study, limit)
	}
	list, err := store.Records(a.ctx, c.Study)
	if err == nil && c.Sort == "value" {
		sort.SliceStable(list, func(i, j int) bool {
			x, xok := list[i].Loss(r.Main())
			y, yok := list[j].Loss(r.Main())
			return xok && (!yok || x < y)
		})
	}
	return list, err
}

// importance lists the parameters that matter most for the best trials.
func importance(space search.Space, all []search.Record, main search.Objective) string {
	var out []string
	for _, x := range hpo.PEDANOVA(space, all, main, 0) {
		if x.Share >= .01 && len(out) < 8 {
			out = append(out, fmt.Sprintf("%s %.0f %%", x.Param, 100*x.Share))
		}
	}
	return strings.Join(out, ", ")
}

// showLog prints what a trial's command printed in its last segment.
func (c *showCmd) showLog(a *app) error {
	id, err := trialNumber(c.Trial)
	if err != nil {
		return err
	}
	blobs, err := a.openBlobs()
	if err != nil {
		return err
	}
	text, err := trials.Output(a.ctx, blobs, c.Study, id)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("nothing is kept of what trial %s printed: its objective is not a command, or it trained elsewhere", search.TrialName(id))
	}
	if err != nil {
		return err
	}
	out := a.stdout
	if c.Raw {
		out = exact(out)
	}
	_, err = out.Write(text)
	return err
}

func (c *showCmd) showTrial(a *app, store *store.Store, r *budwood.Result) error {
	rec, err := a.chosen(store, r, c.Trial)
	if err != nil {
		return err
	}
	curve, err := store.Curve(a.ctx, c.Study, rec.ID)
	if err != nil {
		return err
	}
	workers, err := store.Workers(a.ctx, c.Study, rec.ID)
	if err != nil {
		return err
	}
	version, err := store.Version(a.ctx, c.Study, rec.Version)
	if err != nil {
		return err
	}
	metrics := map[string]bool{}
	for _, m := range curve {
		for k := range m.Metrics {
			metrics[k] = true
		}
	}
	var names []string
	for k := range metrics {
		names = append(names, k)
	}
	sort.Strings(names)
	t := table{head: append([]string{"EPOCH"}, names...)}
	for _, m := range curve {
		row := []string{strconv.Itoa(m.Budget)}
		for _, k := range names {
			cell := ""
			if v, ok := m.Metrics[k]; ok {
				cell = search.FormatNumber(v)
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	if c.Output == "table" {
		fmt.Fprintf(a.stdout, "%s of %s: %s\n", rec.Name(), c.Study, rec.State)
		if rec.Reason != "" {
			fmt.Fprintf(a.stdout, "reason  %s\n", rec.Reason)
		}
		if rec.Aside != "" {
			fmt.Fprintf(a.stdout, "aside   it does not count: %s; to count it again: budwood trial keep %s %s\n", rec.Aside, c.Study, rec.Name())
		}
		fmt.Fprintf(a.stdout, "from    %s\nenergy  %s Wh in %.1f s%s\n", rec.Source, wattHours(rec.Joules), rec.Seconds, anEpoch(rec))
		if len(workers) > 0 {
			fmt.Fprintf(a.stdout, "worker  %s\n", strings.Join(workers, ", then "))
		}
		if rec.Version != "" {
			fmt.Fprintf(a.stdout, "version %s%s\n", rec.Version, partsOf(version))
		}
		if rec.Kernels != "" {
			fmt.Fprintf(a.stdout, "kernels %s\n", rec.Kernels)
		}
		for _, note := range rec.Notes {
			fmt.Fprintf(a.stdout, "note    %s\n", note)
		}
		printParams(a.stdout, "params  ", rec.Params)
		if len(curve) == 0 {
			return nil
		}
		fmt.Fprintln(a.stdout)
	}
	return c.write(a.stdout, t, struct {
		*search.Record
		Workers []string             `json:"workers,omitempty"`
		Curve   []search.Measurement `json:"curve"`
	}{rec, workers, curve})
}

// anEpoch is how long an epoch of a trial has taken, beside which its notes have what was
// predicted; "" before the first.
func anEpoch(r *search.Record) string {
	m, ok := r.Last()
	if !ok || m.Budget == 0 || r.Seconds == 0 {
		return ""
	}
	return fmt.Sprintf(", %s an epoch", seconds(r.Seconds/float64(m.Budget)))
}
