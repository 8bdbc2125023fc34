// Package budwood searches hyperparameters and network architectures. Studies
// survive crashes, and the energy of each trial is recorded. It is the SDK: a [Study] with an objective in Go,
// [Submit] and [Open] for studies on a running server.
//
//	lr := search.LogFloat("lr", 1e-4, 1)
//	study := budwood.Study{Name: "wine", Space: search.Space{lr}, Trials: 60, Epochs: 27}
//	res, err := study.Run(ctx, func(ctx context.Context, t *budwood.Trial) error {
//		for range t.Epochs() {
//			t.Report(trainOneEpoch(lr.In(t)))
//		}
//		return nil
//	})
//
// # For those who know Optuna, Ray Tune or Syne Tune
//
//	create_study, optimize; Tuner.fit     Study and its Local; Run is the durable one
//	suggest_float(log=True), suggest_int, search.LogFloat, search.Int, search.Choice: keys of a
//	  suggest_categorical; a config space   Space that is known before, read by lr.In(t)
//	an if around suggest_…                Choice(…).When(value, params…)
//	trial.report, should_prune            Trial.Report; Trial.Epochs ends by itself
//	TrialPruned for a bad configuration   an error that wraps ErrInfeasible or ErrDiverged
//	enqueue_trial, points_to_evaluate     Study.StartWith, Handle.AddTrial
//	a pruner, a scheduler                 Study.Scheduler
//	  reduction_factor, grace_period        Eta, MinEpochs
//	n_trials, timeout, n_jobs             Trials, Time, Parallel
//	get_checkpoint                        Trial.Keep
//	callbacks                             Study.OnTrial
//	directions=[…], best_trials           Also, Trial.ReportAll; Result.Front
//	load_study, trials_dataframe          Load, Result.WriteCSV
//	visualization                         Result.WriteHTML
//	a sampler of one's own                Study.Sampler takes a search.Sampler, too
//	ask, tell                             a sampler of package hpo alone: its example
package budwood

import (
	"budwood/engine"
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"budwood/hpo"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/segment"
	"budwood/trials/store"
	"budwood/workflows"
)

// Trial is a running trial in the hands of its training function.
type Trial = trials.Trial

// Mesh says into which pieces a training step is cut, and on how many threads they
// are computed: engine.Mesh.
type Mesh = engine.Mesh

// MeshAuto lets the program choose the mesh of each trial: engine.MeshAuto.
func MeshAuto() Mesh { return engine.MeshAuto() }

// Objective trains one candidate and reports after every epoch; see
// [trials.TrainFunc].
type Objective = trials.TrainFunc

// Errors that a training function returns, wrapped, to say that its end is a result.
var (
	ErrInfeasible = trials.ErrInfeasible // the candidate cannot be built
	ErrDiverged   = trials.ErrDiverged   // NaN or inf
)

// Study is a search with an objective in Go. The zero value of every field except
// Name and Space is a default.
type Study struct {
	Name  string
	Space search.Space

	// Constraints are conditions between parameters that every trial satisfies,
	// such as "layers * width <= 512": see [search.Constraints].
	Constraints []string

	// Sampler is a name (auto, the default, gp, tpe, cmaes, evolution, nsga2, motpe,
	// ehvi, random, grid, sobol, quasi) or a [search.Sampler]: one of package hpo with
	// options, or one of your own, which searchtest.Sampler should have tested.
	// It runs in this process. Its answer for a trial must lie in the space, and is
	// recorded; if the program ends before that, it is asked again. An error or a panic
	// ends the study, which continues when the program is run again.
	Sampler any

	// Scheduler is a name (asha, the default, hyperband, halving, median, plateau,
	// extrapolation, none).
	Scheduler string

	Cost      hpo.CostMetric     // energy or time: prefer candidates that improve most for each unit of it (auto, gp, tpe, motpe)
	Eta       int                // keep the best 1/Eta at each rung; 0 means 3
	MinEpochs int                // the smallest rung, in epochs; 0 means 1
	Trials    int                // number of trials; 0 means 30
	Epochs    int                // most epochs of a trial; 0 means 27
	Seed      uint64             // seed of everything that is random
	Parallel  int                // trials that run at the same time; 0 means 2
	Metric    string             // name of the metric that Report reports; "" means loss
	Goal      search.Goal        // "" means minimize
	Also      []search.Objective // further objectives, reported with ReportAll
	Patience  int                // end a trial that has not improved for this many epochs; 0: never
	MinDelta  float64            // an improvement counts if it is larger than this
	Time      time.Duration      // end the study after this time; 0: no limit
	EnergyWh  float64            // end the study after this energy, in watt-hours; 0: no limit
	MinGain   float64            // end the study when the next trial is expected to improve the objective by less; 0: no limit
	Retries   int                // how often a trial is tried again if its objective fails
	Mesh      Mesh               // pieces and threads of a training step, for an objective that asks for t.Mesh()
	MaxFailed int                // no new trials after this many have failed; 0 means 10, as long as no trial has a value
	Retrain   study.Retrain      // train the best trials again from scratch, when the search is over
	StartWith []search.Params    // tried first; missing parameters are drawn
	WarmStart string             // auto (default), off, or the name of a study

	// OnTrial is called once for each trial, within a second after its end, and never
	// for two trials at the same time. Use it to log the trial elsewhere, or to cancel
	// the context. It is not called again for trials of earlier runs of the study.
	OnTrial func(search.Record)

	// Version names the version of the objective: change it when you change what the
	// objective computes. When the study continues, trials of other versions are listed,
	// and can be set aside. "" means the build of the program, which changes with any
	// change of its source.
	Version string

	Home string         // state directory; "" means [Home]
	Log  zerolog.Logger // the zero value is silent
}

// Spec is the study as the service sees it, with every default filled in.
func (s Study) Spec() (*study.Spec, error) {
	name, own, err := s.sampler()
	if err != nil {
		return nil, err
	}
	spec := &study.Spec{
		Name: s.Name, Space: s.Space, Constraints: s.Constraints, StartWith: s.StartWith, MaxRetries: s.Retries, MaxFailed: s.MaxFailed, Also: s.Also,
		Objective: search.Objective{Metric: s.Metric, Goal: s.Goal},
		Search:    study.Search{Sampler: name, Own: own != nil, Cost: s.Cost, Scheduler: s.Scheduler, Eta: s.Eta, Min: s.MinEpochs, Seed: s.Seed, Parallel: s.Parallel, WarmStart: s.WarmStart},
		Budget:    study.Budget{Trials: s.Trials, Epochs: s.Epochs, Time: study.Duration(s.Time), EnergyWh: s.EnergyWh, MinGain: s.MinGain},
		Mesh:      s.Mesh, EarlyStop: study.EarlyStop{Patience: s.Patience, MinDelta: s.MinDelta}, Retrain: s.Retrain,
	}
	return spec, spec.Complete()
}

// sampler is the sampler's name, and with it the sampler if it is the user's own.
func (s Study) sampler() (name string, own search.Sampler, err error) {
	switch v := s.Sampler.(type) {
	case nil:
	case string:
		name = v
	case search.Sampler:
		name, own = strings.TrimLeft(fmt.Sprintf("%T", v), "*"), v
	default:
		err = fmt.Errorf("Study.Sampler: %T is neither a name nor a search.Sampler", v)
	}
	return name, own, err
}

// recorder keeps studies in the store, and asks the study's own sampler.
func (s Study) recorder(st *State) *study.Recorder {
	r := st.Recorder()
	if _, own, _ := s.sampler(); own != nil {
		r.Sampler = study.OwnSampler(own)
	}
	return r
}

// Local runs the study on goroutines of this process, without a server: for
// tests, notebooks and first steps. If it is run again, the study continues where it
// stopped. If ctx ends before the study, Local returns the result so far and an error
// that wraps the context's cause; the next run continues what was being trained.
func (s Study) Local(ctx context.Context, f Objective) (*Result, error) {
	spec, err := s.Spec()
	if err != nil {
		return nil, err
	}
	st, err := OpenState(s.Home, nil, s.Log)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	defer s.tell(ctx, st.Store)()
	runner := st.runner()
	runner.Version = s.version()
	s.warn(ctx, st.Store, runner.Version)
	_, err = study.Local(ctx, spec, s.recorder(st), runner, f)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	r, e := ReadResult(context.WithoutCancel(ctx), st.Store, s.Name)
	return r, cmp.Or(err, e)
}

// Run runs the study durably: its workflow on a Temporal server, the objective
// in this process. The server is the one that the TEMPORAL_* environment names,
// else the embedded one of a budwood program on the PATH, else the one at
// [DefaultAddress]. Run the program again, after a crash or with a larger
// budget, and the study continues where it stopped. If ctx is cancelled, Run returns,
// and the study waits for the next run.
func (s Study) Run(ctx context.Context, f Objective) (*Result, error) {
	spec, err := s.Spec()
	if err != nil {
		return nil, err
	}
	st, err := OpenState(s.Home, nil, s.Log)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	conn, err := connect(ctx, s.Log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, end := conn.watch(ctx)
	defer end()
	queue := "go-" + s.Name // a queue of its own, because no other worker has this objective
	train := st.TrainActivities(f)
	train.Runner.Version = s.version()
	s.warn(ctx, st.Store, train.Runner.Version)
	workers, err := workflows.StartWorkers(conn.Client, conn.namespace, queue, s.recorder(st), train, study.Offer{CPU: spec.Search.Parallel})
	if err != nil {
		return nil, err
	}
	defer workers.Stop()
	defer s.tell(ctx, st.Store)()
	if _, err := workflows.Submit(ctx, conn.Client, spec, queue); err != nil {
		return nil, err
	}
	if err := workflows.Wait(ctx, conn.Client, s.Name); err != nil {
		return nil, orLost(ctx, err)
	}
	return ReadResult(ctx, st.Store, s.Name)
}

// version identifies the objective.
func (s Study) version() segment.Version {
	if s.Version != "" {
		return segment.VersionNamed(s.Version)
	}
	return trials.Build()
}

// warn logs which trials another version of the objective has trained. The result
// says so, too.
func (s Study) warn(ctx context.Context, store *store.Store, now segment.Version) {
	list, err := store.Versions(ctx, s.Name)
	if err != nil {
		s.Log.Warn().Err(err).Str("study", s.Name).Msg("its versions cannot be read")
		return
	}
	if line := study.DescribeChange(s.Name, list, now); line != "" {
		s.Log.Warn().Str("study", s.Name).Msg(line)
	}
}

// tell calls OnTrial until it is told to end, and then for the remaining trials.
func (s Study) tell(ctx context.Context, store *store.Store) (end func()) {
	if s.OnTrial == nil {
		return func() {}
	}
	ctx = context.WithoutCancel(ctx)
	told := map[int]bool{}
	poll := func(tell func(search.Record)) {
		list, err := store.Records(ctx, s.Name)
		if err != nil {
			return // the study has not begun, or its writer has the same trouble
		}
		for _, r := range list {
			if r.State.Ended() && !told[r.ID] {
				told[r.ID] = true
				tell(r)
			}
		}
	}
	poll(func(search.Record) {})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				poll(s.OnTrial)
				return
			case <-time.After(500 * time.Millisecond):
				poll(s.OnTrial)
			}
		}
	}()
	return func() { close(stop); <-ended }
}
