package reader

import (
	"fmt"
	"strings"
)

// file is what a ModelProto says that is needed here. Field numbers are those of
// onnx.proto.
type file struct {
	opset     int
	producer  string
	nodes     []*node
	constants map[string]*tensor
	inputs    []info
	outputs   []info
}

// node is a NodeProto.
type node struct {
	number          int // in the file, from 0
	name, op        string
	domain          string
	inputs, outputs []string
	attrs           map[string]*attribute
}

// attribute is an AttributeProto.
type attribute struct {
	i      int64
	f      float32
	s      string
	tensor *tensor
	ints   []int64
	floats []float32
	graph  bool
}

// info is a ValueInfoProto: a dimension that is not fixed is 0.
type info struct {
	name string
	elem int64
	dims []int64
	seq  bool // no tensor
}

// title is what messages call a node.
func (n *node) title() string {
	name := n.name
	if name == "" && len(n.outputs) > 0 {
		name = n.outputs[0]
	}
	return fmt.Sprintf("node %d %q", n.number, name)
}

// int is an attribute, or otherwise.
func (n *node) int(name string, otherwise int) int {
	if a := n.attrs[name]; a != nil {
		return int(a.i)
	}
	return otherwise
}

func (n *node) float(name string, otherwise float32) float32 {
	if a := n.attrs[name]; a != nil {
		return a.f
	}
	return otherwise
}

func (n *node) text(name, otherwise string) string {
	if a := n.attrs[name]; a != nil {
		return a.s
	}
	return otherwise
}

// ints is an attribute as whole numbers; nil if it is not there.
func (n *node) ints(name string) []int {
	a := n.attrs[name]
	if a == nil {
		return nil
	}
	out := make([]int, len(a.ints))
	for i, v := range a.ints {
		out[i] = int(v)
	}
	return out
}

// parse reads a file.
func parse(b []byte) (*file, error) {
	f := &file{constants: map[string]*tensor{}}
	var graph []byte
	err := each(b, func(field int, n uint64, s []byte) error {
		switch field {
		case 2:
			f.producer = string(s)
		case 7:
			graph = s
		case 8:
			var domain string
			var version int
			err := each(s, func(field int, n uint64, s []byte) error {
				switch field {
				case 1:
					domain = string(s)
				case 2:
					version = int(min(n, 1<<20))
				}
				return nil
			})
			if domain == "" || domain == "ai.onnx" {
				f.opset = version
			}
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if graph == nil || f.opset == 0 {
		return nil, errBroken
	}
	if f.opset < leastOpset || f.opset > mostOpset {
		return nil, fmt.Errorf("its operators are of version %d; read are %d to %d", f.opset, leastOpset, mostOpset)
	}
	return f, f.graph(graph)
}

// The versions of the set of operators that are read.
const leastOpset, mostOpset = 7, 21

func (f *file) graph(b []byte) error {
	return each(b, func(field int, _ uint64, s []byte) error {
		switch field {
		case 1:
			n, err := parseNode(s)
			if err != nil {
				return err
			}
			n.number = len(f.nodes)
			f.nodes = append(f.nodes, n)
		case 5:
			name, t, err := parseTensor(s)
			if err != nil {
				return fmt.Errorf("tensor %q: %w", name, err)
			}
			f.constants[name] = t
		case 11, 12:
			v, err := parseInfo(s)
			if err != nil {
				return err
			}
			if field == 11 {
				f.inputs = append(f.inputs, v)
			} else {
				f.outputs = append(f.outputs, v)
			}
		case 15:
			return fmt.Errorf("it has sparse tensors, which are not read")
		}
		return nil
	})
}

func parseNode(b []byte) (*node, error) {
	n := &node{attrs: map[string]*attribute{}}
	err := each(b, func(field int, _ uint64, s []byte) error {
		switch field {
		case 1:
			n.inputs = append(n.inputs, string(s))
		case 2:
			n.outputs = append(n.outputs, string(s))
		case 3:
			n.name = string(s)
		case 4:
			n.op = string(s)
		case 5:
			name, a, err := parseAttribute(s)
			if err != nil {
				return err
			}
			n.attrs[name] = a
		case 7:
			n.domain = strings.TrimPrefix(string(s), "ai.onnx")
			if n.domain != "" {
				n.domain = string(s)
			}
		}
		return nil
	})
	return n, err
}

func parseAttribute(b []byte) (name string, a *attribute, err error) {
	a = &attribute{}
	err = each(b, func(field int, n uint64, s []byte) (err error) {
		switch field {
		case 1:
			name = string(s)
		case 2:
			if f := words(nil, s); len(f) == 1 {
				a.f = f[0]
			}
		case 3:
			a.i = int64(n)
		case 4:
			a.s = string(s)
		case 5:
			_, a.tensor, err = parseTensor(s)
		case 6, 11:
			a.graph = true
		case 7:
			a.floats = words(a.floats, s)
		case 8:
			a.ints, err = varints(a.ints, n, s)
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("attribute %q: %w", name, err)
	}
	return name, a, err
}

func parseInfo(b []byte) (v info, err error) {
	v.seq = true
	dim := func(_ int, _ uint64, s []byte) error {
		d := int64(0)
		err := each(s, func(field int, n uint64, _ []byte) error {
			if field == 1 {
				d = int64(n)
			}
			return nil
		})
		v.dims = append(v.dims, d)
		return err
	}
	err = each(b, func(field int, _ uint64, s []byte) error {
		switch field {
		case 1:
			v.name = string(s)
		case 2:
			return each(s, func(field int, _ uint64, s []byte) error { // TypeProto
				if field != 1 {
					return nil
				}
				v.seq = false
				return each(s, func(field int, n uint64, s []byte) error { // TypeProto.Tensor
					switch field {
					case 1:
						v.elem = int64(n)
					case 2:
						return each(s, dim)
					}
					return nil
				})
			})
		}
		return nil
	})
	return v, err
}
