package quant

import (
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// chunk is the number of rows that go through the steps together.
const chunk = 64

// Net is a network that computes in integers. It must not be used by two goroutines at
// the same time.
type Net struct {
	graph
	in, out data.Shape
	keep    []string     // patterns of layers that stay in float32
	cpu     string       // of the steps in float32; "": the best one
	level   kernel.Level // of cpu
	buffers []buffer     // by value
}

// buffer is room for a chunk of a value, in the forms that are needed.
type buffer struct {
	codes  []uint8
	floats []float32
}

// In is the shape of a row of the input.
func (n *Net) In() data.Shape { return n.in }

// Out is the shape of a row of the output.
func (n *Net) Out() data.Shape { return n.out }

// Floats are the layers that compute in float32, as "path Layer".
func (n *Net) Floats() (names []string) {
	for _, s := range n.steps {
		if s.kind == floatStep {
			names = append(names, s.name)
		}
	}
	return names
}

// Predict writes the outputs for any number of rows: len(x) is a multiple of
// In().Size(), and out has Out().Size() values for each row.
func (n *Net) Predict(x, out []float32) error {
	in, w := n.in.Size(), n.out.Size()
	if len(x)%in != 0 || len(out) != len(x)/in*w {
		return fmt.Errorf("predict: %d inputs and %d outputs are not rows of %v and %v", len(x), len(out), n.in, n.out)
	}
	if n.buffers == nil {
		n.allocate()
	}
	for len(x) > 0 {
		rows := min(len(x)/in, chunk)
		if err := n.forward(x[:rows*in], rows); err != nil {
			return fmt.Errorf("predict: %w", err)
		}
		copy(out[:rows*w], n.buffers[n.result].floats)
		x, out = x[rows*in:], out[rows*w:]
	}
	return nil
}

// Outputs are those of all rows of a set, one behind the other.
func (n *Net) Outputs(s *data.Set) ([]float32, error) {
	in, w := n.in.Size(), n.out.Size()
	if !s.Shape.Equal(n.in) {
		return nil, fmt.Errorf("predict: rows are %v, the network's inputs %v", s.Shape, n.in)
	}
	out, x := make([]float32, s.Len()*w), make([]float32, min(s.Len(), chunk)*in)
	for lo := 0; lo < s.Len(); lo += chunk {
		rows := min(chunk, s.Len()-lo)
		s.Read(x[:rows*in], lo)
		if err := n.Predict(x[:rows*in], out[lo*w:(lo+rows)*w]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Products are how many layers with weights compute in integers.
func (n *Net) Products() (count int) {
	for _, s := range n.steps {
		if s.w != nil {
			count++
		}
	}
	return count
}

// allocate makes room for the values, and for what the steps need beside them.
func (n *Net) allocate() {
	n.buffers = make([]buffer, len(n.values))
	for i, v := range n.values {
		if v.view >= 0 {
			continue
		}
		b := &n.buffers[i]
		if v.coded {
			b.codes = make([]uint8, chunk*v.shape.Size()+kernel.Slack)
		}
		if v.floating {
			b.floats = make([]float32, chunk*v.shape.Size())
		}
	}
	for i, v := range n.values {
		if v.view >= 0 {
			n.buffers[i] = n.buffers[v.view]
		}
	}
}

// forward runs the steps on at most a chunk of rows.
func (n *Net) forward(x []float32, rows int) error {
	n.level.Enter()
	inside := true
	leave := func() {
		if inside {
			kernel.Leave()
			inside = false
		}
	}
	defer leave()
	copy(n.buffers[0].floats, x)
	if n.values[0].coded {
		n.values[0].codes.Quantize(n.buffers[0].codes[:len(x)], x)
	}
	for _, s := range n.steps {
		if s.kind == floatStep { // it enters by itself
			leave()
			if err := s.net.Predict(n.buffers[s.in[0]].floats[:rows*s.net.In().Size()], n.buffers[s.out].floats[:rows*s.net.Out().Size()]); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			n.level.Enter()
			inside = true
		} else {
			s.run(n, rows)
		}
		v, b := &n.values[s.out], &n.buffers[s.out]
		size := rows * v.shape.Size()
		switch {
		case v.native == codes && v.floating:
			v.codes.Dequantize(b.floats[:size], b.codes[:size])
		case v.native == floats && v.coded:
			v.codes.Quantize(b.codes[:size], b.floats[:size])
		}
	}
	return nil
}
