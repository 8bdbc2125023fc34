package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"budwood"
	"budwood/learn/network"
	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
)

type compressCmd struct {
	Study    string         `arg:"" help:"Name of an ended study with data; its best network is made smaller."`
	Target   []string       `help:"How many times less it has to cost: size=4x, latency=2x, energy=2x, macs=2x or params=2x. May be given several times. Without it the whole front is searched." placeholder:"COST=TIMES"`
	MaxDrop  string         `help:"What may be lost on the validation rows: share of the rows, or of the RMSE." default:"0.5%" placeholder:"SHARE"`
	Strict   bool           `help:"--max-drop binds the upper end of the 95 % interval."`
	Methods  []string       `help:"What plans may do, of prune, rank and int8; all of them by default." placeholder:"METHOD"`
	Protect  []string       `help:"Layers that stay as they are, by a pattern of their paths." placeholder:"PATTERN"`
	Trial    string         `help:"Another trial of the study than its best, such as one of the front." placeholder:"t0012"`
	Name     string         `help:"Name of the compression; STUDY-c by default." placeholder:"NAME"`
	Trials   int            `help:"Plans that are tried." default:"24" placeholder:"N"`
	Epochs   int            `help:"Most epochs that a plan is trained." default:"9" placeholder:"N"`
	Parallel int            `help:"Plans at the same time; with more than one, what is tried next depends on which ends first." default:"1" placeholder:"N"`
	Seed     uint64         `help:"Seed of everything that is random." placeholder:"N"`
	Time     study.Duration `help:"End after this time, like 10m." placeholder:"TIME"`
	runFlags
}

// Run makes a trained network smaller, as a study whose trials are plans.
func (c *compressCmd) Run(a *app) error {
	o := study.CompressOptions{
		Name: c.Name, From: c.Study, Target: map[string]float64{}, Strict: c.Strict, Methods: c.Methods, Protect: c.Protect,
		Trials: c.Trials, Epochs: c.Epochs, Parallel: c.Parallel, Seed: c.Seed, Time: c.Time,
	}
	for _, t := range c.Target {
		if err := study.ParseTarget(t, o.Target); err != nil {
			return usageError{fmt.Errorf("--target: %w", err)}
		}
	}
	var err error
	if o.MaxDrop, err = study.ParseDrop(c.MaxDrop); err != nil {
		return usageError{fmt.Errorf("--max-drop: %w", err)}
	}
	if c.Trial != "" {
		id, err := trialNumber(c.Trial)
		if err != nil {
			return usageError{fmt.Errorf("--trial: %w", err)}
		}
		o.Trial = &id
	}
	db, err := a.read()
	if err != nil {
		return err
	}
	spec, err := study.Compression(a.ctx, db, o)
	if errors.As(err, new(*study.FieldError)) {
		err = usageError{err}
	}
	if err := cmp.Or(db.Close(), err); err != nil {
		return err
	}
	return c.runFlags.run(a, spec)
}

// compress makes the best network of an ended study smaller, if its file says so.
func (c *runFlags) compress(a *app, db *store.Store, spec *study.Spec) error {
	if spec.Then == nil {
		return nil
	}
	o, err := spec.Then.Options(spec.Name)
	if err != nil {
		return err
	}
	smaller, err := study.Compression(a.ctx, db, o)
	if err != nil {
		return err
	}
	return c.run(a, smaller)
}

// followSmaller shows the study that makes the best network of another one smaller, if
// its file says so.
func (a *app) followSmaller(db *store.Store, conn *connection, name string, plain bool) error {
	row, err := db.Study(a.ctx, name)
	if err != nil {
		return err
	}
	spec, err := specOf(&row)
	if err != nil || spec.Then == nil || row.State != store.StudyCompleted || row.Best < 0 || study.NotCompressed(row.Reason) {
		return err
	}
	o, err := spec.Then.Options(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "then    study %s makes its best network smaller\n", o.Name)
	return a.follow(db, conn, o.Name, plain)
}

// plans tells what a compression has tried, and what it chose.
func (a *app) plans(w io.Writer, spec *study.Spec, r *budwood.Result) error {
	if len(r.Trials) == 0 {
		return nil
	}
	t, rest := table{head: []string{"PLAN", "HOW", "LOST ±95 %", "WORST", "SIZE", "TIME", "AGREES"}}, table{head: []string{"  NOT TRAINED", "", "WHY"}}
	was, _ := r.Trials[0].Last()
	over := false
	for i := range r.Trials {
		p := &r.Trials[i]
		mark := " "
		m, ok := p.Last()
		if !ok {
			rest.add("  "+p.Name(), study.PlanInShort(p.Params), strings.TrimPrefix(study.DescribeReason(p.Reason), "infeasible: "))
			continue
		}
		v := m.Metrics
		switch {
		case r.Best != nil && p.ID == r.Best.ID:
			mark = "▸"
		case v[network.PlanCost] > 1:
			mark, over = "✗", true
		}
		speed := fmt.Sprintf("~%.3gx", was.Metrics[network.LatencyUS]/v[network.LatencyUS])
		if _, name := network.MeasuredOf(p.ID, 64); r.Test[name] > 0 {
			speed = fmt.Sprintf("%.3gx", r.Test[name])
		}
		times := func(metric string) string { return fmt.Sprintf("%.3gx", was.Metrics[metric]/v[metric]) }
		half := (v[network.DropHigh] - v[network.DropLow]) / 2
		t.add(mark+" "+p.Name(), study.PlanInShort(p.Params), fmt.Sprintf("%.2f ±%.2f", 100*v[network.Drop], 100*half), fmt.Sprintf("%.1f (%.0f)", 100*v[network.WorstDrop], v[network.WorstOf]),
			times(network.SizeBytes), speed, fmt.Sprintf("%.3f", v[network.Agrees]))
	}
	t.head[0] = "  PLAN"
	if err := t.print(w); err != nil {
		return err
	}
	if len(rest.rows) > 0 {
		if err := rest.print(w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, "LOST    % of validation rows, or of the RMSE; WORST: the class that loses most")
	if over {
		fmt.Fprintf(w, "✗       it loses more than %s %%\n", search.FormatNumber(100*spec.Compress.MaxDrop))
	}
	fmt.Fprintln(w, "TIME    measured by turns for the front (64 rows at once); ~ is predicted by")
	fmt.Fprintf(w, "        %s\n", spec.Clock.Machine.Measured())
	if r.Best == nil || len(r.Test) == 0 {
		return nil
	}
	if study.DescribePlan(r.Best.Params) == study.AsItIs {
		fmt.Fprintf(w, "test    %s\n", testOf(r.Test))
		return nil
	}
	fmt.Fprintf(w, "chosen  %s: %s%s\n", r.Best.Name(), study.DescribePlan(r.Best.Params), trainedFor(r.Best))
	fmt.Fprintf(w, "test    %s, lost there %.4f\n", testOf(r.Test), r.Test["test_"+network.Drop])
	for _, batch := range []string{"1", "64"} {
		speed := r.Test["measured_speedup_"+batch]
		note := ""
		if speed <= 1.02 {
			note = ": it is smaller, and not faster"
		}
		fmt.Fprintf(w, "speed   measured by turns, rows at once %s: %.3g → %.3g µs of CPU a row, %.2fx%s\n",
			batch, r.Test["original_measured_us_"+batch], r.Test["plan_measured_us_"+batch], speed, note)
	}
	if saved := (r.Test["original_"+network.InferenceMWh] - r.Test["plan_"+network.InferenceMWh]) / 1e6; saved > 0 { // Wh of a row
		fmt.Fprintf(w, "pays    for its own energy after about %.2g million rows, by predicted energy\n", r.Joules/3600/saved/1e6)
	}
	return nil
}

// trainedFor says how long a plan was trained.
func trainedFor(p *search.Record) string {
	if m, ok := p.Last(); ok && study.DescribePlan(p.Params) != study.AsItIs {
		return fmt.Sprintf(", %d epochs", m.Budget)
	}
	return ""
}

// testOf is the test's score in words, without what was measured beside it.
func testOf(m search.Metrics) string {
	out := search.Metrics{}
	for k, v := range m {
		if strings.HasPrefix(k, "test_") && k != "test_"+network.Drop && k != "test_"+network.Agrees {
			out[k] = v
		}
	}
	return metricsLine(out)
}

// nothingFits is an error for a compression without a plan that reaches its target and loses
// no more than it may. It names the nearest ones.
func nothingFits(row *store.Study, r *budwood.Result) error {
	spec, err := specOf(row)
	if err != nil || spec.Compress == nil || study.DescribePlan(r.Best.Params) != study.AsItIs {
		return err
	}
	list := slices.Clone(search.Counted(r.Trials))
	list = slices.DeleteFunc(list, func(t search.Record) bool {
		m, ok := t.Last()
		return !ok || t.ID == r.Best.ID || m.Metrics[network.PlanCost] <= 1
	})
	slices.SortStableFunc(list, func(a, b search.Record) int {
		x, _ := a.Last()
		y, _ := b.Last()
		return cmp.Compare(x.Metrics[network.Drop], y.Metrics[network.Drop])
	})
	near := ""
	for _, t := range list[:min(3, len(list))] {
		m, _ := t.Last()
		near += fmt.Sprintf("; %s (%s) loses %.4f", t.Name(), study.DescribePlan(t.Params), m.Metrics[network.Drop])
	}
	if near == "" {
		near = "; no plan reaches the target"
	}
	return fmt.Errorf("nothing fits: no plan reaches the target and loses at most %g%s: allow more with --max-drop, ask for less with --target, or try more with --trials", spec.Compress.MaxDrop, near)
}
