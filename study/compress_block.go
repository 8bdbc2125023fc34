package study

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"budwood/learn/network"
	"budwood/search"
	"budwood/trials/store"
)

// CompressBlock is what a study file says of a compression: when the search is over, the
// best network is made smaller, by a study of its own. Zero values are defaults, those of
// [CompressOptions].
type CompressBlock struct {
	Name     string            `json:"name,omitempty"`     // of the compression
	Target   map[string]string `json:"target,omitempty"`   // size: 4x
	MaxDrop  Share             `json:"max_drop,omitempty"` // 0.5%
	Strict   bool              `json:"strict,omitempty"`
	Methods  []string          `json:"methods,omitempty"`
	Protect  []string          `json:"protect,omitempty"`
	FineTune FineTune          `json:"fine_tune,omitzero"`
	Int8     Int8              `json:"int8,omitzero"`
	Budget   CompressBudget    `json:"budget,omitzero"`
}

// FineTune says how plans train what they leave; what is given is not searched.
type FineTune struct {
	Epochs      int      `json:"epochs,omitempty"`      // most epochs; 0 means 9
	LR          float64  `json:"lr,omitempty"`          // 0: searched
	Temperature float64  `json:"temperature,omitempty"` // 0 means 2
	Alpha       *float64 `json:"alpha,omitempty"`       // share of the original's outputs in the loss; nil: searched
}

// Int8 says how networks in integers are made.
type Int8 struct {
	Calibration string `json:"calibration,omitempty"` // minmax, percentile (of 99.99) or mse; "" means minmax
	Rows        int    `json:"rows,omitempty"`        // training rows for calibration; 0 means 512
}

// CompressBudget is what a compression may spend.
type CompressBudget struct {
	Trials int      `json:"trials,omitempty"` // plans; 0 means 24
	Time   Duration `json:"time,omitempty"`   // 0: no limit
}

// Share is a part of a whole, written like 0.5% or 0.005.
type Share float64

// MarshalText writes 0.005.
func (s Share) MarshalText() ([]byte, error) { return []byte(search.FormatExact(float64(s))), nil }

// UnmarshalText reads 0.5% or 0.005.
func (s *Share) UnmarshalText(b []byte) error {
	x, err := ParseDrop(string(b))
	*s = Share(x)
	return err
}

// planMethods are what a plan may do, and the hyperparameters that say how much of it.
var planMethods = map[string][]string{"prune": {"keep", "importance"}, "rank": {"rank"}, "int8": {"int8"}}

// PlanMethods are what a plan may do.
func PlanMethods() []string { return slices.Sorted(maps.Keys(planMethods)) }

// Options are those of the compression of a study's best network.
func (b *CompressBlock) Options(from string) (o CompressOptions, err error) {
	o = CompressOptions{
		Name: b.Name, From: from, MaxDrop: float64(b.MaxDrop), Strict: b.Strict, Methods: b.Methods, Protect: b.Protect,
		Trials: b.Budget.Trials, Time: b.Budget.Time, FineTune: b.FineTune, Int8: b.Int8, Target: map[string]float64{},
	}
	if o.Name == "" {
		o.Name = from + compressedSuffix
	}
	for _, name := range slices.Sorted(maps.Keys(b.Target)) {
		if err := ParseTarget(name+"="+b.Target[name], o.Target); err != nil {
			return o, wrong("compress.target."+name, "%w", err)
		}
	}
	return o, nil
}

// checkCompress checks the block of a study, as far as it can be known before there is a
// network.
func (s *Spec) checkCompress() error {
	b := s.Then
	if b == nil {
		return nil
	}
	switch {
	case s.Data == nil:
		return wrong("compress", "it belongs to a study with data: only that knows its networks")
	case s.Data.Split.CV > 0:
		return wrong("compress", "the network is the mean of %d folds: let one network learn from it first (train: {teacher: %s}), and compress that", s.Data.Split.CV, s.Name)
	}
	o, err := b.Options(s.Name)
	if err != nil {
		return err
	}
	if !validName.MatchString(o.Name) || o.Name == s.Name {
		return wrong("compress.name", "%s is not a name for another study", search.Quoted(o.Name))
	}
	return o.check("compress.")
}

// check checks what does not depend on the network.
func (o *CompressOptions) check(at string) error {
	for i, m := range o.Methods {
		if err := oneOf(fmt.Sprintf("%smethods[%d]", at, i), m, PlanMethods()); err != nil {
			return err
		}
	}
	r := network.Reader{Params: search.Params{}, Table: slices.Concat(network.RecipeTable, network.PlanTable)}
	put := func(name string, v any, given bool) {
		if given {
			r.Params[name] = v
		}
	}
	put("lr", o.FineTune.LR, o.FineTune.LR != 0)
	put("temperature", o.FineTune.Temperature, o.FineTune.Temperature != 0)
	put("calibration", o.Int8.Calibration, o.Int8.Calibration != "")
	if o.FineTune.Alpha != nil {
		put("alpha", *o.FineTune.Alpha, true)
	}
	for _, name := range []string{"lr", "temperature", "alpha"} {
		if r.Number(name); r.Err != nil {
			return wrong(at+"fine_tune."+name, "%w", r.Err)
		}
	}
	if r.Choice("calibration"); r.Err != nil {
		return wrong(at+"int8.calibration", "%w", r.Err)
	}
	for _, n := range []struct {
		name string
		x    int
	}{{"fine_tune.epochs", o.Epochs}, {"fine_tune.epochs", o.FineTune.Epochs}, {"int8.rows", o.Int8.Rows}, {"budget.trials", o.Trials}} {
		if n.x < 0 {
			return wrong(at+n.name, "%d is below 0", n.x)
		}
	}
	return nil
}

// Compressed is the study that makes the best network of an ended study smaller, as its
// file says; nil if it says nothing, or there is no network.
func (a *Recorder) Compressed(ctx context.Context, name string) (*Spec, error) {
	row, err := a.Store.Study(ctx, name)
	if err != nil {
		return nil, err
	}
	var s Spec
	if err := json.Unmarshal(row.Spec, &s); err != nil {
		return nil, fmt.Errorf("study %s: its stored specification cannot be read: %w", name, err)
	}
	if s.Then == nil || row.State != store.StudyCompleted || row.Best < 0 {
		return nil, nil
	}
	o, err := s.Then.Options(name)
	if err != nil {
		return nil, err
	}
	return Compression(ctx, a.Store, o)
}
