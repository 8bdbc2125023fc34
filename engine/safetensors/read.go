package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Read reads a whole file: its free text and its tensors, in the order of their
// bytes. Values of type F64, F16, BF16, I8 and I64 become float32, of I32 the bits do; other
// types are an error. Memory grows with the bytes that are really there, whatever the header
// says. The file must end where its header says.
func Read(r io.Reader) (meta map[string]string, tensors []Tensor, err error) {
	return ReadInto(r, func(map[string]string, []Tensor) error { return nil })
}

// ReadInto is [Read] that puts the values where place says: it sees the tensors
// without their values, and may give each of them its Data, as long as its shape
// says; the others get some. Of a reader that tells how much it holds, with a
// method Len, a file that is cut off or goes on is found before place is called.
func ReadInto(r io.Reader, place func(meta map[string]string, tensors []Tensor) error) (meta map[string]string, tensors []Tensor, err error) {
	return read(r, place, nil)
}

// ReadTo is [ReadInto] that hands the values over in pieces: those of tensor i from
// number at on, good until take returns. The tensors get no Data.
func ReadTo(r io.Reader, place func(meta map[string]string, tensors []Tensor) error, take func(values []float32, i, at int)) error {
	_, _, err := read(r, place, take)
	return err
}

func read(r io.Reader, place func(meta map[string]string, tensors []Tensor) error, take func(values []float32, i, at int)) (meta map[string]string, tensors []Tensor, err error) {
	meta, entries, err := readHeader(r)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: read header: %w", err)
	}
	var size uint64
	for _, e := range entries {
		t := Tensor{Name: e.name, Shape: make([]int, len(e.Shape)), Type: e.Dtype}
		for i, d := range e.Shape {
			t.Shape[i] = int(d)
		}
		tensors = append(tensors, t)
		size = e.Offsets[1]
	}
	if l, ok := r.(interface{ Len() int }); ok && uint64(l.Len()) != size {
		if uint64(l.Len()) > size {
			return nil, nil, errFollows
		}
		at := slices.IndexFunc(entries, func(e namedEntry) bool { return e.Offsets[1] > uint64(l.Len()) })
		return nil, nil, fmt.Errorf("safetensors: read %q: %w", entries[at].name, complete(io.EOF))
	}
	if err := place(meta, tensors); err != nil {
		return nil, nil, err
	}
	for i, e := range entries {
		t, size := &tensors[i], e.Offsets[1]-e.Offsets[0]
		switch {
		case take != nil:
			err = readValues(r, size, e.Dtype, func(values []float32, at int) { take(values, i, at) })
		case t.Data == nil:
			t.Data, err = readData(r, size, e.Dtype)
		default:
			err = readValues(r, size, e.Dtype, func(values []float32, at int) { copy(t.Data[at:], values) })
		}
		if err != nil {
			return nil, nil, fmt.Errorf("safetensors: read %q: %w", e.name, err)
		}
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return nil, nil, errFollows
	} else if err != io.EOF {
		return nil, nil, fmt.Errorf("safetensors: read: %w", err)
	}
	return meta, tensors, nil
}

var errFollows = errors.New("safetensors: read: bytes follow the last tensor")

type namedEntry struct {
	entry
	name string
}

// readHeader reads and checks the header: tensors lie one behind the other
// from 0 on, each as large as its shape and type say.
func readHeader(r io.Reader) (meta map[string]string, entries []namedEntry, err error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, complete(err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, nil, fmt.Errorf("its length is %d, the format allows %d", n, maxHeader)
	}
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, int64(n)); err != nil {
		return nil, nil, complete(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text.Bytes(), &fields); err != nil {
		return nil, nil, err
	}
	for name, raw := range fields {
		if name == metadata {
			if err := json.Unmarshal(raw, &meta); err != nil {
				return nil, nil, fmt.Errorf("metadata: %w", err)
			}
			continue
		}
		e := namedEntry{name: name}
		if err := json.Unmarshal(raw, &e.entry); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if err := e.check(); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b namedEntry) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]), cmp.Compare(a.name, b.name))
	})
	var end uint64
	for _, e := range entries {
		if e.Offsets[0] != end {
			return nil, nil, fmt.Errorf("tensor %q: begins at byte %d, the one before ends at %d", e.name, e.Offsets[0], end)
		}
		end = e.Offsets[1]
	}
	return meta, entries, nil
}

func (e *entry) check() error {
	if e.Dtype.width() == 0 {
		return fmt.Errorf("type %q is none of F64, F32, F16, BF16, I8, I32, I64", e.Dtype)
	}
	if len(e.Offsets) != 2 || e.Offsets[1] < e.Offsets[0] || e.Offsets[1] > math.MaxInt64 {
		return fmt.Errorf("data_offsets %v are no range of bytes", e.Offsets)
	}
	n, ok := count(e.Shape)
	if !ok || n*e.Dtype.width() != e.Offsets[1]-e.Offsets[0] {
		return fmt.Errorf("shape %v of %s does not fill bytes %v", e.Shape, e.Dtype, e.Offsets)
	}
	return nil
}

// count is the number of values of a shape; not ok if their bytes would not fit
// an int64.
func count(shape []uint64) (n uint64, ok bool) {
	n = 1
	for _, d := range shape {
		if d > math.MaxInt64/8 || n > 0 && d > math.MaxInt64/8/n {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// readData reads size bytes, in pieces, so that a header that promises too much
// costs no memory.
func readData(r io.Reader, size uint64, dtype Dtype) ([]float32, error) {
	data := make([]float32, 0, min(size/dtype.width(), 1<<16))
	err := readValues(r, size, dtype, func(values []float32, _ int) { data = append(data, values...) })
	return data, err
}

// readValues reads size bytes and hands the values on in pieces, with the number of the
// first.
func readValues(r io.Reader, size uint64, dtype Dtype, take func(values []float32, at int)) error {
	w := int(dtype.width())
	buf := make([]byte, min(size, 64<<10))
	values := pieces.Get().(*[piece]float32)
	defer pieces.Put(values)
	for at := 0; size > 0; {
		part := buf[:min(size, uint64(len(buf)))]
		if _, err := io.ReadFull(r, part); err != nil {
			return complete(err)
		}
		size -= uint64(len(part))
		n := len(part) / w
		for i := range n {
			values[i] = value(part[i*w:], dtype)
		}
		take(values[:n], at)
		at += n
	}
	return nil
}

// complete turns an end in the middle into what it means.
func complete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut off: %w", io.ErrUnexpectedEOF)
	}
	return err
}
