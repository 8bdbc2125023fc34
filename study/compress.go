package study

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/learn/network"
	"budwood/learn/tabular"
	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/store"
)

// Compress makes a study one that makes a trained network smaller, which is its
// [Spec.Teacher]: a trial is a plan.
type Compress struct {
	Target  map[string]float64 `json:"target,omitempty"`  // by metric, how many times less a plan has to cost; nil: the whole front
	MaxDrop float64            `json:"max_drop"`          // what may be lost: share of the rows, or of the RMSE
	Strict  bool               `json:"strict,omitempty"`  // MaxDrop binds the upper end of the interval
	Protect []string           `json:"protect,omitempty"` // layers that stay as they are, by patterns of their paths
	Rows    int                `json:"rows,omitempty"`    // training rows for the ranges of integers; 0 means 512
	Trial   *int               `json:"trial,omitempty"`   // of the source; nil: its best
}

// CompressOptions say what a compression is to reach; zero values are defaults.
type CompressOptions struct {
	Name     string             // "" means that of the source with -c behind
	From     string             // an ended study with data
	Target   map[string]float64 // by size, latency, energy, macs or params; nil: the whole front
	MaxDrop  float64            // 0 means 0.005
	Strict   bool               // it binds the upper end of the 95 % interval
	Methods  []string           // of prune, rank and int8; nil: all
	Protect  []string           // layers that stay as they are, by patterns of their paths
	Trial    *int               // another trial of the source than its best
	FineTune FineTune
	Int8     Int8
	Trials   int // plans; 0 means 24
	Epochs   int // most epochs that a plan is trained; 0 means those of FineTune, or 9
	Parallel int // plans at the same time; 0 means 1, with which a study decides the same whatever interrupts it
	Seed     uint64
	Time     Duration // 0: no limit
}

// compressTargets are the names of costs, and their metrics.
var compressTargets = map[string]string{"size": network.SizeBytes, "latency": network.LatencyUS, "energy": network.InferenceMWh, "macs": "macs", "params": "params"}

// ParseTarget reads "size=4x" or "size=4x,latency=2x" into a target.
func ParseTarget(text string, into map[string]float64) error {
	for _, one := range strings.Split(text, ",") {
		name, times, ok := strings.Cut(strings.TrimSpace(one), "=")
		x, err := strconv.ParseFloat(strings.TrimSuffix(times, "x"), 64)
		names := slices.Sorted(maps.Keys(compressTargets))
		switch {
		case !ok || err != nil || !(x > 1 && x <= 1e6):
			return fmt.Errorf("%s is no target: write one like size=4x, above 1x", search.Quoted(one))
		case compressTargets[name] == "":
			return fmt.Errorf("there is no target %s%s; there are %s", search.Quoted(name), didYouMean(name, names), strings.Join(names, ", "))
		}
		into[name] = x
	}
	return nil
}

// ParseDrop reads "0.5%" or "0.005".
func ParseDrop(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(number, 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x < 1) {
		return 0, fmt.Errorf("%s is no share that may be lost: write one like 0.5%%", search.Quoted(text))
	}
	return x, nil
}

// Compression is the study that makes the best network of another study smaller.
func Compression(ctx context.Context, db *store.Store, o CompressOptions) (*Spec, error) {
	row, err := db.Study(ctx, o.From)
	if err != nil {
		return nil, err
	}
	var from Spec
	if err := json.Unmarshal(row.Spec, &from); err != nil {
		return nil, fmt.Errorf("study %s: its stored specification cannot be read: %w", o.From, err)
	}
	best, bad := trialOf(ctx, db, o.From, o.Trial)
	switch {
	case row.State == store.StudyRunning:
		return nil, fmt.Errorf("study %s has not ended", o.From)
	case from.Data == nil:
		return nil, fmt.Errorf("study %s: its objective is the user's own program, and only that program knows the network", o.From)
	case from.Compress != nil:
		return nil, fmt.Errorf("study %s is a compression already: compress %s with another target", o.From, from.teacher())
	case bad == nil && from.Learner(best.Params) != tabular.Network:
		return nil, fmt.Errorf("study %s: %s is a model of %s: only networks are made smaller; name another trial with --trial", o.From, best.Name(), from.Learner(best.Params))
	case from.Data.Split.CV > 0:
		return nil, fmt.Errorf("study %s: its network is the mean of %d folds: let one network learn from it first (train: {teacher: %s}), and compress that", o.From, from.Data.Split.CV, o.From)
	}
	if err := o.check(""); err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, bad
	}
	train := compressRecipe(from.Train, best.Params)
	lr, _ := train["lr"].(float64)
	delete(train, "lr")
	train[teacherKey] = o.From
	s := &Spec{
		Name: o.Name, Data: from.Data, Input: from.Input, Outputs: from.Outputs, Train: train,
		Objective: search.Objective{Metric: network.PlanCost, Goal: search.Minimize},
		Also:      []search.Objective{{Metric: network.Drop, Goal: search.Minimize}, {Metric: network.LatencyUS, Goal: search.Minimize}},
		Search:    Search{Sampler: "nsga2", Scheduler: "asha", WarmStart: "off", Seed: o.Seed, Parallel: o.Parallel, Eta: 2, Min: 3},
		Budget:    Budget{Trials: o.Trials, Epochs: o.Epochs, Time: o.Time},
		Compress:  &Compress{MaxDrop: o.MaxDrop, Strict: o.Strict, Protect: o.Protect, Rows: o.Int8.Rows, Trial: o.Trial, Target: map[string]float64{}},
	}
	if s.Name == "" {
		s.Name = o.From + compressedSuffix
	}
	if s.Compress.MaxDrop == 0 {
		s.Compress.MaxDrop = .005
	}
	s.Budget.Trials = cmp.Or(s.Budget.Trials, 24)
	s.Budget.Epochs = cmp.Or(s.Budget.Epochs, o.FineTune.Epochs, 9)
	s.Search.Parallel = cmp.Or(s.Search.Parallel, 1)
	s.Search.Min = min(s.Search.Min, s.Budget.Epochs)
	most, cut := 1., 1. // cut: of what integers do not make less
	for name, times := range o.Target {
		s.Compress.Target[compressTargets[name]] = times
		most = max(most, times)
		if name == "macs" || name == "params" {
			cut = max(cut, times)
		}
	}
	o.plans(s, min(max(lr/3, 1e-4), 1e-2), most, cut)
	return s, s.Complete()
}

// compressedSuffix ends the name of a compression.
const compressedSuffix = "-c"

// trialOf is a trial of a study, or its best.
func trialOf(ctx context.Context, db *store.Store, study string, trial *int) (search.Record, error) {
	if trial != nil {
		return db.At(ctx, study, *trial)
	}
	top, err := db.Top(ctx, study, 1)
	if err == nil && len(top) == 0 {
		err = fmt.Errorf("study %s has no trial with a value", study)
	}
	if err != nil {
		return search.Record{}, err
	}
	return top[0], nil
}

// plans sets what a compression searches, and what it tries first.
func (o *CompressOptions) plans(s *Spec, lr, most, cut float64) {
	methods := o.Methods
	if len(methods) == 0 {
		methods = PlanMethods()
	}
	does := func(method string) bool { return slices.Contains(methods, method) }
	fixed := s.Train
	if o.FineTune.LR != 0 {
		fixed["lr"] = o.FineTune.LR
	}
	if o.FineTune.Alpha != nil {
		fixed["alpha"] = *o.FineTune.Alpha
	}
	if o.FineTune.Temperature != 0 {
		fixed["temperature"] = o.FineTune.Temperature
	}
	if o.Int8.Calibration != "" && does("int8") {
		fixed["calibration"] = o.Int8.Calibration
	}
	space, trains := compressSpace, does("prune") || does("rank")
	if !trains { // all that integers can be
		space = append(slices.Clone(space), search.Choice("calibration", "minmax", "percentile", "mse"))
	}
	var names []string
	for _, p := range space {
		name := p.Dim().Name
		out := !trains && (name == "lr" || name == "alpha")
		for method, its := range planMethods {
			out = out || !does(method) && slices.Contains(its, name)
		}
		if _, ok := fixed[name]; ok || out {
			continue
		}
		s.Space, names = append(s.Space, p), append(names, name)
	}
	ints := max(most/smaller, cut)
	if !does("int8") {
		ints = most
	}
	for _, plan := range firstPlans(lr, most, ints) {
		if plan["keep"] != 1. && !does("prune") || plan["rank"] != 1. && !does("rank") || plan["int8"] != "no" && !does("int8") {
			continue
		}
		if !trains {
			plan["calibration"] = "minmax"
		}
		maps.DeleteFunc(plan, func(name string, _ any) bool { return !slices.Contains(names, name) })
		if !slices.ContainsFunc(s.StartWith, func(p search.Params) bool { return maps.Equal(p, plan) }) {
			s.StartWith = append(s.StartWith, plan)
		}
	}
	if most <= 1 || !trains {
		return
	}
	// beyond the first plans, those that may reach the target alone
	left, first := "keep * rank", "keep == 1 or keep == 0.75 or keep == 0.5 or keep == 0.25"
	switch {
	case !does("rank"):
		left = "keep"
	case !does("prune"):
		left, first = "rank", "rank == 1 or rank == 0.75 or rank == 0.5"
	}
	rule := fmt.Sprintf("%s <= %.6g", left, max(1.05/most, .1))
	if does("int8") {
		rule += fmt.Sprintf(" or int8 != no and %s <= %.6g", left, min(max(1.05/ints, .1), 1))
	}
	s.Constraints = []string{rule + " or " + first}
}

// compressRecipe is how the source was trained, but for its learning rate's course and for what
// a teacher cannot follow.
func compressRecipe(fixed, params search.Params) search.Params {
	out := search.Params{}
	for _, name := range network.Names(network.RecipeTable) {
		switch name {
		case "schedule", "warmup", "lr_factor", "lr_epochs", "flip", "shift", "cutout", "mixup", "class_weights", "temperature", "alpha":
			continue
		}
		for _, p := range []search.Params{fixed, params} {
			if v, ok := p[name]; ok {
				out[name] = v
			}
		}
	}
	return out
}

// smaller is about how many times a network is in integers.
const smaller = 3.6

// compressSpace are the plans that are searched.
var compressSpace = search.Space{
	search.Float("keep", .1, 1), search.Ordinal("rank", .35, .5, .75, 1.), search.Choice("int8", "no", "inner", "all"), search.Choice("importance", "l1", "l2", "bn_scale"),
	search.LogFloat("lr", 1e-4, 1e-2), search.Float("alpha", 0, .8),
}

// firstPlans are tried before any that a sampler proposes: the network as it is, then each
// method alone, then cuts that are about as large as the largest target, in float32 and in
// integers.
func firstPlans(lr, most, ints float64) []search.Params {
	plan := func(keep, rank float64, int8 string, alpha float64) search.Params {
		return search.Params{"keep": keep, "rank": rank, "int8": int8, "importance": "l1", "lr": lr, "alpha": alpha}
	}
	out := []search.Params{
		plan(1, 1, "no", 0), plan(1, 1, "all", 0), plan(1, 1, "inner", 0),
		plan(.75, 1, "no", .3), plan(.5, 1, "no", .3), plan(.25, 1, "no", .3),
		plan(1, .75, "no", .3), plan(1, .5, "no", .3),
		plan(.5, 1, "all", .3), plan(1, .5, "all", .3),
	}
	if most > 1 {
		least := max(.95/most, .1)
		out = append(out, plan(least, 1, "no", .3), plan(least, 1, "no", 0), plan(min(2*least, .95), .5, "no", .3))
		if least = max(.95/ints, .1); least < 1 {
			out = append(out, plan(least, 1, "all", .3), plan(least, 1, "all", 0))
		}
	}
	return out
}

// metricNames are the metrics that the study's objectives may have.
func (s *Spec) metricNames() []string {
	if s.Compress != nil {
		return append(metricNames(), network.PlanCost, network.Drop)
	}
	return metricNames()
}

// WantsClock reports whether the study's trials tell predicted costs.
func (s *Spec) WantsClock() bool {
	if s.Compress != nil {
		return true
	}
	for _, o := range s.Objectives() {
		switch o.Metric {
		case network.LatencyUS, network.InferenceMWh, network.SizeBytes:
			return s.Data != nil
		}
	}
	return false
}

// clock is what the study's trials are judged by: for a study that goes on what it was.
func (a *Recorder) clock(ctx context.Context, s *Spec) error {
	if s.Clock != nil || !s.WantsClock() {
		return nil
	}
	row, err := a.Store.Study(ctx, s.Name)
	switch {
	case err == nil:
		var old Spec
		if err := json.Unmarshal(row.Spec, &old); err != nil {
			return err
		}
		s.Clock = old.Clock
	case !errors.Is(err, store.ErrNoStudy):
		return err
	}
	if s.Clock == nil {
		s.Clock = &network.Clock{Watts: defaultWatts}
		if a.Clock != nil {
			s.Clock = a.Clock
		}
	}
	return nil
}

// defaultWatts is what a core takes where nobody says it.
const defaultWatts = 12

// compression makes the objective one of plans.
func (m *Model) compression(out *network.Supervised, d *data.Data) error {
	if m.Teacher == nil {
		return errors.New("the network to be compressed was not found when the study was submitted")
	}
	source, err := m.Teacher.Model.Supervised(d)
	if err != nil {
		return err
	}
	out.Build = source.BuildOf(m.Teacher.Params)
	clock := network.Clock{Watts: defaultWatts}
	if m.Clock != nil {
		clock = *m.Clock
	}
	out.Plan = &network.Compression{Target: m.Compress.Target, MaxDrop: m.Compress.MaxDrop, Strict: m.Compress.Strict, Protect: m.Compress.Protect, Rows: m.Compress.Rows, Clock: clock}
	return nil
}

// findSource lets the plans of a compression begin with the network that it is of.
func (m *Model) findSource(out *network.Supervised, d *data.Data, blobs blob.Store) error {
	if out.Plan == nil {
		return nil
	}
	source, err := m.Teacher.Model.Supervised(d)
	if err != nil {
		return err
	}
	t := m.Teacher
	out.Plan.Source = func(ctx context.Context, cpu string) (*engine.Net, error) {
		net, err := source.On(cpu).Trained(ctx, blobs, t.Key, t.Params, search.Rand(t.Seed, t.Trial).Uint64())
		if err != nil {
			return nil, err
		}
		of, ok := net.(*engine.Net)
		if !ok {
			return nil, fmt.Errorf("study %s: its network computes in integers already", t.Study)
		}
		return of, nil
	}
	return nil
}

// AsItIs is the plan that changes nothing, in words.
const AsItIs = "as it is"

// DescribePlan is a plan in words: "prune to 50 %, rank to 75 %, int8".
func DescribePlan(p search.Params) string {
	var out []string
	for name, word := range map[string]string{"keep": "prune to", "rank": "rank to"} {
		if x, ok := number(p[name]); ok && x < 1 {
			out = append(out, fmt.Sprintf("%s %.0f %%", word, 100*x))
		}
	}
	slices.Sort(out)
	trains := len(out) > 0
	switch p["int8"] {
	case "all":
		out = append(out, "int8")
	case "inner":
		out = append(out, "int8 (inner)")
	}
	if len(out) == 0 {
		return AsItIs
	}
	if a, ok := p["alpha"].(float64); ok && a > 0 && trains {
		out = append(out, fmt.Sprintf("distilled %.2f", a))
	}
	return strings.Join(out, ", ")
}

// PlanInShort is a plan in 26 characters at most: "keep .24 rank .5 int8 α.3".
func PlanInShort(p search.Params) string {
	share := func(x float64) string {
		return strings.TrimPrefix(strconv.FormatFloat(math.Round(100*x)/100, 'g', 3, 64), "0")
	}
	var out []string
	for _, name := range []string{"keep", "rank"} {
		if x, ok := number(p[name]); ok && x < 1 {
			out = append(out, name+" "+share(x))
		}
	}
	trains := len(out) > 0
	switch p["int8"] {
	case "all":
		out = append(out, "int8")
	case "inner":
		out = append(out, "int8i")
	}
	if len(out) == 0 {
		return AsItIs
	}
	if a, ok := p["alpha"].(float64); ok && a >= .005 && trains {
		out = append(out, "α"+share(a))
	}
	return strings.Join(out, " ")
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}
