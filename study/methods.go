package study

import (
	"fmt"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/hpo"
	"budwood/hpo/scheduler"
	"budwood/learn/network"
	"budwood/nas"
	"budwood/search"
	"budwood/trials"
)

// The methods by name. This file is the one place that names them.
var (
	Samplers             = []string{"auto", "gp", "tpe", "cmaes", "evolution", "nsga2", "motpe", "ehvi", "random", "grid", "sobol", "quasi"}
	ArchitectureSamplers = []string{"evolution", "local", "predictor", "nsga2", "nsga3", "random"}
	Schedulers           = []string{"asha", "hyperband", "halving", "median", "plateau", "extrapolation", "none"}

	// unlearned samplers propose the same whatever the results were.
	unlearned = map[string]bool{"random": true, "grid": true, "sobol": true, "quasi": true}

	// oneObjective are the samplers and schedulers that look at the first objective
	// alone.
	oneObjective = []string{"gp", "tpe", "cmaes", "evolution", "local", "predictor", "median", "plateau", "extrapolation"}

	// costSamplers weigh what a trial costs against what is expected of it.
	costSamplers = []string{"auto", "gp", "tpe", "motpe", "ehvi"}

	// Metrics are what a study with data can optimise.
	Metrics = []string{"valid_loss", "valid_accuracy", "valid_balanced_accuracy", "valid_f1", "valid_auc", "valid_rmse", "valid_mae", "valid_r2", "valid_perplexity",
		"train_loss", trials.EnergyWh, "params", "macs"}
)

func newSampler(s *Spec) (search.Sampler, error) {
	if s.Search.Own {
		return nil, fmt.Errorf("%s is of the Go program that began the study: run that program again", s.Search.Sampler)
	}
	if s.Architecture != nil {
		space, err := s.network()
		if err != nil {
			return nil, err
		}
		// A short study would be over before the usual population is there: it is a
		// share of the trials, within bounds.
		share := func(of, least, most int) int { return min(max(s.Budget.Trials/of, least), most) }
		switch s.Search.Sampler {
		case "random":
			return nas.Random{Space: space}, nil
		case "local":
			return nas.LocalSearch{Space: space, First: share(4, 5, 10)}, nil
		case "predictor":
			return nas.Predictor{Space: space, First: share(4, 5, 20)}, nil
		case "nsga2":
			return nas.NSGA2{Space: space, Population: share(6, 5, 10)}, nil
		case "nsga3":
			return nas.NSGA3{Space: space, Population: share(6, 6, 20)}, nil
		}
		e := nas.Evolution{Space: space, Population: share(3, 8, 30)}
		if s.Search.Proxy != "" {
			e.Proxy, err = space.Proxy(s.Search.Proxy)
		}
		return e, err
	}
	switch s.Search.Sampler {
	case "gp":
		return &hpo.GP{Cost: s.Search.Cost}, nil
	case "tpe":
		return hpo.TPE{Cost: s.Search.Cost}, nil
	case "random":
		return hpo.Random{}, nil
	case "cmaes":
		return &hpo.CMAES{}, nil
	case "evolution":
		return hpo.Evolution{}, nil
	case "nsga2":
		return hpo.NSGA2{}, nil
	case "motpe":
		return hpo.MOTPE{Cost: s.Search.Cost}, nil
	case "ehvi":
		return &hpo.EHVI{Cost: s.Search.Cost}, nil
	case "sobol":
		return hpo.Sobol{}, nil
	case "grid":
		return hpo.Grid{}, nil
	case "quasi":
		return hpo.Halton{}, nil
	}
	return &hpo.Auto{Cost: s.Search.Cost}, nil
}

// network is the architecture space bound to the data.
func (s *Spec) network() (*nas.Space, error) {
	space, err := s.Architecture.Space()
	if err != nil {
		return nil, err
	}
	space, err = space.For(s.Input, s.Outputs)
	if err == nil && s.Search.Inherit {
		space = space.Inheriting()
	}
	return space, err
}

// ladder is a search.Scheduler that can say what it will do.
type ladder interface {
	search.Scheduler
	Brackets() []scheduler.Bracket
}

func newScheduler(s *Spec) ladder {
	q, goal, full := s.Search, s.Objective.Goal, s.Budget.Epochs
	var also []search.Goal
	for _, o := range s.Also {
		also = append(also, o.Goal)
	}
	switch q.Scheduler {
	case "hyperband":
		return &scheduler.Hyperband{Min: q.Min, Max: full, Eta: q.Eta, Goal: goal, Also: also}
	case "halving":
		return &scheduler.SuccessiveHalving{Min: q.Min, Max: full, Eta: q.Eta, Goal: goal, Also: also}
	case "median":
		return &scheduler.MedianStopping{Min: q.Min, Max: full, Eta: q.Eta, Goal: goal}
	case "plateau":
		return &scheduler.Plateau{Max: full, Goal: goal}
	case "extrapolation":
		return &scheduler.Extrapolation{Min: q.Min, Max: full, Goal: goal}
	case "none":
		return &scheduler.NoStopping{Max: full, First: q.Supernet != ""}
	}
	return &scheduler.ASHA{Min: q.Min, Max: full, Eta: q.Eta, Goal: goal, Also: also}
}

func defaultGoal(metric string) search.Goal {
	switch metric {
	case "valid_accuracy", "valid_balanced_accuracy", "valid_f1", "valid_auc", "valid_r2":
		return search.Maximize
	}
	return search.Minimize
}

// Model is all that a worker needs to build the built-in objective.
type Model struct {
	Data         data.Source   `json:"data"`
	Train        search.Params `json:"train,omitempty"`
	Architecture *nas.Spec     `json:"architecture,omitempty"`
	Supernet     string        `json:"supernet,omitempty"` // how the weights that candidates share are trained
	Scores       []string      `json:"scores,omitempty"`   // metrics that cost more: see [trials.Supervised]
}

// model is nil for a study whose objective is a Go function.
func (s *Spec) Model() *Model {
	if s.Data == nil {
		return nil
	}
	m := &Model{Data: *s.Data, Train: s.Train, Architecture: s.Architecture, Supernet: s.Search.Supernet}
	for _, o := range s.Objectives() {
		if name := strings.TrimPrefix(o.Metric, "valid_"); slices.Contains(network.ScoreNames(), name) {
			m.Scores = append(m.Scores, name)
		}
	}
	return m
}

// supervised is the built-in objective on loaded data.
func (m *Model) Supervised(d *data.Data) (network.Supervised, error) {
	out := network.Supervised{Data: d, Fixed: m.Train, Build: buildMLP, Scores: m.Scores, Version: dataVersion(m.Data.Digests)}
	if m.Data.Text != nil {
		out.Build = buildText
	}
	if m.Architecture == nil {
		return out, nil
	}
	space, err := m.Architecture.Space()
	if err == nil {
		space, err = space.For(d.Train.Shape, max(d.Classes, d.Train.Outputs))
	}
	if err != nil {
		return out, err
	}
	out.Build = func(p search.Params, _ data.Shape, _ int) (engine.Layer, error) {
		g, err := nas.FromParams(p)
		if err != nil {
			return nil, err
		}
		net, _, err := space.Build(g)
		return net, err
	}
	out.Parent = func(p search.Params) (int, bool) {
		o, ok := nas.OriginOf(p)
		if !ok || !o.Inherits || len(o.Parents) == 0 {
			return 0, false
		}
		return o.Parents[0], true
	}
	out.Inherit = func(child, parent *engine.Net) (float64, error) {
		i, err := nas.Inherit(child, parent)
		return float64(i.Tensors) / float64(max(i.Of, 1)), err
	}
	if m.Supernet != "" {
		out.Supernet = func() network.Supernet { return space.Supernet(m.Supernet == fairPaths) }
	}
	return out, nil
}

// networkNames are the hyperparameters of the default network, textNames those of
// the default network for texts.
var (
	networkNames = []string{"layers", "width", "act", "dropout", "norm"}
	textNames    = []string{"network", "layers", "width", "heads", "dropout"}
)

// Hyperparameters are the names that a space of a study with data may use.
func Hyperparameters(s *Spec) []string {
	switch {
	case s.Architecture != nil:
		return network.RecipeNames
	case s.Data != nil && s.Data.Text != nil:
		return slices.Concat(network.RecipeNames, textNames)
	}
	return slices.Concat(network.RecipeNames, networkNames)
}

// buildMLP is the network of a study without an architecture: layers (2) hidden
// layers of a width (64), each with act (relu), norm (none or batch) and dropout
// (0).
func buildMLP(p search.Params, _ data.Shape, outputs int) (engine.Layer, error) {
	m, err := readMLP(p)
	if err != nil {
		return nil, err
	}
	var net engine.Seq
	for range m.layers {
		net = append(net, engine.Dense{Out: m.width})
		if m.norm == "batch" {
			net = append(net, engine.BatchNorm{})
		}
		net = append(net, m.act)
		if m.dropout > 0 {
			net = append(net, engine.Dropout{P: m.dropout})
		}
	}
	return append(net, engine.Dense{Out: outputs}), nil
}

// buildText is the network of a study of a text without an architecture: the
// characters embedded in a width (64), layers (2) blocks, each a GRU or a decoder
// of some heads (4) as network says, with dropout (0), and the character behind
// each step.
func buildText(p search.Params, _ data.Shape, outputs int) (engine.Layer, error) {
	m, err := readMLP(p)
	if err != nil {
		return nil, err
	}
	net := engine.Seq{engine.Embedding{Vocab: outputs, Out: m.width}}
	if m.network == "decoder" {
		net = append(net, engine.Positional{})
	}
	for range m.layers {
		if m.network == "decoder" {
			net = append(net, engine.Transformer{Heads: m.heads, Causal: true, Dropout: m.dropout})
			continue
		}
		net = append(net, engine.GRU{Out: m.width})
		if m.dropout > 0 {
			net = append(net, engine.Dropout{P: m.dropout})
		}
	}
	return append(net, engine.LayerNorm{}, engine.Dense{Out: outputs, PerStep: true}), nil
}

type mlp struct {
	layers, width int
	network       string // of texts
	heads         int
	act           engine.Layer
	dropout       float64
	norm          string
}

func readMLP(p search.Params) (m mlp, err error) {
	var r network.Reader
	m.layers = r.Int(p, "layers", 2, 0, 100)
	m.width = r.Int(p, "width", 64, 1, 1<<16)
	act := r.Choice(p, "act", "relu", "relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid")
	m.dropout = r.Number(p, "dropout", 0, 0, .95)
	m.norm = r.Choice(p, "norm", "none", "none", "batch")
	m.network = r.Choice(p, "network", "gru", "gru", "decoder")
	m.heads = r.Int(p, "heads", 4, 1, 256)
	if r.Err != nil {
		return m, r.Err
	}
	m.act, err = engine.Activation(act)
	return m, err
}

// learns tells whether what the study tries next depends on results.
func (s *Spec) Learns() bool {
	return !unlearned[s.Search.Sampler] || s.Search.Scheduler != "none" || s.Budget.MinGain > 0
}
