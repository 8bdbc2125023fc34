package study

import (
	"fmt"
	"io"
	"strings"

	"budwood/engine"
	"budwood/learn/network"
	"budwood/nas"
	"budwood/search"
	"budwood/trials"
)

// DescribeNetwork tells about the network of a trial: what it costs, and where
// it comes from, step by step. It is "" for a study without an architecture.
func DescribeNetwork(s *Spec, all []search.Record, r *search.Record) (string, error) {
	if s.Architecture == nil {
		return "", nil
	}
	net, cost, err := s.built(r)
	if err != nil {
		return "", err
	}
	m, batch, err := network.NetworkMemory(s.Train, r.Params, net, s.Input)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "network  %d parameters, %d multiply-accumulates a row; %s to train in batches of %d, %s to predict; about %s J for a million rows of training\n",
		cost.Params, cost.MACs, trials.BytesText(m.Train+m.Best), batch, trials.BytesText(m.Infer), search.FormatNumber(nas.Joules(cost, 1e6)))
	if s.Data != nil && s.Data.Split.CV > 1 {
		k := int64(s.Data.Split.CV)
		fmt.Fprintf(&b, "folds    %d such networks, whose mean is exported: %d parameters, %d multiply-accumulates a row\n", k, k*cost.Params, k*cost.MACs)
	}
	label := "lineage"
	for _, a := range nas.Lineage(all, r.ID) {
		fmt.Fprintf(&b, "%-8s %s  %s\n", label, search.TrialName(a.Trial), describeOrigin(a))
		label = ""
	}
	return b.String(), nil
}

func describeOrigin(a nas.Ancestor) string {
	o := a.Origin
	if len(o.Parents) == 0 {
		return "drawn at random"
	}
	names := make([]string, len(o.Parents))
	for i, p := range o.Parents {
		names[i] = search.TrialName(p)
	}
	s := "from " + strings.Join(names, " and ")
	if o.Change != "" {
		s += ": " + o.Change
	}
	switch {
	case o.Inherits && a.Inherited > 0:
		s += fmt.Sprintf(", with its weights (%.0f %% of the tensors)", 100*a.Inherited)
	case o.Inherits:
		s += ", trained from scratch"
	}
	return s
}

// DrawNetwork writes the network of a trial as SVG.
func DrawNetwork(w io.Writer, s *Spec, r *search.Record) error {
	if s.Architecture == nil {
		return fmt.Errorf("study %s searches no architecture: there is no network to draw", s.Name)
	}
	net, _, err := s.built(r)
	if err != nil {
		return err
	}
	return nas.Draw(w, net, s.Input)
}

// built is the network of a trial.
func (s *Spec) built(r *search.Record) (engine.Seq, engine.Cost, error) {
	space, err := s.network()
	if err != nil {
		return nil, engine.Cost{}, err
	}
	g, err := nas.FromParams(r.Params)
	if err != nil {
		return nil, engine.Cost{}, err
	}
	return space.Build(g)
}

// DescribeSearch tells how an architecture search went: the candidates that were
// not trained because they had been tried, and how well cheap guesses rank what
// was trained. It is "" for a study without an architecture.
func DescribeSearch(s *Spec, all []search.Record) (string, error) {
	if s.Architecture == nil {
		return "", nil
	}
	space, err := s.network()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "avoided  candidates that had been tried already: %d\n", nas.Avoided(all))
	if s.Search.Supernet != "" {
		all = describeJudged(&b, s.Objective, all)
	}
	label := "proxies"
	for _, c := range space.Correlations(all, s.Objective) {
		fmt.Fprintf(&b, "%-8s %-10s  rank correlation %+.2f with %s, over %d trials\n", label, c.Proxy, c.Rho, s.Objective.Metric, c.Trials)
		label = ""
	}
	return b.String(), nil
}
