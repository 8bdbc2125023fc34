package study

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"budwood/search"
	"budwood/trials"
)

// fairPaths is the way to train a supernet in which each alternative takes part
// equally often; the other one is uniformPaths.
const (
	uniformPaths = "uniform"
	fairPaths    = "fair"
)

// checkSupernet tells what a one-shot search cannot do.
func (s *Spec) checkSupernet() error {
	q := &s.Search
	if err := oneOf("search.supernet", q.Supernet, []string{uniformPaths, fairPaths}); err != nil {
		return err
	}
	switch {
	case s.Architecture == nil:
		return wrong("search.supernet", "there are no networks to share weights: it belongs to a study with an architecture")
	case s.Data != nil && s.Data.Split.CV > 0:
		return wrong("data.split.cv", "with search.supernet candidates are evaluated on one part of the data: give valid instead")
	case len(s.Space) > 0:
		return wrong("space", "with search.supernet one training serves all networks, so that its hyperparameters cannot be searched: fix them under train")
	case q.Inherit:
		return wrong("search.inherit", "with search.supernet no network is trained alone: remove one of them")
	case q.Scheduler != "none":
		return wrong("search.scheduler", "with search.supernet candidates are evaluated and not trained, so that %s has nothing to stop: remove it", q.Scheduler)
	case s.EarlyStop.Patience > 0:
		return wrong("early_stop", "with search.supernet candidates are evaluated and not trained, so that there is nothing to stop: remove it")
	}
	for _, name := range []string{"ema", "lookahead"} {
		if _, ok := s.Train[name]; ok {
			return wrong("train."+name, "with search.supernet there is no average of weights: each step trains another network")
		}
	}
	if s.Train["precision"] == "float16" {
		return wrong("train.precision", "with search.supernet write float32 or bfloat16: each step trains another network, and float16 would need a loss scale for each")
	}
	for i, o := range s.Objectives() {
		if m, _ := metric(o.Metric); m.Training {
			path := "objective.metric"
			if i > 0 {
				path = fmt.Sprintf("also[%d].metric", i-1)
			}
			return wrong(path, "with search.supernet candidates are evaluated and not trained: %s says nothing of them", o.Metric)
		}
	}
	return nil
}

// TrainsShared reports whether a trial trains the weights that the others share.
func (s *Spec) TrainsShared(trial int) bool {
	return s.Search.Supernet != "" && trial == trials.SupernetTrial
}

// evaluated reports whether a segment is no training but one validation with shared
// weights.
func (s *Spec) evaluated(seg search.Segment) bool {
	return s.Search.Supernet != "" && !seg.Again && !s.TrainsShared(seg.Trial)
}

// shared reports whether a segment's network is evaluated with shared weights, or trains them.
func (s *Spec) sharesWeights(seg search.Segment) bool { return s.Search.Supernet != "" && !seg.Again }

// keeps lists the checkpoints that a study needs should it go on after its end.
func (s *Spec) keeps() []string {
	if s.Teacher != nil {
		return []string{s.Teacher.Key}
	}
	if s.Search.Supernet == "" {
		return nil
	}
	return []string{trials.EndKey(s.Name, trials.SupernetTrial, s.Budget.Epochs)}
}

// describeJudged tells what the trials that were trained from scratch came to beside
// what they were evaluated with shared weights, and returns them.
func describeJudged(w io.Writer, o search.Objective, all []search.Record) (trained []search.Record) {
	label := "shared"
	for i := range all {
		name, again := strings.CutPrefix(all[i].Source, retrainSource)
		if !again {
			continue
		}
		trained = append(trained, all[i])
		like := slices.IndexFunc(all, func(r search.Record) bool { return r.Name() == name })
		now, ok := all[i].Last()
		if like < 0 || !ok {
			continue
		}
		was, _ := all[like].Last()
		fmt.Fprintf(w, "%-8s %s evaluated by shared weights: %s %.5g; trained from scratch as %s: %.5g\n",
			label, name, o.Metric, was.Metrics[o.Metric], all[i].Name(), now.Metrics[o.Metric])
		label = ""
	}
	return trained
}
