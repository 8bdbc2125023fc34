package study

import (
	"time"

	"budwood/search"
)

// Setting is a number in a study file, with its default and its range.
type Setting struct {
	Key      string
	Default  float64
	Varies   string // what the default is, in words, where it is not a number
	Min, Max float64
	MaxKey   string // the key of the setting that is the largest value, in place of Max
	Is       string // what it is

	at func(*Spec) any // *int, *float64 or *Duration
}

// Settings are the numbers of a study file outside of its data and architecture.
// Defaults, ranges and the tables in docs/study.md follow from this table.
var Settings = []Setting{
	{Key: "search.parallel", Default: 2, Min: 1, Max: 1000, Is: "segments that run at the same time", at: func(s *Spec) any { return &s.Search.Parallel }},
	{Key: "search.eta", Default: 3, Min: 2, Max: 100, Is: "keep the best 1/eta at each rung", at: func(s *Spec) any { return &s.Search.Eta }},
	{Key: "search.min_epochs", Default: 1, Min: 1, MaxKey: "budget.epochs", Is: "smallest rung, in epochs", at: func(s *Spec) any { return &s.Search.Min }},
	{Key: "search.batch", Varies: "1, or more if trials take less than 0.1 s", Max: 1000, Is: "segments that share a workflow, for trials of milliseconds", at: func(s *Spec) any { return &s.Search.Batch }},
	{Key: "search.priority", Varies: "3", Max: 5, Is: "priority among the studies on the same workers: 1 is first, 5 last", at: func(s *Spec) any { return &s.Search.Priority }},
	{Key: "budget.trials", Default: 30, Min: 1, Max: 1e6, Is: "trials in all, including those set aside", at: func(s *Spec) any { return &s.Budget.Trials }},
	{Key: "budget.epochs", Default: 27, Min: 1, Max: 1e6, Is: "most epochs of a trial", at: func(s *Spec) any { return &s.Budget.Epochs }},
	{Key: "budget.time", Varies: "no limit", Max: 1e9, Is: "time of all runs of the study together, without `retrain`", at: func(s *Spec) any { return &s.Budget.Time }},
	{Key: "budget.energy_wh", Varies: "no limit", Max: 1e9, Is: "energy of all runs together, in watt-hours; the first limit that is reached ends the study", at: func(s *Spec) any { return &s.Budget.EnergyWh }},
	{Key: "budget.min_gain", Varies: "off", Max: 1e300, Is: "end the study when the next trials are expected to improve the objective by less than this", at: func(s *Spec) any { return &s.Budget.MinGain }},
	{Key: "early_stop.patience", Varies: "never", Max: 1e6, Is: "end a trial that has not improved for this many epochs", at: func(s *Spec) any { return &s.EarlyStop.Patience }},
	{Key: "early_stop.min_delta", Max: 1e300, Is: "an improvement counts if it is larger than this", at: func(s *Spec) any { return &s.EarlyStop.MinDelta }},
	{Key: "retrain.best", Varies: "0, with `supernet` 3", Max: boardSize, Is: "number of best trials that are trained again from scratch at the end", at: func(s *Spec) any { return &s.Retrain.Best }},
	{Key: "retrain.epochs", Varies: "`budget.epochs`", Max: 1e6, Is: "epochs of each of these", at: func(s *Spec) any { return &s.Retrain.Epochs }},
	{Key: "keep", Varies: "1", Max: boardSize, Is: "number of best trials whose weights are kept when the study ends; with several objectives also those of the front (at most 200, the best by the first objective)", at: func(s *Spec) any { return &s.Keep }},
	{Key: "max_retries", Max: 100, Is: "how often a trial is tried again after its own code failed; failures of machines are always retried and do not count", at: func(s *Spec) any { return &s.MaxRetries }},
	{Key: "max_failed", Varies: "10, while no trial has a value", Max: 1e6, Is: "no new trials after this many have failed, because then the program is wrong. Correct it and run the study again to continue", at: func(s *Spec) any { return &s.MaxFailed }},
}

// Values are the values that it may have, in words.
func (t *Setting) Values() string {
	switch {
	case t.Key == "budget.time":
		return "a duration"
	case t.MaxKey != "":
		return search.FormatExact(t.Min) + " to `" + t.MaxKey + "`"
	case t.Max > 1e9:
		return "from " + search.FormatExact(t.Min)
	}
	return search.FormatExact(t.Min) + " to " + search.FormatExact(t.Max)
}

// value is the setting of a study: of a duration the seconds.
func (t *Setting) value(s *Spec) float64 {
	switch v := t.at(s).(type) {
	case *int:
		return float64(*v)
	case *Duration:
		return time.Duration(*v).Seconds()
	default:
		return *v.(*float64)
	}
}

// setDefaults fills in the numbers that a study leaves out.
func (s *Spec) setDefaults() {
	for i := range Settings {
		if v, ok := Settings[i].at(s).(*int); ok && *v == 0 {
			*v = int(Settings[i].Default)
		}
	}
}

// checkSettings is an error if a number is out of its range.
func (s *Spec) checkSettings() error {
	if s.Budget.Time < 0 {
		return wrong("budget.time", "%s is negative", s.Budget.Time)
	}
	for i := range Settings {
		t := &Settings[i]
		v, most := t.value(s), t.Max
		if t.MaxKey != "" {
			most = setting(t.MaxKey).value(s)
		}
		if !(v >= t.Min && v <= most) {
			return wrong(t.Key, "%s is outside [%s, %s]", search.FormatExact(v), search.FormatExact(t.Min), search.FormatExact(most))
		}
	}
	return nil
}

// setting is the one of a key, which must exist.
func setting(key string) *Setting {
	for i := range Settings {
		if Settings[i].Key == key {
			return &Settings[i]
		}
	}
	panic("there is no setting " + key)
}
