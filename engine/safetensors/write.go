package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Write writes tensors in the order given, each in its number format, with free
// text about the whole. Names must differ; sizes must agree with shapes. A finite
// value that would become infinite in F16 or BF16 is an error. On an error some
// of the file may have been written.
func Write(w io.Writer, meta map[string]string, tensors []Tensor) error {
	for _, t := range tensors {
		if n, ok := t.size(); ok && n != uint64(len(t.Data)) {
			return fmt.Errorf("safetensors: write %q: %d values do not fill shape %v", t.Name, len(t.Data), t.Shape)
		}
	}
	return WriteFrom(w, meta, tensors, func(dst []float32, i, at int) error {
		copy(dst, tensors[i].Data[at:])
		return nil
	})
}

// piece is the most values that are asked for, or handed over, at once.
const piece = 1 << 16

// pieces are used again: checkpoints are written and read again and again, and what they
// leave behind would count as the memory of their trial.
var pieces = sync.Pool{New: func() any { return new([piece]float32) }}

// WriteFrom is [Write] of values that are somewhere else than in the tensors' Data:
// values sets dst to those of tensor i from number at on. It is asked for them in the
// order of the file, for 65,536 of a tensor at a time and then for the rest of it.
func WriteFrom(w io.Writer, meta map[string]string, tensors []Tensor, values func(dst []float32, i, at int) error) error {
	var head bytes.Buffer
	head.WriteByte('{')
	if len(meta) > 0 {
		if err := field(&head, metadata, meta); err != nil {
			return fmt.Errorf("safetensors: write metadata: %w", err)
		}
	}
	seen := map[string]bool{metadata: true}
	var off uint64
	for _, t := range tensors {
		if seen[t.Name] {
			return fmt.Errorf("safetensors: write %q: the name is taken", t.Name)
		}
		seen[t.Name] = true
		e := entry{Dtype: cmp.Or(t.Type, F32), Shape: make([]uint64, len(t.Shape))}
		if e.Dtype.width() == 0 {
			return fmt.Errorf("safetensors: write %q: type %q is none of F64, F32, F16, BF16, I8, I32", t.Name, t.Type)
		}
		n, ok := t.size()
		if !ok {
			return fmt.Errorf("safetensors: write %q: shape %v has a negative dimension or too many values", t.Name, t.Shape)
		}
		for i, d := range t.Shape {
			e.Shape[i] = uint64(d)
		}
		e.Offsets = []uint64{off, off + e.Dtype.width()*n}
		if err := field(&head, t.Name, e); err != nil {
			return fmt.Errorf("safetensors: write %q: %w", t.Name, err)
		}
		off = e.Offsets[1]
	}
	head.WriteByte('}')
	for head.Len()%8 != 0 {
		head.WriteByte(' ')
	}
	if head.Len() > maxHeader {
		return fmt.Errorf("safetensors: write: the header has %d bytes, the format allows %d", head.Len(), maxHeader)
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(head.Len()))); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	if _, err := head.WriteTo(w); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	return writeData(w, tensors, values)
}

// size is the number of values that the shape says; not ok if it is none.
func (t *Tensor) size() (n uint64, ok bool) {
	shape := make([]uint64, len(t.Shape))
	for i, d := range t.Shape {
		if d < 0 {
			return 0, false
		}
		shape[i] = uint64(d)
	}
	return count(shape)
}

// field appends a key and its value to the header.
func field(head *bytes.Buffer, key string, value any) error {
	k, err := json.Marshal(key)
	if err != nil {
		return err
	}
	v, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if head.Len() > 1 {
		head.WriteByte(',')
	}
	head.Write(k)
	head.WriteByte(':')
	head.Write(v)
	return nil
}

func writeData(w io.Writer, tensors []Tensor, values func(dst []float32, i, at int) error) error {
	numbers := pieces.Get().(*[piece]float32)
	defer pieces.Put(numbers)
	buf := make([]byte, 0, 64<<10)
	for i, t := range tensors {
		size, _ := t.size()
		for at := 0; at < int(size); {
			n := min(int(size)-at, piece)
			if err := values(numbers[:n], i, at); err != nil {
				return fmt.Errorf("safetensors: write %q: %w", t.Name, err)
			}
			at += n
			for data := numbers[:n]; len(data) > 0; {
				n := min(len(data), cap(buf)/8)
				buf = buf[:0]
				for _, v := range data[:n] {
					if !t.Type.Fits(v) {
						return fmt.Errorf("safetensors: write %q: %g is too large for %s", t.Name, v, t.Type)
					}
					buf = t.Type.Append(buf, v)
				}
				if _, err := w.Write(buf); err != nil {
					return fmt.Errorf("safetensors: write %q: %w", t.Name, err)
				}
				data = data[n:]
			}
		}
	}
	return nil
}
