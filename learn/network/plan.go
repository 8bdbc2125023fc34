package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
	"budwood/learn"
	"budwood/search"
	"budwood/trials"
)

// PlanTable are the hyperparameters of a plan: what is done to a trained network to make
// it smaller. See [Compression].
var PlanTable = []Hyperparameter{
	{Name: "keep", Is: "share of the multiply-accumulates that is left when channels are cut; 1: none are cut", Default: 1., Lo: .01, Hi: 1},
	{Name: "rank", Is: "share of the multiply-accumulates that is left when layers become products of thin ones; 1: none do", Default: 1., Lo: .01, Hi: 1},
	{Name: "importance", Is: "how the importance of channels is measured", Default: "l1", Options: []string{string(compress.L1), string(compress.L2), string(compress.BNScale), string(compress.Random)}},
}

// The metrics of a plan beside those of its network, all against the original on the same
// rows.
const (
	PlanCost  = "plan_cost"  // the share of the latency that is left; above 1 if more is lost than may be
	Drop      = "drop"       // what is lost: share of the rows, or of the RMSE
	DropLow   = "drop_low"   // the ends of its 95 % interval
	DropHigh  = "drop_high"  //
	Agrees    = "agrees"     // share of equal answers
	WorstDrop = "worst_drop" // what the class loses that loses most
	WorstOf   = "worst_of"   // its number
)

// Compression is the objective of a study that makes a trained network smaller: a
// candidate is a plan (see [PlanTable]), and its epochs train what it leaves.
type Compression struct {
	Source  func(ctx context.Context, cpu string) (*engine.Net, error) // the original, on an instruction set
	Target  map[string]float64                                         // by metric, how many times less than the original a plan has to cost
	MaxDrop float64                                                    // what may be lost
	Strict  bool                                                       // MaxDrop binds the upper end of the interval
	Protect []string                                                   // layers that are never cut
	Clock   Clock
}

// step is a way to make a network smaller.
type step struct {
	name string
	do   func(c *Compression, n *engine.Net, p planned) (*engine.Net, error)
	asks func(p planned) bool
}

// planned is a plan as it was read.
type planned struct {
	keep, rank float64
	importance compress.Importance
	seed       uint64
}

// steps are the methods, in the order in which they are applied.
var steps = []step{
	{"prune", (*Compression).prune, func(p planned) bool { return p.keep < 1 }},
	{"rank", (*Compression).thin, func(p planned) bool { return p.rank < 1 }},
}

func readPlan(p search.Params, seed uint64) (planned, error) {
	r := Reader{Params: p, Table: PlanTable}
	out := planned{r.Number("keep"), r.Number("rank"), compress.Importance(r.Choice("importance")), seed}
	return out, r.Err
}

// untouched reports whether a plan leaves the network as it is.
func (p planned) untouched() bool {
	for _, s := range steps {
		if s.asks(p) {
			return false
		}
	}
	return true
}

func (c *Compression) prune(n *engine.Net, p planned) (*engine.Net, error) {
	scores, err := compress.Scores(n, p.importance, compress.Evidence{Seed: p.seed})
	if err != nil {
		return nil, err
	}
	keep, err := compress.Choose(n.Layer(), n.In(), scores, compress.Budget{MACs: p.keep, Protect: c.Protect})
	if err != nil {
		return nil, err
	}
	return compress.Prune(n, keep)
}

func (c *Compression) thin(n *engine.Net, p planned) (*engine.Net, error) {
	ranks, _, err := compress.RanksForMACs(n, p.rank)
	if err != nil {
		return nil, err
	}
	return compress.LowRank(n, ranks)
}

// apply is the network that a plan makes of another one.
func (c *Compression) apply(n *engine.Net, p planned) (*engine.Net, error) {
	for _, s := range steps {
		if !s.asks(p) {
			continue
		}
		var err error
		if n, err = s.do(c, n, p); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return n, nil
}

// costsOf are the costs of a network that a target may name.
func (c *Compression) costsOf(n *engine.Net) (search.Metrics, error) {
	m, err := c.Clock.costs(n)
	if err == nil {
		m["params"], m["macs"] = float64(n.Cost().Params), float64(n.Cost().MACs)
	}
	return m, err
}

// share is the share of the latency that is left, and an error if a target is missed. One
// that is smaller and not faster is still better than the original.
func (c *Compression) share(was, now search.Metrics) (float64, error) {
	for _, name := range slices.Sorted(maps.Keys(c.Target)) {
		if times := was[name] / now[name]; times < c.Target[name] {
			return 0, fmt.Errorf("%s is %.2f times less, and is to be %.3g times less: not trained", name, times, c.Target[name])
		}
	}
	return min(now[LatencyUS]/was[LatencyUS], .99), nil
}

// plannedTrainer makes the network of a plan and its trainer.
func (s Supervised) plannedTrainer(p search.Params, train *data.Set, epochs int, seed uint64) (*engine.Trainer, error) {
	plan, err := readPlan(s.all(p), seed)
	if err != nil {
		return nil, err
	}
	recipe, err := ReadRecipe(s.all(p))
	if err != nil {
		return nil, err
	}
	net, err := s.Plan.Source(context.Background(), s.cpu)
	if err != nil {
		return nil, err
	}
	if net, err = s.Plan.apply(net, plan); err != nil {
		return nil, err
	}
	cfg := recipe.network(train, seed)
	cfg.CPU = s.cpu
	out, err := engine.Compile(net.Layer(), net.In(), cfg)
	if err != nil {
		return nil, err
	}
	copy(out.Params(), net.Params())
	for i, t := range net.Statistics() {
		copy(out.Statistics()[i].Data, t.Data)
	}
	c := recipe.config(epochs, seed)
	c.Mesh = s.Mesh
	return engine.NewTrainer(out, c)
}

// compressed is a plan whose network is trained, and judged beside the original.
type compressed struct {
	*members
	plan     planned
	was, now search.Metrics // costs
	share    float64
	original []float32 // outputs of the original for the validation rows
}

// trainPlan carries out a plan: what it cannot reach is not trained.
func (s Supervised) trainPlan(ctx context.Context, t *trials.Trial) error {
	original, err := s.Plan.Source(ctx, s.cpu)
	if err != nil {
		return fmt.Errorf("the original: %w", err)
	}
	plan, err := readPlan(s.all(t.Params), t.Seed())
	if err != nil {
		return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	c := &compressed{plan: plan}
	if c.members, err = s.members(t.Params, t.Total(), t.Seed(), nil); err != nil {
		return err
	}
	net := c.trainers[0].Net()
	if c.was, err = s.Plan.costsOf(original); err == nil {
		c.now, err = s.Plan.costsOf(net)
	}
	if err != nil {
		return err
	}
	if c.share, err = s.Plan.share(c.was, c.now); err != nil && !plan.untouched() {
		return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	if plan.untouched() {
		c.share = 1
	}
	valid := s.folds()[0].Valid
	c.original = make([]float32, valid.Len()*original.Out().Size())
	if _, err := original.EvaluateTo(c.original, valid); err != nil {
		return err
	}
	if c.outputs == nil {
		c.outputs = make([][]float32, 1)
	}
	if plan.untouched() && !t.Resumed() {
		t.Skip(t.Task().To - 1)
	} else if !t.Resumed() {
		if err := net.Recalibrate(s.folds()[0].Train, calibration); err != nil {
			return err
		}
	}
	return learn.Run(t, c)
}

// Epoch trains what a plan has changed.
func (c *compressed) Epoch() error {
	if c.plan.untouched() {
		return nil
	}
	return c.members.Epoch()
}

// Size is what the network costs.
func (c *compressed) Size() search.Metrics { return c.now }

// Score compares the network with the original, row by row.
func (c *compressed) Score() (search.Metrics, error) {
	m, err := c.members.Score()
	if err != nil {
		return nil, err
	}
	outputs, rows := c.predictions()
	v := Compare(c.original, outputs, rows, c.s.Data.Classes)
	v.into(m)
	m[PlanCost] = c.share + 1e-3*v.Drop // of two that cost the same the better one
	lost := v.Drop
	if c.s.Plan.Strict {
		lost = v.High
	}
	if lost > c.s.Plan.MaxDrop && !c.plan.untouched() {
		m[PlanCost] = 1 + lost
	}
	return m, nil
}

// Verdict is what a network loses against another one on the same rows.
type Verdict struct {
	Drop, Low, High float64 // share of the rows, or of the RMSE, and its 95 % interval
	Agrees          float64 // share of equal answers; of numbers the correlation of the outputs
	Worst           float64 // what the class loses that loses most, 0 for numbers
	WorstOf         int
}

func (v *Verdict) into(m search.Metrics) {
	m[Drop], m[DropLow], m[DropHigh], m[Agrees] = v.Drop, v.Low, v.High, v.Agrees
	m[WorstDrop], m[WorstOf] = v.Worst, float64(v.WorstOf)
}

// Compare compares outputs for the same rows. Of classes what counts is the share that is
// right, with the interval of the paired difference, which comes from the rows where the two
// disagree (the Wald form of McNemar's test); of numbers the mean squared error, from the
// differences of the squared errors.
func Compare(was, now []float32, rows *data.Set, classes int) Verdict {
	if classes == 0 {
		return compareValues(was, now, rows.Target)
	}
	a, b := data.Argmax(was, classes), data.Argmax(now, classes)
	n := float64(len(rows.Class))
	lost, won, same := 0., 0., 0.
	of, net := make([]float64, classes), make([]float64, classes)
	for i, c := range rows.Class {
		of[c]++
		if a[i] == b[i] {
			same++
		}
		switch {
		case a[i] == c && b[i] != c:
			lost++
			net[c]++
		case a[i] != c && b[i] == c:
			won++
			net[c]--
		}
	}
	v := Verdict{Drop: (lost - won) / n, Agrees: same / n, Worst: math.Inf(-1)}
	half := 1.96 * math.Sqrt(max((lost+won)/n-v.Drop*v.Drop, 0)/n)
	v.Low, v.High = v.Drop-half, v.Drop+half
	for c := range of {
		if d := net[c] / max(of[c], 1); of[c] > 0 && d > v.Worst {
			v.Worst, v.WorstOf = d, c
		}
	}
	return v
}

func compareValues(was, now, target []float32) Verdict {
	n := float64(len(target))
	before, sum, squares, close := 0., 0., 0., 0.
	for i, t := range target {
		a, b := float64(was[i]-t), float64(now[i]-t)
		d := b*b - a*a
		before, sum, squares = before+a*a, sum+d, squares+d*d
		if math.Abs(b-a) <= .1*math.Abs(a)+1e-6 {
			close++
		}
	}
	mean := sum / n
	half := 1.96 * math.Sqrt(max(squares/n-mean*mean, 0)/n)
	mse := max(before/n, 1e-30)
	relative := func(d float64) float64 { return math.Sqrt(max(1+d/mse, 0)) - 1 }
	return Verdict{Drop: relative(mean), Low: relative(mean - half), High: relative(mean + half), Agrees: close / n}
}

// TestPlan compares a plan's network with the original on the test rows.
func (s Supervised) TestPlan(ctx context.Context, net *engine.Net, m search.Metrics) error {
	original, err := s.Plan.Source(ctx, cmp.Or(s.cpu, net.CPU()))
	if err != nil {
		return err
	}
	test := s.Data.Test
	was, now := make([]float32, test.Len()*net.Out().Size()), make([]float32, test.Len()*net.Out().Size())
	_, err = original.EvaluateTo(was, test)
	_, e := net.EvaluateTo(now, test)
	if err := errors.Join(err, e); err != nil {
		return err
	}
	v := Compare(was, now, test, s.Data.Classes)
	m["test_"+Drop], m["test_"+Agrees] = v.Drop, v.Agrees
	before, err := s.Plan.costsOf(original)
	if err != nil {
		return err
	}
	after, err := s.Plan.costsOf(net)
	if err != nil {
		return err
	}
	for k, v := range before {
		m["original_"+k] = v
		m["plan_"+k] = after[k]
	}
	return Turns(original, net, test, m)
}
