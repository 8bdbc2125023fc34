package study

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"budwood/data"
	"budwood/learn/network"
	"budwood/meta"
	"budwood/nas"
	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Recorder keeps studies in the store, and proposes candidates by what is there. It
// runs in the process that owns the store, and is what both drivers of a study share.
type Recorder struct {
	Store *store.Store
	Data  *data.Cache
	Files *blob.DataFiles // where studies' data is kept for the workers; nil: nowhere
	Log   zerolog.Logger
	Clock *network.Clock // what costs are predicted with; nil: built-in numbers

	// Sampler makes the sampler of a study; nil means that of [Spec.Search].
	Sampler func(*Spec) (search.Sampler, error)

	mu      sync.Mutex
	studies map[string]*proposer // by study
}

// proposer is a study's sampler with what it needs besides the past.
type proposer struct {
	spec    Spec
	warm    meta.Interleave // sampler and warm start
	sampler search.Sampler  // start_with first

	constraints search.Constraints
}

// FinalError is an error that the same request would give again.
type FinalError struct {
	Kind string // in one word, as Temporal shows it
	Err  error
}

// Error is the message, in one line.
func (e *FinalError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong there.
func (e *FinalError) Unwrap() error { return e.Err }

// BeginInput asks to record a study.
type BeginInput struct {
	Spec  Spec   `json:"spec"`
	Queue string `json:"queue"`
}

// BeginResult is what the store knows of a study that begins.
type BeginResult struct {
	Digests map[string]data.Digest `json:"digests,omitempty"` // of data that was kept just now
	Saved   *State                 `json:"carry,omitempty"`   // of a study that ended before
	Settles bool                   `json:"settles,omitempty"` // the best trial is trained to the end before the study ends; histories of older versions lack it
	Rules   int                    `json:"rules,omitempty"`   // of ending: see [Rules]; histories of older versions lack it
	Clock   *network.Clock         `json:"clock,omitempty"`   // of a study that tells costs
	Teacher *Teacher               `json:"teacher,omitempty"` // that was found just now
	Aside   *AsideResult           `json:"aside,omitempty"`   // of a study some of whose trials are set aside, or were
}

// Begin records the study and plans its warm start. A study of that name which
// has ended goes on with its old state.
func (a *Recorder) Begin(ctx context.Context, in BeginInput) (BeginResult, error) {
	out := BeginResult{Settles: true, Rules: Rules}
	spec := in.Spec
	if spec.Data != nil && spec.Data.Digests == nil && a.Files != nil { // of a schedule: what is there now
		if err := spec.KeepData(ctx, a.Files); err != nil {
			a.Log.Warn().Err(err).Str("study", spec.Name).Msg("its data is read on each worker")
		}
		out.Digests = spec.Data.Digests
	}
	if err := CheckWarmStart(ctx, a.Store, &spec); err != nil {
		return BeginResult{}, &FinalError{"NoWarmStart", err}
	}
	if err := a.clock(ctx, &spec); err != nil {
		return BeginResult{}, err
	}
	out.Clock = spec.Clock
	if a.Files != nil && spec.Data != nil && spec.Teacher == nil {
		if err := FindTeacher(ctx, a.Store, a.Data, a.Files.Blobs, &spec); err != nil {
			return BeginResult{}, &FinalError{"NoTeacher", err}
		}
		out.Teacher = spec.Teacher
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return BeginResult{}, err
	}
	row := store.Study{Name: spec.Name, Spec: raw, Objectives: spec.Objectives(), Space: spec.Space, State: store.StudyRunning, Best: -1}
	var features meta.Features
	if d, err := spec.Probe(ctx, a.Data); err != nil {
		// The data may be on the workers only; the study can do without features.
		a.Log.Warn().Err(err).Str("study", spec.Name).Msg("no data-set features")
	} else if d != nil {
		features = dataFeatures(&d.Facts, d.Task)
		if row.Features, err = json.Marshal(features); err != nil {
			return BeginResult{}, err
		}
	}
	if plan, err := a.warmStart(ctx, &spec, features); err != nil {
		a.Log.Warn().Err(err).Str("study", spec.Name).Msg("no warm start")
	} else if plan != nil {
		if row.WarmStart, err = json.Marshal(plan); err != nil {
			return BeginResult{}, err
		}
	}
	old, created, err := a.Store.Begin(ctx, row)
	if err != nil || created {
		return out, err
	}
	if err := CanContinue(old.Spec, &spec); err != nil {
		return BeginResult{}, &FinalError{"StudyExists", err}
	}
	a.forget(spec.Name)
	if err := a.Store.Edit(ctx, spec.Name, raw, spec.Space); err != nil { // the space may have changed
		return BeginResult{}, err
	}
	carry, err := a.Store.Reopen(ctx, spec.Name, raw)
	if err != nil {
		return BeginResult{}, err
	}
	if carry != nil {
		if err := json.Unmarshal(carry, &out.Saved); err != nil {
			return out, err
		}
	}
	if !out.Saved.FromStart() {
		if err := a.Store.Revive(ctx, spec.Name, out.Saved.Loop.Left()); err != nil {
			return out, err
		}
		if out.Saved.Loop.Top, err = a.best(ctx, &spec, &out.Saved.Loop); err != nil {
			return out, err
		}
	}
	aside, err := a.aside(ctx, spec.Name)
	if len(aside.Trials) > 0 || out.Saved != nil && len(out.Saved.Loop.Aside) > 0 {
		out.Aside = &aside
	}
	return out, err
}

// best are the trials that a study would train again by now. The search that ended may
// have asked for fewer, or for none.
func (a *Recorder) best(ctx context.Context, spec *Spec, l *search.Loop) ([]search.Scored, error) {
	if len(l.Top) >= spec.Retrain.Best {
		return l.Top, nil
	}
	past, err := a.Store.Records(ctx, spec.Name)
	if err != nil {
		return nil, err
	}
	var top []search.Scored
	for _, r := range past {
		again := slices.ContainsFunc(l.Again, func(p search.Pair) bool { return p.Trial == r.ID })
		if loss, ok := r.Loss(spec.Objective); ok && !again && r.State.Usable() {
			top = append(top, search.Scored{Trial: r.ID, Loss: loss})
		}
	}
	slices.SortStableFunc(top, func(a, b search.Scored) int { return cmp.Compare(a.Loss, b.Loss) })
	return top[:min(len(top), spec.Retrain.Best)], nil
}

// StartInput asks to prepare segments.
type StartInput struct {
	Study    string               `json:"study"`
	Segments []search.Segment     `json:"segments"`
	Given    map[int]search.Trial `json:"given,omitempty"` // candidates of new trials that the user gave
}

// Start prepares segments: it proposes and records a candidate for each new
// trial, and notes what is promoted. It returns the segments' trials in their
// order. Asked again for a trial that exists, it answers with what exists. A new
// trial for which the space holds no more candidates, or that is not expected to
// gain enough, is missing from the answer, and so are those behind it.
func (a *Recorder) Start(ctx context.Context, in StartInput) ([]search.Trial, error) {
	p, err := a.proposer(ctx, in.Study)
	if err != nil {
		return nil, err
	}
	past, err := a.Store.Records(ctx, in.Study)
	if err != nil {
		return nil, err
	}
	var out, added []search.Trial
	var places []int // of the added ones in out
	for _, seg := range in.Segments {
		if seg.From > 0 {
			if err := a.Store.Resume(ctx, in.Study, seg.Trial, seg.To, seg.Reason); err != nil {
				return nil, err
			}
		}
		if i, ok := slices.BinarySearchFunc(past, seg.Trial, func(r search.Record, id int) int { return r.ID - id }); ok {
			out = append(out, past[i].Trial)
			continue
		}
		t, given := in.Given[seg.Trial]
		switch {
		case given:
		case seg.Again:
			t, err = again(seg, past)
		default:
			t, err = p.propose(ctx, search.Counted(past), seg.Trial)
		}
		if errors.Is(err, search.ErrExhausted) {
			break
		}
		if err != nil {
			// A sampler is a pure function: it would fail again.
			return nil, &FinalError{"SamplerError", fmt.Errorf("propose trial %s: %w", search.TrialName(seg.Trial), err)}
		}
		places, added = append(places, len(out)), append(added, t)
		out = append(out, t)
		past = append(past, search.Record{Trial: t, State: search.Running})
	}
	if len(added) == 0 {
		return out, nil
	}
	if added, err = a.Store.Add(ctx, in.Study, added); err != nil {
		return nil, err
	}
	for i, at := range places {
		out[at] = added[i]
	}
	return out, nil
}

// retrainSource is the source of a trial that is another one again, whose name follows.
const retrainSource = "retrain "

// again is a new trial with the params of an old one.
func again(seg search.Segment, past []search.Record) (search.Trial, error) {
	i, ok := slices.BinarySearchFunc(past, seg.Like, func(r search.Record, id int) int { return r.ID - id })
	if !ok {
		return search.Trial{}, fmt.Errorf("it is %s again, which the store does not have", search.TrialName(seg.Like))
	}
	return search.Trial{ID: seg.Trial, Params: past[i].Params, Source: retrainSource + search.TrialName(seg.Like)}, nil
}

// propose is a candidate for a new trial.
func (p *proposer) propose(ctx context.Context, past []search.Record, trial int) (search.Trial, error) {
	req := search.Request{
		Space: p.spec.Space, Objectives: p.spec.Objectives(), Past: past, First: trial, N: 1, Seed: p.spec.Search.Seed,
		Constraints: p.constraints,
	}
	if p.enough(req) {
		return search.Trial{}, search.ErrExhausted
	}
	params, err := p.sampler.Propose(ctx, req)
	if err == nil && len(params) == 0 {
		err = search.ErrExhausted
	}
	if err != nil {
		return search.Trial{}, err
	}
	return search.Trial{ID: trial, Params: params[0], Source: p.source(req, params[0])}, nil
}

// Record stores segments; those of one call share a flush to the disk.
func (a *Recorder) Record(ctx context.Context, reports []segment.Report) error {
	errs := make([]error, len(reports))
	var all sync.WaitGroup
	for i, r := range reports {
		all.Go(func() {
			accepted, err := a.Store.Record(ctx, r)
			if err == nil && !accepted {
				a.Log.Warn().Str("study", r.Study).Str("trial", search.TrialName(r.Trial)).Int("attempt", r.Attempt).Msg("late report dropped")
			}
			errs[i] = err
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// End stores final states of paused trials.
func (a *Recorder) End(ctx context.Context, study string, ended []search.Ending) error {
	errs := make([]error, len(ended))
	var all sync.WaitGroup
	for i, e := range ended {
		all.Go(func() { errs[i] = a.Store.End(ctx, study, e.Trial, e.State, e.Reason) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Edit stores a study's changed specification.
func (a *Recorder) Edit(ctx context.Context, spec Spec) error {
	raw, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	defer a.forget(spec.Name) // not before: a proposal in between would bring back the old one
	return a.Store.Edit(ctx, spec.Name, raw, spec.Space)
}

// FinishInput is how a study ended.
type FinishInput struct {
	Study  string           `json:"study"`
	State  store.StudyState `json:"state"`
	Reason string           `json:"reason,omitempty"`
	Best   int              `json:"best"`
	Test   search.Metrics   `json:"test,omitempty"`
	Saved  *State           `json:"carry,omitempty"`
}

// Finish stores a study's end.
func (a *Recorder) Finish(ctx context.Context, in FinishInput) error {
	if in.Reason == "" {
		var err error
		if in.Reason, err = a.whyEnough(ctx, in.Study); err != nil {
			return err
		}
	}
	a.forget(in.Study)
	if in.Saved != nil {
		carry, err := json.Marshal(in.Saved)
		if err != nil {
			return err
		}
		if err := a.Store.SaveState(ctx, in.Study, carry); err != nil {
			return err
		}
	}
	return a.Store.Finish(ctx, in.Study, in.State, in.Reason, in.Best, in.Test)
}

// proposer builds a study's sampler from what the store says, once.
func (a *Recorder) proposer(ctx context.Context, study string) (*proposer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.studies[study]; p != nil {
		return p, nil
	}
	row, err := a.Store.Study(ctx, study)
	if err != nil {
		return nil, err
	}
	p := &proposer{}
	if err := json.Unmarshal(row.Spec, &p.spec); err != nil {
		return nil, fmt.Errorf("study %q: its stored specification: %w", study, err)
	}
	var plan meta.Plan
	if len(row.WarmStart) > 0 {
		if err := json.Unmarshal(row.WarmStart, &plan); err != nil {
			return nil, fmt.Errorf("study %q: its warm start: %w", study, err)
		}
	}
	build := a.Sampler
	if build == nil {
		build = newSampler
	}
	sampler, err := build(&p.spec)
	if err != nil {
		return nil, fmt.Errorf("study %q: its sampler: %w", study, err)
	}
	if p.constraints, err = p.spec.constraints(); err != nil {
		return nil, fmt.Errorf("study %q: %w", study, err)
	}
	given := p.spec.given(p.constraints)
	sampler = believing(&p.spec, given, plan, sampler)
	p.warm = meta.Interleave{Sampler: sampler, Candidates: plan.Candidates, From: len(p.spec.StartWith)}
	if p.spec.Architecture != nil {
		p.warm.Key = nas.Key
	}
	p.sampler = startWith{given, p.warm}
	if a.studies == nil {
		a.studies = map[string]*proposer{}
	}
	a.studies[study] = p
	return p, nil
}

// source says who proposed a trial's params.
func (p *proposer) source(req search.Request, params search.Params) string {
	if req.First < len(p.spec.StartWith) {
		return "start_with"
	}
	if s := p.warm.Source(params); s != "" {
		return s
	}
	if e, ok := p.warm.Sampler.(search.Explainer); ok {
		if why := e.Explain(req); why != "" {
			return p.spec.Search.Sampler + ": " + why
		}
	}
	return p.spec.Search.Sampler
}

func (a *Recorder) forget(study string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.studies, study)
}
