package transfer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
)

// Start says how a network starts from a source. The zero value keeps the head and trains
// everything at one rate.
type Start struct {
	Outputs  int     // of a new head, also where the source has as many; 0 keeps the source's
	Freeze   int     // so many blocks, from the input on, stay as they are: see [Source.Blocks]; below 0: all but the last −Freeze
	Decay    float64 // of the learning rate from block to block: that of block b of B is d^(B−b) of the head's; 0 means 1
	HeadRate float64 // factor of the head's learning rate; 0 means 1
}

// Started is a network that starts from a source. What is frozen is a network of its own,
// in its inference form: it has no gradients and no state of an optimizer, dropout does
// nothing there, and running statistics stand still. So its outputs, the features, need
// to be computed once only, and Net trains on them.
type Started struct {
	Trunk  *engine.Net    // what is frozen; nil: nothing
	Net    *engine.Net    // what is trained, on [Started.Features]
	Groups []engine.Group // its learning rates, for [engine.TrainConfig]

	Came []string // the tensors that came from the source, by the names that they have there
	New  []string // those of a new head
	Left []string // those of the source's head, if there is a new one

	cut    int // layers of the trunk
	layers engine.Seq
	in     data.Shape
}

// Start makes the network. The new head is that of engine.Compile, with weights a tenth as
// large, so that what is trained at first does not tear at the features.
func (s Source) Start(o Start, cfg engine.Config) (*Started, error) {
	blocks, err := s.Blocks()
	if err != nil {
		return nil, err
	}
	head, count := blocks[len(blocks)-1], len(blocks)
	if o.Freeze < 0 {
		o.Freeze = count + o.Freeze
	}
	switch {
	case o.Freeze < 0 || o.Freeze >= count:
		return nil, fmt.Errorf("transfer: %d of the %d blocks cannot be frozen: at least the head is trained", o.Freeze, count)
	case !(o.Decay >= 0 && o.Decay <= 1) || !(o.HeadRate >= 0) || math.IsInf(o.HeadRate, 0):
		return nil, fmt.Errorf("transfer: a decay of %v and a rate of %v are none", o.Decay, o.HeadRate)
	}
	t := &Started{layers: slices.Clone(s.Layers), in: s.In}
	if o.Freeze > 0 {
		t.cut = blocks[o.Freeze]
	}
	fresh := -1
	if o.Outputs > 0 {
		fresh = head - t.cut
		switch l := s.Layers[head].(type) {
		case engine.Dense:
			l.Out = o.Outputs
			t.layers[head] = l
		case engine.Conv:
			l.Out = o.Outputs
			t.layers[head] = l
		}
		for name := range s.Tensors {
			if i, _ := place(name); i == head {
				t.Left = append(t.Left, name)
			}
		}
		slices.Sort(t.Left)
	}
	source := Source{t.layers, s.In, s.Tensors}
	own, err := source.piece(t.cut, len(t.layers))
	if err != nil {
		return nil, err
	}
	if t.Net, err = engine.Compile(own.Layers, own.In, cfg); err != nil {
		return nil, err
	}
	came, err := own.fill(t.Net, fresh)
	if err != nil {
		return nil, err
	}
	t.Came = shifted(came, t.cut)
	if t.cut > 0 {
		frozen, err := source.piece(0, t.cut)
		if err != nil {
			return nil, err
		}
		if t.Trunk, err = engine.Compile(frozen.Layers, frozen.In, engine.Config{Batch: cfg.Batch, CPU: cfg.CPU, Precision: cfg.Precision}); err != nil {
			return nil, err
		}
		more, err := frozen.fill(t.Trunk, -1)
		if err != nil {
			return nil, err
		}
		t.Came = append(more, t.Came...)
	}
	slices.Sort(t.Came)
	if fresh >= 0 {
		for name, w := range tensorsOf(t.Net) {
			if i, rest := place(name); i == fresh {
				kernel.Scale(w.Data, .1)
				t.New = append(t.New, inside(strconv.Itoa(head), rest))
			}
		}
		slices.Sort(t.New)
	}
	t.rates(o, blocks)
	return t, nil
}

// shifted are names of tensors whose layers are so many places further on.
func shifted(names []string, by int) []string {
	out := make([]string, len(names))
	for k, name := range names {
		i, rest := place(name)
		out[k] = inside(strconv.Itoa(i+by), rest)
	}
	return out
}

// rates makes the groups of blocks with learning rates of their own.
func (t *Started) rates(o Start, blocks []int) {
	last := len(blocks) - 1
	known := tensorsOfParams(t.Net)
	for b := o.Freeze; b <= last; b++ {
		rate := 1.
		switch {
		case b == last && o.HeadRate > 0:
			rate = o.HeadRate
		case b < last && o.Decay > 0:
			rate = math.Pow(o.Decay, float64(last-b))
		}
		if rate == 1 {
			continue
		}
		end := len(t.layers)
		if b < last {
			end = blocks[b+1]
		}
		var names []string
		for i := blocks[b]; i < end; i++ {
			if at := strconv.Itoa(i - t.cut); known[at] {
				names = append(names, at+".*")
			}
		}
		if names != nil {
			t.Groups = append(t.Groups, engine.Group{Names: names, Rate: rate})
		}
	}
}

// tensorsOfParams are the layers, in the row, that have something to train.
func tensorsOfParams(n *engine.Net) map[string]bool {
	out := map[string]bool{}
	for _, t := range n.Tensors() {
		i, _ := place(t.Name)
		out[strconv.Itoa(i)] = true
	}
	return out
}

// Features is a set as Net takes it: what the frozen layers make of each row. They are the
// numbers that the whole network would compute, in batches of the same size. A set whose rows are changed in
// every epoch has none.
func (t *Started) Features(set *data.Set) (*data.Set, error) {
	if t.Trunk == nil || set == nil {
		return set, nil
	}
	if !set.Shape.Equal(t.in) {
		return nil, fmt.Errorf("transfer: rows of %v are not the %v of the source", set.Shape, t.in)
	}
	in, w, rows := t.in.Size(), t.Trunk.Out().Size(), set.Len()
	if rows > 0 && w > math.MaxInt/8/rows {
		return nil, errors.New("transfer: the features are too large")
	}
	out := *set
	out.Rows, out.Shape, out.X = nil, t.Trunk.Out(), make([]float32, rows*w)
	const piece = 256
	x := make([]float32, min(piece, rows)*in)
	for at := 0; at < rows; at += piece {
		n := min(piece, rows-at)
		set.Read(x[:n*in], at)
		if err := t.Trunk.Predict(x[:n*in], out.X[at*w:(at+n)*w]); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// Whole is the frozen layers and those that were trained as one network.
func (t *Started) Whole() (*engine.Net, error) {
	cfg := t.Net.Config()
	whole, err := engine.Compile(t.layers, t.in, cfg)
	if err != nil {
		return nil, err
	}
	s := Source{t.layers, t.in, map[string][]float32{}}
	for name, w := range tensorsOf(t.Net) {
		s.Tensors[shifted([]string{name}, t.cut)[0]] = w.Data
	}
	if t.Trunk != nil {
		for name, w := range tensorsOf(t.Trunk) {
			s.Tensors[name] = w.Data
		}
	}
	_, err = s.fill(whole, -1)
	return whole, err
}
