package main

import (
	"cmp"
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
	Protect  []string       `help:"Layers that stay as they are, by a pattern of their paths." placeholder:"PATTERN"`
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
		Name: c.Name, From: c.Study, Target: map[string]float64{}, Strict: c.Strict, Protect: c.Protect,
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
	db, err := a.read()
	if err != nil {
		return err
	}
	spec, err := study.Compression(a.ctx, db, o)
	if err := cmp.Or(db.Close(), err); err != nil {
		return err
	}
	return c.runFlags.run(a, spec)
}

// plans tells what a compression has tried, and what it chose.
func (a *app) plans(w io.Writer, spec *study.Spec, r *budwood.Result) error {
	t := table{head: []string{"  PLAN", "HOW", "LOST (95 %)", "WORST CLASS", "SIZE", "LATENCY", "ENERGY", "MACS", "AGREES"}}
	if len(r.Trials) == 0 {
		return nil
	}
	was, _ := r.Trials[0].Last()
	for i := range r.Trials {
		p := &r.Trials[i]
		name := "  " + p.Name()
		if r.Best != nil && p.ID == r.Best.ID {
			name = "▸ " + p.Name()
		}
		m, ok := p.Last()
		if !ok {
			t.add(name, study.DescribePlan(p.Params), study.DescribeReason(p.Reason))
			continue
		}
		v := m.Metrics
		times := func(metric string) string {
			return search.FormatNumber(round2(was.Metrics[metric]/v[metric])) + "x"
		}
		lost := fmt.Sprintf("%.4f (%.4f %.4f)", v[network.Drop], v[network.DropLow], v[network.DropHigh])
		if v[network.PlanCost] > 1 {
			lost += " over max-drop"
		}
		t.add(name, study.DescribePlan(p.Params)+trainedFor(p), lost, fmt.Sprintf("%.1f %% (class %.0f)", 100*v[network.WorstDrop], v[network.WorstOf]),
			times(network.SizeBytes), times(network.LatencyUS), times(network.InferenceMWh), times("macs"), fmt.Sprintf("%.3f", v[network.Agrees]))
	}
	for i, row := range t.rows { // a reason ends a row
		for len(row) < len(t.head) {
			row = append(row, "")
		}
		t.rows[i] = row
	}
	if err := t.print(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "costs   predicted, by %s; those of the original are 1x\n", spec.Clock.Machine.Measured())
	if r.Best == nil || len(r.Test) == 0 {
		return nil
	}
	if study.DescribePlan(r.Best.Params) == study.AsItIs {
		fmt.Fprintf(w, "test    %s\n", testOf(r.Test))
		return nil
	}
	fmt.Fprintf(w, "chosen  %s: %s; test %s, lost there %.4f\n", r.Best.Name(), study.DescribePlan(r.Best.Params), testOf(r.Test), r.Test["test_"+network.Drop])
	for _, batch := range []string{"1", "64"} {
		speed := r.Test["measured_speedup_"+batch]
		note := ""
		if speed <= 1.02 {
			note = ": it is smaller, and not faster"
		}
		fmt.Fprintf(w, "measured at batch %s by turns: %.3g → %.3g µs of processor time a row, %.2fx%s\n",
			batch, r.Test["original_measured_us_"+batch], r.Test["plan_measured_us_"+batch], speed, note)
	}
	if saved := (r.Test["original_"+network.InferenceMWh] - r.Test["plan_"+network.InferenceMWh]) / 1e6; saved > 0 { // Wh of a row
		fmt.Fprintf(w, "pays    for its own energy after about %.2g million rows, by predicted energy\n", r.Joules/3600/saved/1e6)
	}
	return nil
}

func round2(x float64) float64 {
	if x < 100 {
		return float64(int(100*x+.5)) / 100
	}
	return float64(int(x + .5))
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
