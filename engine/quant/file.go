package quant

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/safetensors"
)

// about is the metadata of a file.
type about struct {
	Version int      `json:"version"`
	Float   []string `json:"float,omitempty"` // patterns of layers in float32
}

// metadata is its key.
const metadata = "budwood.int8"

// Save writes the network as safetensors: codes of weights as I8, their scales as F32 and
// bias codes as I32, the tensors of layers in float32, and scale and zero point of each
// value between them.
func (n *Net) Save(w io.Writer) error {
	text, err := json.Marshal(about{1, n.keep})
	if err != nil {
		return fmt.Errorf("save: %w", err)
	}
	var list []safetensors.Tensor
	for _, t := range n.tensors() {
		t.Data = t.from()
		list = append(list, t.Tensor)
	}
	if err := safetensors.Write(w, map[string]string{metadata: string(text)}, list); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}

// Size is the number of bytes that [Net.Save] writes.
func (n *Net) Size() int64 {
	var c counter
	_ = n.Save(&c) // which fails if writing does
	return int64(c)
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// Load reads the network that [Net.Save] has written of a network with these layers and
// inputs.
func Load(r io.Reader, l engine.Layer, in data.Shape) (*Net, error) { return LoadOn(r, l, in, "") }

// LoadOn is [Load] for an instruction set, as in [engine.Config], on which the last bits of
// what stays in float32 depend.
func LoadOn(r io.Reader, l engine.Layer, in data.Shape, cpu string) (*Net, error) {
	var n *Net
	var tensors []tensor
	_, got, err := safetensors.ReadInto(r, func(meta map[string]string, got []safetensors.Tensor) (err error) {
		if n, err = empty(meta, l, in, cpu); err != nil {
			return err
		}
		tensors = n.tensors()
		if len(got) != len(tensors) {
			return fmt.Errorf("%d tensors, the network has %d", len(got), len(tensors))
		}
		byName := map[string]*tensor{}
		for i := range tensors {
			byName[tensors[i].Name] = &tensors[i]
		}
		for i := range got {
			want := byName[got[i].Name]
			if want == nil {
				return fmt.Errorf("tensor %q is none of the network", got[i].Name)
			}
			if got[i].Type != want.Type || !data.Shape(got[i].Shape).Equal(want.Shape) {
				return fmt.Errorf("tensor %q is %v of %s, the network's %v of %s", got[i].Name, got[i].Shape, got[i].Type, want.Shape, want.Type)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load int8: %w", err)
	}
	values := map[string][]float32{}
	for _, t := range got {
		values[t.Name] = t.Data
	}
	for _, t := range tensors {
		if err := t.to(values[t.Name]); err != nil {
			return nil, fmt.Errorf("load int8: tensor %q: %w", t.Name, err)
		}
	}
	n.finish()
	return n, nil
}

// empty is the graph that a file's metadata belongs to, without numbers.
func empty(meta map[string]string, l engine.Layer, in data.Shape, cpu string) (*Net, error) {
	text, ok := meta[metadata]
	if !ok {
		return nil, fmt.Errorf("it is no network in integers: there is no metadata %q", metadata)
	}
	var a about
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", metadata, err)
	}
	if a.Version != 1 {
		return nil, fmt.Errorf("it was written by another version of budwood: %d, known is 1", a.Version)
	}
	plain, err := engine.Compile(l, in, engine.Config{Batch: 1, CPU: cpu})
	if err != nil {
		return nil, err
	}
	n, err := prepared(plain, a.Float)
	if err != nil {
		return nil, err
	}
	for _, s := range n.steps {
		if s.w != nil {
			s.w.codes, s.w.scales, s.w.sums = make([]int8, len(s.w.kernel)), make([]float32, s.w.out), make([]int32, s.w.out)
			s.w.kernel, s.w.bias = nil, nil
		}
	}
	return n, nil
}

// tensor is one of a file: from gives the network's numbers, to sets them.
type tensor struct {
	safetensors.Tensor
	from func() []float32
	to   func([]float32) error
}

// tensors are those of the file, in its order.
func (n *Net) tensors() (list []tensor) {
	add := func(name string, of safetensors.Dtype, shape []int, from func() []float32, to func([]float32) error) {
		list = append(list, tensor{safetensors.Tensor{Name: name, Shape: shape, Type: of}, from, to})
	}
	var coded []int
	for i, v := range n.values {
		if v.coded && v.view < 0 {
			coded = append(coded, i)
		}
	}
	add("values.scale", safetensors.F32, []int{len(coded)}, func() []float32 {
		out := make([]float32, len(coded))
		for k, i := range coded {
			out[k] = n.values[i].codes.Scale
		}
		return out
	}, func(x []float32) error {
		for k, i := range coded {
			if err := positive(x[k]); err != nil {
				return err
			}
			n.values[i].codes.Scale = x[k]
		}
		return nil
	})
	add("values.zero", safetensors.I32, []int{len(coded)}, func() []float32 {
		out := make([]float32, len(coded))
		for k, i := range coded {
			out[k] = bits(int32(n.values[i].codes.Zero))
		}
		return out
	}, func(x []float32) error {
		for k, i := range coded {
			z := integer(x[k])
			if z < 0 || z > 255 {
				return fmt.Errorf("a zero point is %d, and not 0 … 255", z)
			}
			n.values[i].codes.Zero = uint8(z)
		}
		return nil
	})
	for _, s := range n.steps {
		if s.net != nil {
			for _, t := range engineTensors(s.net) {
				add(inside(s.path, t.Name), safetensors.F32, t.Shape, func() []float32 { return t.Data }, func(x []float32) error {
					for i, v := range x {
						if v != v || math.IsInf(float64(v), 0) {
							return fmt.Errorf("value %d is %v", i, v)
						}
					}
					copy(t.Data, x)
					return nil
				})
			}
		}
		if w := s.w; w != nil {
			add(inside(s.path, "codes"), safetensors.I8, []int{w.segs * w.inner, w.out}, w.kernelCodes, w.setCodes)
			add(inside(s.path, "scale"), safetensors.F32, []int{w.out}, func() []float32 { return w.scales }, func(x []float32) error {
				for _, v := range x {
					if err := positive(v); err != nil {
						return err
					}
				}
				copy(w.scales, x)
				return nil
			})
			add(inside(s.path, "bias"), safetensors.I32, []int{w.out}, func() []float32 {
				out := make([]float32, w.out)
				for i, v := range w.sums {
					out[i] = bits(v)
				}
				return out
			}, func(x []float32) error {
				for i, v := range x {
					w.sums[i] = integer(v)
				}
				return nil
			})
		}
	}
	return list
}

func (w *weights) kernelCodes() []float32 {
	out := make([]float32, len(w.codes))
	for i, c := range w.codes {
		out[i] = float32(c)
	}
	return out
}

func (w *weights) setCodes(x []float32) error {
	for i, v := range x {
		if v < -127 {
			return fmt.Errorf("code %d is %v, and not −127 … 127", i, v)
		}
		w.codes[i] = int8(v)
	}
	return nil
}

func positive(scale float32) error {
	if !(scale > 0 && scale <= math.MaxFloat32) {
		return fmt.Errorf("a scale is %v", scale)
	}
	return nil
}

// bits and integer are how 32-bit integers stand in tensors of floats.
func bits(v int32) float32    { return math.Float32frombits(uint32(v)) }
func integer(x float32) int32 { return int32(math.Float32bits(x)) }
