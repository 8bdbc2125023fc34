package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
	"budwood/engine/quant"
	"budwood/search"
)

// PlanTable are the hyperparameters of a plan: what is done to a trained network to make
// it smaller. See [Compression].
var PlanTable = []Hyperparameter{
	{Name: "keep", Is: "share of the multiply-accumulates that is left when channels are cut; 1: none are cut", Default: 1., Lo: .01, Hi: 1},
	{Name: "rank", Is: "share of the multiply-accumulates that is left when layers become products of thin ones; 1: none do", Default: 1., Lo: .01, Hi: 1},
	{Name: "int8", Is: "layers that compute in integers of 8 bits; inner: all but the first and the last", Default: floatsOnly, Options: []string{floatsOnly, "inner", "all"}},
	{Name: "calibration", Is: "how the ranges of values in integers are found", Default: "minmax", Options: []string{"minmax", "percentile", "mse"}},
	{Name: "importance", Is: "how the importance of channels is measured", Default: "l1", Options: []string{string(compress.L1), string(compress.L2), string(compress.BNScale), string(compress.Random)}},
}

// floatsOnly says that no layer computes in integers.
const floatsOnly = "no"

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
	Protect []string                                                   // layers that are never cut, and stay in float32
	Rows    int                                                        // training rows for calibration of integers; 0 means 512
	Clock   Clock
}

// step is a way to make a network smaller.
type step struct {
	name string
	do   func(c *Compression, n *engine.Net, p planned) (made *engine.Net, twice map[string]int, err error) // twice: layers that have become two
	asks func(p planned) bool
}

// planned is a plan as it was read.
type planned struct {
	keep, rank  float64
	importance  compress.Importance
	int8        string
	calibration quant.Calibration
	seed        uint64
}

// steps are the methods, in the order in which they are applied.
var steps = []step{
	{"prune", (*Compression).prune, func(p planned) bool { return p.keep < 1 }},
	{"rank", (*Compression).thin, func(p planned) bool { return p.rank < 1 }},
}

func readPlan(p search.Params, seed uint64) (planned, error) {
	r := Reader{Params: p, Table: PlanTable}
	out := planned{r.Number("keep"), r.Number("rank"), compress.Importance(r.Choice("importance")), r.Choice("int8"), quant.Calibration{Method: r.Choice("calibration")}, seed}
	if out.calibration.Method == "percentile" {
		out.calibration.Percentile = 99.99
	}
	return out, r.Err
}

// trains reports whether a plan changes what the network is made of: then it is trained.
func (p planned) trains() bool {
	return slices.ContainsFunc(steps, func(s step) bool { return s.asks(p) })
}

// untouched reports whether a plan leaves the network as it is.
func (p planned) untouched() bool { return !p.trains() && p.int8 == floatsOnly }

// floats are the paths of the layers of a network that a plan in integers leaves in float32,
// of those that could be in integers. origin are the paths in the original.
func (c *Compression) floats(n *engine.Net, p planned, origin map[string]string) (keep []string, err error) {
	paths, own, err := quant.Layers(n)
	if err != nil {
		return nil, err
	}
	for i, at := range paths {
		if p.int8 == "inner" && (i == 0 || i == len(paths)-1) || compress.Protected(cmp.Or(origin[own[i]], own[i]), c.Protect) {
			keep = append(keep, at)
		}
	}
	if len(keep) == len(paths) {
		return nil, errors.New("no layer would compute in integers")
	}
	return keep, nil
}

func (c *Compression) prune(n *engine.Net, p planned) (*engine.Net, map[string]int, error) {
	scores, err := compress.Scores(n, p.importance, compress.Evidence{Seed: p.seed})
	if err != nil {
		return nil, nil, err
	}
	keep, err := compress.Choose(n.Layer(), n.In(), scores, compress.Budget{MACs: p.keep, Protect: c.Protect})
	if err != nil {
		return nil, nil, err
	}
	n, err = compress.Prune(n, keep)
	return n, nil, err
}

func (c *Compression) thin(n *engine.Net, p planned) (*engine.Net, map[string]int, error) {
	ranks, _, err := compress.RanksForMACs(n, p.rank, c.Protect...)
	if err != nil {
		return nil, nil, err
	}
	n, err = compress.LowRank(n, ranks)
	return n, ranks, err
}

// apply is the network that a plan makes of another one, and where its layers with weights
// have been there, by their paths.
func (c *Compression) apply(n *engine.Net, p planned) (*engine.Net, map[string]string, error) {
	was := matrices(n)
	origin := was // of each layer, in their order
	for _, s := range steps {
		if !s.asks(p) {
			continue
		}
		made, twice, err := s.do(c, n, p)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
		var next []string
		for i, at := range was {
			next = append(next, origin[i])
			if twice[at] > 0 {
				next = append(next, origin[i])
			}
		}
		n, was, origin = made, matrices(made), next
		if len(was) != len(origin) { // a projection has become a layer of its own
			origin = was
		}
	}
	out := map[string]string{}
	for i, at := range was {
		out[at] = origin[i]
	}
	return n, out, nil
}

// matrices are the paths of layers with a matrix of weights, in their order.
func matrices(n *engine.Net) (paths []string) {
	for _, t := range n.Tensors() {
		if at, ok := strings.CutSuffix(t.Name, ".weight"); ok && len(t.Shape) > 1 {
			paths = append(paths, at)
		}
	}
	return paths
}

// costsOf are the costs of a network that a target may name.
func (c *Compression) costsOf(n Net) (search.Metrics, error) {
	of, m, err := (*engine.Net)(nil), search.Metrics(nil), error(nil)
	switch n := n.(type) {
	case Integers:
		of = n.Of
		m, err = c.Clock.costsInIntegers(n)
	case *engine.Net:
		of = n
		m, err = c.Clock.costs(n)
	}
	if err == nil {
		m["params"], m["macs"] = float64(of.Cost().Params), float64(of.Cost().MACs)
	}
	return m, err
}

// share is the share of the latency that is left, and an error if a target is missed. One
// that is smaller and not faster is still better than the original.
func (c *Compression) share(was, now search.Metrics) (float64, error) {
	for _, name := range slices.Sorted(maps.Keys(c.Target)) {
		if times := was[name] / now[name]; times < c.Target[name] {
			return 0, fmt.Errorf("%s is %.2f times less, not %.3g", name, times, c.Target[name])
		}
	}
	return min(now[LatencyUS]/was[LatencyUS], .99), nil
}

// plannedTrainer makes the network of a plan and its trainer, and tells where its layers
// have been in the original.
func (s Supervised) plannedTrainer(p search.Params, plan planned, train *data.Set, epochs int) (tr *engine.Trainer, origin map[string]string, err error) {
	recipe, err := ReadRecipe(s.all(p))
	if err != nil {
		return nil, nil, err
	}
	net, err := s.Plan.Source(context.Background(), s.cpu)
	if err != nil {
		return nil, nil, err
	}
	if net, origin, err = s.Plan.apply(net, plan); err != nil {
		return nil, nil, err
	}
	seed := plan.seed
	cfg := recipe.network(train, seed)
	cfg.CPU = s.cpu
	out, err := engine.Compile(net.Layer(), net.In(), cfg)
	if err != nil {
		return nil, nil, err
	}
	copy(out.Params(), net.Params())
	for i, t := range net.Statistics() {
		copy(out.Statistics()[i].Data, t.Data)
	}
	c := recipe.config(epochs, seed)
	c.Mesh = s.Mesh
	tr, err = engine.NewTrainer(out, c)
	return tr, origin, err
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
func (s Supervised) TestPlan(ctx context.Context, net Net, m search.Metrics) error {
	original, err := s.Plan.Source(ctx, s.cpu)
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
