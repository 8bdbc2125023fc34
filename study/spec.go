package study

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/hpo"
	"budwood/learn/network"
	"budwood/nas"
	"budwood/search"
)

// Spec is a study as it is submitted: what a study file holds. [Spec.Complete]
// fills in the defaults and validates; everything that runs sees a complete one.
type Spec struct {
	Name         string             `json:"name"`
	Data         *data.Source       `json:"data,omitempty"`    // nil: the objective is a command, or a Go function of the user's worker
	Command      *Command           `json:"command,omitempty"` // the objective as a program
	Resources    Resources          `json:"resources,omitzero"`
	Mesh         engine.Mesh        `json:"mesh,omitzero"` // one trial on many cores
	Objective    search.Objective   `json:"objective"`
	Also         []search.Objective `json:"also,omitempty"`
	Search       Search             `json:"search"`
	Budget       Budget             `json:"budget"`
	EarlyStop    EarlyStop          `json:"early_stop"`
	Retrain      Retrain            `json:"retrain,omitzero"`
	Train        search.Params      `json:"train,omitempty"`                // hyperparameters that are not searched
	Teacher      *Teacher           `json:"teacher,omitempty" yaml:"-"`     // found by FindTeacher from train.teacher
	Compress     *Compress          `json:"compress,omitempty" yaml:"-"`    // see Compression
	Then         *CompressBlock     `json:"then,omitempty" yaml:"compress"` // when the search is over
	Clock        *network.Clock     `json:"clock,omitempty" yaml:"-"`       // what costs are predicted with, found when the study begins
	Space        search.Space       `json:"space,omitempty"`
	Constraints  []string           `json:"constraints,omitempty"` // conditions between parameters: see [search.Constraints]
	Architecture *nas.Spec          `json:"architecture,omitempty"`
	StartWith    []search.Params    `json:"start_with,omitempty"`
	Input        data.Shape         `json:"input,omitempty" yaml:"-"`   // input of the network: the shape of a row of the data
	Outputs      int                `json:"outputs,omitempty" yaml:"-"` // outputs of the network, found from the data
	Keep         int                `json:"keep,omitempty"`             // number of best trials whose weights are kept when the study ends, with several objectives also those of the front; 0 means 1
	MaxRetries   int                `json:"max_retries,omitempty"`      // how often a trial whose code failed is tried again
	MaxFailed    int                `json:"max_failed,omitempty"`       // no new trials after this many have failed; 0 means 10, as long as no trial has a value

	chosen string // what was chosen for its mesh, and why
}

// Search says how to search.
type Search struct {
	Sampler   string         `json:"sampler"`                // see Samplers; "" means auto; with an architecture evolution, or nsga2
	Own       bool           `json:"own,omitempty" yaml:"-"` // the sampler is a Go value of the program that runs the study: [OwnSampler]; Sampler is its type
	Scheduler string         `json:"scheduler"`              // see Schedulers; "" means asha
	Seed      uint64         `json:"seed"`                   // seed of everything that is random
	Parallel  int            `json:"parallel"`               // segments that run at the same time; 0 means 2
	Cost      hpo.CostMetric `json:"cost,omitempty"`         // energy or time: prefer candidates that improve most for each unit of it; "" means that costs do not count
	Eta       int            `json:"eta"`                    // the scheduler keeps the best 1/Eta at each rung; 0 means 3
	Min       int            `json:"min_epochs"`             // the smallest rung, in epochs; 0 means 1
	Proxy     string         `json:"proxy,omitempty"`        // score by which evolution over architectures rejects networks before they are trained; see nas.Proxies; "" means none
	Inherit   bool           `json:"inherit,omitempty"`      // networks of an architecture search begin with the weights of those that they were derived from
	Supernet  string         `json:"supernet,omitempty"`     // one-shot search: the first trial trains weights that all networks share, by uniform or fair paths, the others are evaluated with them; "" means that each is trained
	WarmStart string         `json:"warm_start"`             // auto, off, or the name of a study; "" means auto
	Batch     int            `json:"batch,omitempty"`        // segments that share a workflow and a worker's slot; 0: one, or for brief trials what [Throughput] says
	Priority  int            `json:"priority,omitempty"`     // priority of its trials among those of all studies, 1 (first) to 5; 0 means 3
}

// Budget is what a study may spend; the first limit that is reached ends it. All are
// totals of all runs of the study. Zero means no limit, except for Trials and Epochs.
type Budget struct {
	Trials   int      `json:"trials"` // 0 means 30
	Epochs   int      `json:"epochs"` // most epochs of a trial; 0 means 27
	Time     Duration `json:"time,omitempty"`
	EnergyWh float64  `json:"energy_wh,omitempty"`
	MinGain  float64  `json:"min_gain,omitempty"` // end the study when the next trial is expected to improve the objective by less; see hpo.ExpectedGain
}

// Retrain trains the best trials of the search once more when it is over: as new
// trials, from fresh weights, without early stopping. The search's budgets of
// trials, time and energy do not apply to this.
type Retrain struct {
	Best   int `json:"best"`   // how many; 0: none, with a supernet 3
	Epochs int `json:"epochs"` // 0 means budget.epochs
}

// EarlyStop ends a trial that no longer improves by MinDelta for Patience
// epochs.
type EarlyStop struct {
	Patience int     `json:"patience"` // 0: never
	MinDelta float64 `json:"min_delta"`
}

// Duration is a time.Duration written like 10m.
type Duration time.Duration

// String writes 10m0s.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes 10m0s.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 10m, 1h30m, 90s.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration like 90s, 10m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

// Objectives lists the main objective and the others.
func (s *Spec) Objectives() []search.Objective {
	return append([]search.Objective{s.Objective}, s.Also...)
}

// FieldError says which field of a study is wrong: Path is like
// "space[2]" or "budget.trials".
type FieldError struct {
	Path string
	Err  error
}

// Error is the message, in one line.
func (e *FieldError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap is what went wrong there.
func (e *FieldError) Unwrap() error { return e.Err }

func wrong(path, format string, args ...any) error {
	return &FieldError{path, fmt.Errorf(format, args...)}
}

// best is the number of best trials whose weights are kept.
func (s *Spec) best() int { return max(s.Keep, 1) }

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Complete fills in every default and validates. Errors are [*FieldError]s.
func (s *Spec) Complete() error {
	if !validName.MatchString(s.Name) {
		return wrong("name", "%s is not a name: use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit", search.Quoted(s.Name))
	}
	if s.Objective.Metric == "" {
		if s.Data == nil {
			s.Objective = search.Objective{Metric: "loss", Goal: search.Minimize}
		} else {
			s.Objective.Metric = "valid_loss"
		}
	}
	for i, o := range s.Objectives() {
		path := "objective"
		if i > 0 {
			path = fmt.Sprintf("also[%d]", i-1)
		}
		if o.Metric == "" {
			return wrong(path+".metric", "no metric is named")
		}
		if s.Data != nil {
			if err := oneOf(path+".metric", o.Metric, s.metricNames()); err != nil {
				return err
			}
		}
		switch o.Goal {
		case "":
			o.Goal = defaultGoal(o.Metric)
		case search.Minimize, search.Maximize:
		default:
			return oneOf(path+".goal", string(o.Goal), []string{string(search.Minimize), string(search.Maximize)})
		}
		for _, before := range s.Objectives()[:i] {
			if before.Metric == o.Metric {
				return wrong(path+".metric", "%s is an objective already: remove one of them", o.Metric)
			}
		}
		if i == 0 {
			s.Objective = o
		} else {
			s.Also[i-1] = o
		}
	}
	if err := s.chooseSpace(); err != nil {
		return err
	}
	if err := s.completeSearch(); err != nil {
		return err
	}
	if len(s.Space) == 0 && s.Architecture == nil {
		return wrong("space", "there is nothing to search: give a space, an architecture or both")
	}
	if s.Budget.MinGain > 0 && s.Architecture != nil {
		return wrong("budget.min_gain", "the expected gain of an architecture search is not known: remove it")
	}
	if err := s.Space.Validate(); err != nil {
		return &FieldError{spacePath(err), err}
	}
	if err := s.checkSize(); err != nil {
		return err
	}
	if err := s.completeCommand(); err != nil {
		return err
	}
	if s.Architecture != nil {
		if s.Data == nil {
			return wrong("architecture", "it belongs to a study with data")
		}
		if _, err := s.Architecture.Space(); err != nil { // as it is written: a default does not hide that a list is empty
			return architectureError(err)
		}
		*s.Architecture = s.Architecture.WithDefaults()
		if s.Architecture.Limits != (nas.Limits{}) { // they are for what is exported: the mean of all folds
			s.Architecture.Folds = s.Data.Split.CV
		}
	}
	if err := s.completeCandidates(); err != nil {
		return err
	}
	if err := s.checkCompress(); err != nil {
		return err
	}
	return s.completeMesh()
}

// constraints reads the conditions on the space.
func (s *Spec) constraints() (search.Constraints, error) {
	c, err := search.Constrain(s.Space, s.Constraints...)
	if err == nil {
		err = c.Satisfiable(s.Space)
	}
	if err != nil {
		path := "constraints"
		var e *search.ConstraintError
		if errors.As(err, &e) {
			path = fmt.Sprintf("constraints[%d]", e.Index)
		}
		return c, &FieldError{path, err}
	}
	return c, nil
}

// completeSearch fills in how to search and how long, and checks it.
func (s *Spec) completeSearch() error {
	s.chooseMethods()
	s.setDefaults()
	if s.Retrain.Best > 0 {
		s.Retrain.Epochs = cmp.Or(s.Retrain.Epochs, s.Budget.Epochs)
	}
	if err := s.checkMethods(); err != nil {
		return err
	}
	return s.checkSettings()
}

// chooseMethods fills in the methods that are not given.
func (s *Spec) chooseMethods() {
	q := &s.Search
	if q.Sampler == "" {
		q.Sampler = "auto"
		switch {
		case s.Architecture != nil && len(s.Also) > 0:
			q.Sampler = "nsga2"
		case s.Architecture != nil:
			q.Sampler = "evolution"
		}
	}
	if q.Supernet != "" {
		q.Scheduler = cmp.Or(q.Scheduler, "none")
		s.Retrain.Best = cmp.Or(s.Retrain.Best, 3)
	}
	q.Scheduler = cmp.Or(q.Scheduler, "asha")
	q.WarmStart = cmp.Or(q.WarmStart, "auto")
}

// checkMethods checks that the methods are there, and can do what is asked of them.
func (s *Spec) checkMethods() error {
	q := &s.Search
	if !q.Own {
		if err := s.choose("search.sampler", &q.Sampler, s.samplers()); err != nil {
			return err
		}
	}
	if q.Inherit && !s.method().Derives {
		derive := ArchitectureSamplers.those(func(m *Method) bool { return m.Derives })
		return wrong("search.inherit", "there is nothing to inherit: only networks that were derived from others (architecture: with the sampler %s) have parents", words(derive, "or"))
	}
	if q.Supernet != "" {
		if err := s.checkSupernet(); err != nil {
			return err
		}
	}
	if q.Proxy != "" {
		if s.Architecture == nil || q.Sampler != "evolution" {
			return wrong("search.proxy", "it belongs to a study with an architecture and the sampler evolution")
		}
		if err := oneOf("search.proxy", q.Proxy, nas.Proxies()); err != nil {
			return err
		}
	}
	if q.Cost != "" {
		if err := oneOf("search.cost", string(q.Cost), []string{string(hpo.Energy), string(hpo.Time)}); err != nil {
			return err
		}
		if !s.method().Costs {
			costs := Samplers.those(func(m *Method) bool { return m.Costs })
			return wrong("search.cost", "the sampler %s does not weigh costs; %s do", q.Sampler, words(costs, "and"))
		}
	}
	return s.choose("search.scheduler", &q.Scheduler, Schedulers)
}

// completeCandidates checks what names hyperparameters: the space, the fixed
// ones and start_with.
func (s *Spec) completeCandidates() error {
	if s.Data != nil {
		for i, p := range s.Space {
			for _, d := range (search.Space{p}).Dims() {
				if d.Name == teacherKey {
					return wrong(fmt.Sprintf("space[%d].name", i), "one teacher serves all trials: name it under train")
				}
				if err := oneOf(fmt.Sprintf("space[%d].name", i), d.Name, Hyperparameters(s)); err != nil {
					return err
				}
				if _, ok := s.Train[d.Name]; ok {
					return wrong("train."+d.Name, "it is searched in the space too: remove one of them")
				}
			}
		}
		for _, k := range s.Train.Names() {
			if k == teacherKey {
				continue
			}
			if err := oneOf("train."+k, k, Hyperparameters(s)); err != nil {
				return err
			}
		}
		if err := checkRecipes(s); err != nil {
			return err
		}
		if err := s.checkTeacher(); err != nil {
			return err
		}
		if err := s.checkLearners(); err != nil {
			return err
		}
	} else if len(s.Train) > 0 {
		return wrong("train", "fixed hyperparameters belong to a study with data")
	}
	constraints, err := s.constraints()
	if err != nil {
		return err
	}
	filled, err := s.startWith(constraints)
	for i, q := range filled { // in the types of the space
		given := search.Params{}
		for _, k := range s.StartWith[i].Names() {
			given[k] = q[k]
		}
		s.StartWith[i] = given
	}
	return err
}

// spacePath is the path of the parameter that a space's error is about.
func spacePath(err error) string {
	var e *search.SpaceError
	if errors.As(err, &e) {
		return fmt.Sprintf("space[%d]", e.Index)
	}
	return "space"
}

func architectureError(err error) error {
	var e *nas.GrammarError
	if errors.As(err, &e) && e.Path != "" {
		return &FieldError{"architecture." + e.Path, e.Err}
	}
	return wrong("architecture", "%s", strings.TrimPrefix(err.Error(), "architecture: ")) // the path says it
}
