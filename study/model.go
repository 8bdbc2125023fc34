package study

import (
	"fmt"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/transfer"
	"budwood/learn/network"
	"budwood/learn/tabular"
	"budwood/nas"
	"budwood/search"
	"budwood/trials/blob"
)

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

// Model is all that a worker needs to build the built-in objective.
type Model struct {
	Data         data.Source    `json:"data"`
	Train        search.Params  `json:"train,omitempty"`
	Architecture *nas.Spec      `json:"architecture,omitempty"`
	Supernet     string         `json:"supernet,omitempty"` // how the weights that candidates share are trained
	Mesh         engine.Mesh    `json:"mesh,omitzero"`      // pieces and threads of a training step
	Teacher      *Teacher       `json:"teacher,omitempty"`  // whose outputs networks learn from
	Compress     *Compress      `json:"compress,omitempty"` // the teacher is made smaller
	Clock        *network.Clock `json:"clock,omitempty"`
	Scores       []string       `json:"scores,omitempty"` // metrics that cost more: see [network.Supervised]
}

// model is nil for a study whose objective is a Go function.
func (s *Spec) Model() *Model {
	if s.Data == nil {
		return nil
	}
	m := &Model{Data: *s.Data, Train: s.Train, Architecture: s.Architecture, Supernet: s.Search.Supernet, Mesh: s.Mesh, Teacher: s.Teacher, Compress: s.Compress, Clock: s.Clock}
	for _, o := range s.Objectives() {
		if name := strings.TrimPrefix(o.Metric, "valid_"); slices.Contains(network.ScoreNames(), name) {
			m.Scores = append(m.Scores, name)
		}
	}
	return m
}

// Trainable is the built-in objective on loaded data, with all that training takes from
// elsewhere: what the data's teacher says.
func (m *Model) Trainable(d *data.Data, cache *data.Cache, blobs blob.Store) (network.Supervised, error) {
	s, err := m.Supervised(d)
	if m.Train[teacherKey] != nil && m.Teacher == nil {
		return s, fmt.Errorf("the teacher %v was not looked for when the study was submitted: submit it with a program of this version", m.Train[teacherKey])
	}
	s.Teach = m.teach(cache, blobs)
	if err == nil {
		err = m.findSource(&s, d, blobs)
	}
	return s, err
}

// Supervised is the built-in objective on loaded data.
func (m *Model) Supervised(d *data.Data) (network.Supervised, error) {
	out := network.Supervised{Data: d, Fixed: m.Train, Mesh: m.Mesh, Build: buildMLP, Scores: m.Scores, Version: dataVersion(m.Data.Digests)}
	if m.Data.Text != nil {
		out.Build = buildText
	}
	out.Clock = m.Clock
	if m.Compress != nil {
		err := m.compression(&out, d)
		return out, err
	}
	if m.Architecture == nil {
		if m.Data.Text == nil {
			out.Other = tabular.Of
		}
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
		i, err := transfer.Inherit(child, parent)
		return float64(i.Tensors) / float64(max(i.Of, 1)), err
	}
	if m.Supernet != "" {
		out.Supernet = func() network.Supernet { return space.Supernet(m.Supernet == fairPaths) }
	}
	return out, nil
}

// NetworkTable are the hyperparameters of the default network, TextTable those of
// the default network for texts.
var (
	NetworkTable = []network.Hyperparameter{
		layers, width,
		{Name: "act", Is: "activation after each hidden layer", Default: "relu", Options: []string{"relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"}},
		dropout,
		{Name: "norm", Is: "normalisation of each hidden layer", Default: "none", Options: []string{"none", "batch"}},
	}
	TextTable = []network.Hyperparameter{
		{Name: "network", Is: "kind of the blocks", Default: "gru", Options: []string{"gru", "decoder"}},
		layers, width,
		{Name: "heads", Is: "attention heads of a decoder", Default: 4, Lo: 1, Hi: 256},
		dropout,
	}
	layers  = network.Hyperparameter{Name: "layers", Is: "hidden layers or blocks", Default: 2, Hi: 100}
	width   = network.Hyperparameter{Name: "width", Is: "units of each hidden layer or block", Default: 64, Lo: 1, Hi: 1 << 16}
	dropout = network.Hyperparameter{Name: "dropout", Is: "share of the activations that are dropped after each hidden layer or block", Default: 0., Hi: .95}
)

// Hyperparameters are the names that a space of a study with data may use.
func Hyperparameters(s *Spec) []string {
	switch {
	case s.Compress != nil:
		return network.Names(slices.Concat(network.RecipeTable, network.PlanTable))
	case s.Architecture != nil:
		return network.Names(network.RecipeTable)
	case s.Data != nil && s.Data.Text != nil:
		return network.Names(slices.Concat(network.RecipeTable, TextTable))
	}
	return network.Names(slices.Concat(network.RecipeTable, NetworkTable, LearnerTable))
}

// buildMLP is the network of a study without an architecture: hidden layers, each
// with its normalisation, function and dropout (see [NetworkTable]).
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
// characters embedded, blocks that are GRUs or decoders, and the character behind
// each step (see [TextTable]).
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
	r := network.Reader{Params: p, Table: slices.Concat(NetworkTable, TextTable)}
	m.layers, m.width = r.Int("layers"), r.Int("width")
	act := r.Choice("act")
	m.dropout, m.norm = r.Number("dropout"), r.Choice("norm")
	m.network, m.heads = r.Choice("network"), r.Int("heads")
	if r.Err != nil {
		return m, r.Err
	}
	m.act, err = engine.Activation(act)
	return m, err
}

// Learns reports whether what the study tries next depends on results.
func (s *Spec) Learns() bool {
	return s.method().Learns || s.Search.Scheduler != "none" || s.Budget.MinGain > 0
}
