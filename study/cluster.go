package study

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"budwood/engine/layout"
)

// ClusterFile is what is planned for machines that one may not have: a cluster, a
// model, and the parts of the mesh that are not searched. It may be in one YAML file
// or in two.
type ClusterFile struct {
	Problem layout.Problem

	sources []source
}

// source is a file that was read.
type source struct {
	path string
	root ast.Node
}

// clusterKeys are the keys of such a file.
type clusterKeys struct {
	Cluster *clusterKey  `json:"cluster"`
	Model   *modelKey    `json:"model"`
	Mesh    *layout.Cuts `json:"mesh"`
}

type clusterKey struct {
	Nodes     int     `json:"nodes"`
	PerNode   int     `json:"per_node"`
	FLOPS     float64 `json:"flops"`
	Memory    Bytes   `json:"memory"`
	Bandwidth float64 `json:"memory_bandwidth"`
	Inside    float64 `json:"inside"`
	Between   float64 `json:"between"`
	Threads   int     `json:"threads"`
}

type modelKey struct {
	GPT       *layout.GPT      `json:"gpt"`
	Layers    []layout.Layer   `json:"layers"`
	Batch     int              `json:"batch"`
	Precision layout.Precision `json:"precision"`
	State     *layout.State    `json:"state"`
	Overlap   *bool            `json:"overlap"`
}

// LoadCluster reads the file of a cluster, and of a model if that is not in the same
// one (modelPath is "" then). Mistakes are [*FileError]s.
func LoadCluster(clusterPath, modelPath string) (*ClusterFile, error) {
	f := &ClusterFile{}
	var keys clusterKeys
	for _, path := range []string{clusterPath, modelPath} {
		if path == "" {
			continue
		}
		if err := f.read(path, &keys); err != nil {
			return nil, err
		}
	}
	if err := f.fill(&keys); err != nil {
		return nil, f.place(err)
	}
	return f, nil
}

// read adds the keys of a file; each may be in one file only.
func (f *ClusterFile) read(path string, keys *clusterKeys) error {
	src, err := os.ReadFile(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return &FileError{File: path, Err: err}
	}
	root, one, err := parseCluster(src)
	if err == nil {
		err = cutsNothing(root)
	}
	if err != nil {
		return fileError(path, root, err)
	}
	f.sources = append(f.sources, source{path, root})
	for _, k := range []struct {
		name         string
		given, twice bool
		take         func()
	}{
		{"cluster", one.Cluster != nil, keys.Cluster != nil, func() { keys.Cluster = one.Cluster }},
		{"model", one.Model != nil, keys.Model != nil, func() { keys.Model = one.Model }},
		{"mesh", one.Mesh != nil, keys.Mesh != nil, func() { keys.Mesh = one.Mesh }},
	} {
		if k.given && k.twice {
			return fileError(path, root, wrong(k.name, "it is in %s, too: leave one of them out", f.sources[0].path))
		}
		if k.given {
			k.take()
		}
	}
	return nil
}

func parseCluster(src []byte) (ast.Node, *clusterKeys, error) {
	if !utf8.Valid(src) {
		return nil, nil, errors.New("a file of a cluster is a text in UTF-8")
	}
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, nil, err
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, nil, errors.New("a file of a cluster holds one YAML document with the keys cluster, model and mesh")
	}
	root, keys := file.Docs[0].Body, &clusterKeys{}
	return root, keys, decode(root, keys)
}

// cutsNothing finds a number of pieces that is written as 0, which would be taken for
// one that is to be searched.
func cutsNothing(root ast.Node) error {
	if n := exactly(root, "mesh"); n != nil && isMapping(n) && len(entries(n)) == 0 {
		return wrong("mesh", "it says nothing: write what is not to be searched, or leave it out")
	}
	for _, path := range []string{"mesh.data", "mesh.tensor", "mesh.pipeline", "mesh.chunks", "mesh.micro_batches", "mesh.threads", "cluster.threads"} {
		if n := exactly(root, path); n != nil && nothing(n) {
			return wrong(path, "%s: use a whole number of at least 1, or leave the key out", describe(n))
		}
	}
	return nil
}

// fill makes the problem from the keys.
func (f *ClusterFile) fill(keys *clusterKeys) error {
	c, m := keys.Cluster, keys.Model
	switch {
	case c == nil:
		return wrong("cluster", "it is missing: write cluster: {nodes: 16, per_node: 8, flops: 312e12, memory: 80GB, memory_bandwidth: 2.0e12, inside: 300e9, between: 25e9}")
	case m == nil:
		return wrong("model", "it is missing: write model: {gpt: {layers: 24, hidden: 2048, heads: 16, vocab: 51200, seq: 2048}, batch: 512, precision: bf16} here or in a file of its own")
	case (m.GPT == nil) == (m.Layers == nil):
		return wrong("model", "it needs either gpt: or layers:")
	case m.State != nil && !(m.State.Weights > 0 && m.State.Gradients >= 0 && m.State.Optimizer >= 0):
		return wrong("model.state", "weights, gradients and optimizer are bytes a parameter, like {weights: 2, gradients: 4, optimizer: 12}")
	}
	p := &f.Problem
	p.Cluster = layout.Cluster{Nodes: c.Nodes, PerNode: c.PerNode, FLOPS: c.FLOPS, Memory: float64(c.Memory), Bandwidth: c.Bandwidth, Inside: c.Inside, Between: c.Between, Threads: c.Threads}
	if err := below("cluster", p.Cluster.Validate()); err != nil {
		return err
	}
	p.Model = layout.Model{Layers: m.Layers, Batch: m.Batch, Precision: m.Precision}
	if m.GPT != nil {
		if err := below("model.gpt", m.GPT.Validate()); err != nil {
			return err
		}
		p.Model = m.GPT.Model(m.Batch, m.Precision)
	}
	if m.State != nil {
		p.Model.State = *m.State
	}
	p.Model.Late = m.Overlap != nil && !*m.Overlap
	if err := below("model", p.Model.Validate()); err != nil {
		return err
	}
	if keys.Mesh != nil {
		p.Fixed = *keys.Mesh
	}
	return below("mesh", p.Fixed.Validate())
}

// below says where in the file a mistake is.
func below(key string, err error) error {
	var field *layout.FieldError
	if errors.As(err, &field) {
		return &FieldError{key + "." + field.Field, field.Err}
	}
	return err
}

// place finds a mistake in the file that has its key.
func (f *ClusterFile) place(err error) error {
	s := f.sources[0]
	var field *FieldError
	if errors.As(err, &field) {
		key, _, _ := strings.Cut(field.Path, ".")
		for _, o := range f.sources {
			if exactly(o.root, key) != nil {
				s = o
			}
		}
	}
	return fileError(s.path, s.root, err)
}

// Search is [layout.Problem.Search]; its mistakes are [*FileError]s.
func (f *ClusterFile) Search() (*layout.Answer, error) {
	a, err := f.Problem.Search()
	var field *layout.FieldError
	switch {
	case errors.As(err, &field):
		return nil, f.place(below("mesh", err))
	case errors.Is(err, layout.ErrNoFit):
		return nil, f.place(&FieldError{"cluster.memory", err})
	case err != nil:
		return nil, fmt.Errorf("the search of a plan: %w", err)
	}
	return a, nil
}
