package trees

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// The form of a saved model: "BWTREES1"; 8 bytes with the length of a JSON header; the header; then, for each
// tree, its nodes, 29 bytes each, and the words of its sets; then the values of leaves. All little-endian.
const savedMagic = "BWTREES1"

// saved is a model and what a booster knows beside it.
type saved struct {
	*Model
	Best int
}

type savedHeader struct {
	Kind    string
	Loss    string `json:",omitempty"`
	Classes int
	Columns []Column
	Outputs int
	Width   int
	Start   []float64
	Ordered []Ordered `json:",omitempty"`
	Weights []float64 `json:",omitempty"`
	Best    int
	Trees   []savedTree
	Values  int
}

type savedTree struct {
	Nodes int
	Sets  []int `json:",omitempty"` // words of each
}

// Save writes the model, for [Load].
func (m *Model) Save(w io.Writer) error { return write(w, &saved{Model: m}) }

// Load reads a model that [Model.Save] or [Booster.Save] wrote: of the latter as it was at the end.
func Load(r io.Reader) (*Model, error) {
	s, err := read(r)
	if err != nil {
		return nil, err
	}
	return s.Model, nil
}

// LoadBest is Load for the model as it was at its best, if what was saved says when that was.
func LoadBest(r io.Reader) (*Model, error) {
	s, err := read(r)
	switch {
	case err != nil:
		return nil, err
	case s.Best == 0:
		return s.Model, nil
	}
	return s.Head(s.Best), nil
}

func write(w io.Writer, s *saved) error {
	m := s.Model
	h := savedHeader{m.Kind, m.Loss, m.Classes, m.Columns, m.Outputs, m.Width, m.Start, m.Ordered, m.Weights, s.Best, nil, len(m.Values)}
	for _, t := range m.Trees {
		st := savedTree{Nodes: len(t.Nodes)}
		for _, set := range t.Sets {
			st.Sets = append(st.Sets, len(set))
		}
		h.Trees = append(h.Trees, st)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("trees: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(savedMagic)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(head))))
	out.Write(head)
	var b []byte
	for _, t := range m.Trees {
		for _, n := range t.Nodes {
			b = b[:0]
			for _, v := range []uint32{uint32(n.Column), uint32(n.Left), uint32(n.Set), math.Float32bits(n.At), math.Float32bits(n.Gain), math.Float32bits(n.Cover), uint32(n.Value)} {
				b = binary.LittleEndian.AppendUint32(b, v)
			}
			missing := byte(0)
			if n.Missing {
				missing = 1
			}
			out.Write(append(b, missing))
		}
		for _, set := range t.Sets {
			for _, v := range set {
				out.Write(binary.LittleEndian.AppendUint64(b[:0], v))
			}
		}
	}
	for _, v := range m.Values {
		out.Write(binary.LittleEndian.AppendUint32(b[:0], math.Float32bits(v)))
	}
	return out.Flush()
}

var errDamaged = errors.New("trees: the model is damaged")

// mostHeader and mostNodes bound what is read of a damaged file.
const (
	mostHeader = 1 << 30
	mostNodes  = 1 << 28
)

func read(r io.Reader) (*saved, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	start := make([]byte, len(savedMagic)+8)
	if _, err := io.ReadFull(in, start); err != nil || string(start[:8]) != savedMagic {
		return nil, errors.New("trees: this is no model of trees")
	}
	n := binary.LittleEndian.Uint64(start[8:])
	if n > mostHeader {
		return nil, errDamaged
	}
	head, err := io.ReadAll(io.LimitReader(in, int64(n)))
	if err != nil || uint64(len(head)) != n {
		return nil, errDamaged
	}
	var h savedHeader
	if err := json.Unmarshal(head, &h); err != nil {
		return nil, errDamaged
	}
	m := &Model{Kind: h.Kind, Loss: h.Loss, Classes: h.Classes, Columns: h.Columns, Outputs: h.Outputs, Width: h.Width, Start: h.Start, Ordered: h.Ordered, Weights: h.Weights}
	var b [29]byte
	for _, st := range h.Trees {
		var t Tree
		if st.Nodes < 1 || st.Nodes > mostNodes {
			return nil, errDamaged
		}
		for range st.Nodes {
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return nil, errDamaged
			}
			word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
			t.Nodes = append(t.Nodes, Node{int32(word(0)), int32(word(1)), int32(word(2)), b[28] != 0, math.Float32frombits(word(3)), math.Float32frombits(word(4)), math.Float32frombits(word(5)), int32(word(6))})
		}
		for _, words := range st.Sets {
			if words < 0 || words > maxLevels/64+1 {
				return nil, errDamaged
			}
			set := make([]uint64, words)
			for i := range set {
				if _, err := io.ReadFull(in, b[:8]); err != nil {
					return nil, errDamaged
				}
				set[i] = binary.LittleEndian.Uint64(b[:])
			}
			t.Sets = append(t.Sets, set)
		}
		m.Trees = append(m.Trees, t)
	}
	if h.Values < 0 || h.Values > mostNodes {
		return nil, errDamaged
	}
	for range h.Values {
		if _, err := io.ReadFull(in, b[:4]); err != nil {
			return nil, errDamaged
		}
		m.Values = append(m.Values, math.Float32frombits(binary.LittleEndian.Uint32(b[:])))
	}
	s := &saved{m, h.Best}
	if !s.sound() {
		return nil, errDamaged
	}
	return s, nil
}

// sound reports whether nothing of a model that was read points beyond it.
func (s *saved) sound() bool {
	m := s.Model
	w := len(m.Columns)
	if w == 0 || m.Outputs < 1 || m.Outputs > 1<<16 || len(m.Start) != m.Outputs || m.Width != 1 && m.Width != m.Outputs ||
		m.Classes < 0 || m.Classes > 1<<16 || s.Best < 0 || s.Best > m.Rounds() {
		return false
	}
	if l, ok := losses[m.Loss]; m.Loss != "" && (!ok || l.classes != (m.Classes > 0)) {
		return false
	}
	switch {
	case m.Kind == "linear":
		if !m.soundLinear() {
			return false
		}
	case m.Kind != "boosting" && m.Kind != "forest":
		return false
	}
	if want := m.wants(); m.Outputs != want {
		return false
	}
	for _, c := range m.Columns {
		if c.Levels < 0 || c.Levels > maxLevels {
			return false
		}
	}
	for _, o := range m.Ordered {
		if o.Column < 0 || o.Column >= w || o.Width < 1 || o.Width > 1<<16 || len(o.Means) != (m.Columns[o.Column].Levels+1)*o.Width {
			return false
		}
	}
	w = m.width()
	for i := range m.Trees {
		t := &m.Trees[i]
		for k, n := range t.Nodes {
			if n.leaf() {
				if n.Value < 0 || (int(n.Value)+1)*m.Width > len(m.Values) {
					return false
				}
				continue
			}
			if int(n.Column) >= w || int(n.Left) <= k || int(n.Left)+1 >= len(t.Nodes) || n.Set < -1 || int(n.Set) >= len(t.Sets) {
				return false
			}
		}
	}
	return true
}

// wants is the number of outputs that loss and classes ask for.
func (m *Model) wants() int {
	if m.Loss == "logistic" {
		return 1
	}
	return max(m.Classes, 1)
}

// like reports whether a model that was read belongs to the same columns and task.
func (s *saved) like(m *Model) error {
	if s.Kind != m.Kind || s.Loss != m.Loss || s.Classes != m.Classes || s.Outputs != m.Outputs || len(s.Columns) != len(m.Columns) {
		return fmt.Errorf("trees: the saved model is of another task: %s %s of %d columns, not %s %s of %d", s.Kind, s.Loss, len(s.Columns), m.Kind, m.Loss, len(m.Columns))
	}
	return nil
}
