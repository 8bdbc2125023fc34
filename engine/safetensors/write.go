package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Write writes tensors as F32 in the order given, with free text about the
// whole. Names must differ; sizes must agree with shapes.
func Write(w io.Writer, meta map[string]string, tensors []Tensor) error {
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
		e := entry{Dtype: "F32", Shape: make([]uint64, len(t.Shape)), Offsets: []uint64{off, off + 4*uint64(len(t.Data))}}
		for i, d := range t.Shape {
			if d < 0 {
				return fmt.Errorf("safetensors: write %q: shape %v has a negative dimension", t.Name, t.Shape)
			}
			e.Shape[i] = uint64(d)
		}
		if n, ok := count(e.Shape); !ok || n != uint64(len(t.Data)) {
			return fmt.Errorf("safetensors: write %q: %d values do not fill shape %v", t.Name, len(t.Data), t.Shape)
		}
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
	return writeData(w, tensors)
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

func writeData(w io.Writer, tensors []Tensor) error {
	buf := make([]byte, 0, 64<<10)
	for _, t := range tensors {
		for data := t.Data; len(data) > 0; {
			n := min(len(data), cap(buf)/4)
			buf = buf[:0]
			for _, v := range data[:n] {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
			if _, err := w.Write(buf); err != nil {
				return fmt.Errorf("safetensors: write %q: %w", t.Name, err)
			}
			data = data[n:]
		}
	}
	return nil
}
