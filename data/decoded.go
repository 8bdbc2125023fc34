package data

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/exp/mmap"
)

// A decoded file holds a data set as networks read it, so that it is decoded once
// and all processes of a machine read the same pages. It is a cache of this
// machine, not a format for others: it begins with decodedMagic, the length of the
// header in 8 bytes (little-endian, as all numbers), and the header as JSON; then
// come the arrays of the three sets, each at a multiple of 64 bytes.
const decodedMagic = "budwood decoded 1\n"

// decodedHeader is all of a [Data] except its arrays.
type decodedHeader struct {
	Data  Data         // without sets and folds
	Raw   Shape        // shape of a raw row, as the preparation takes it
	Sets  [3]*arrays   // training, validation, test
	Fold  []int        `json:",omitempty"` // fold of each training row
	Bytes int64        // size of the arrays, from the first one to the end of the file
	Table [256]float32 // what a byte stands for, where inputs are bytes
}

// arrays says where a set is in the file: places are bytes from the first array on.
type arrays struct {
	Shape               Shape
	Rows                int
	Classes, Outputs    int
	Packed              bool  // an input is a byte
	X, Class, Target    int64 // places
	ClassLen, TargetLen int
}

// writeDecoded writes a data set. The file is complete or not there.
func writeDecoded(path string, d *Data) (err error) {
	h := decodedHeader{Data: *d, Fold: d.fold}
	h.Data.Train, h.Data.Valid, h.Data.Test, h.Data.Folds = nil, nil, nil, nil
	if d.Preparation != nil {
		h.Raw = d.Preparation.shape
	}
	sets := [3]*Set{d.Train, d.Valid, d.Test}
	table := newTable(sets[:])
	if table != nil {
		h.Table = table.value
	}
	for i, s := range sets {
		if s != nil {
			h.Sets[i] = h.place(s, table != nil)
		}
	}
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), Unfinished+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "%s%s%s", decodedMagic, binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head)
	pad(w, int64(len(decodedMagic)+8+len(head)))
	for i, s := range sets {
		if s == nil {
			continue
		}
		a := h.Sets[i]
		if table != nil {
			table.write(w, s.X)
		} else {
			w.Write(bytesOf(s.X))
		}
		pad(w, a.inputs(len(s.X)))
		w.Write(bytesOf(s.Class))
		pad(w, 4*int64(len(s.Class)))
		w.Write(bytesOf(s.Target))
		pad(w, 4*int64(len(s.Target)))
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// place gives a set its places behind those before it.
func (h *decodedHeader) place(s *Set, packed bool) *arrays {
	a := &arrays{Shape: s.Shape, Rows: s.Len(), Classes: s.Classes, Outputs: s.Outputs, Packed: packed,
		ClassLen: len(s.Class), TargetLen: len(s.Target)}
	a.X = h.Bytes
	a.Class = a.X + padded(a.inputs(len(s.X)))
	a.Target = a.Class + padded(4*int64(len(s.Class)))
	h.Bytes = a.Target + padded(4*int64(len(s.Target)))
	return a
}

// inputs is the bytes of n inputs.
func (a *arrays) inputs(n int) int64 {
	if a.Packed {
		return int64(n)
	}
	return 4 * int64(n)
}

// openDecoded maps a file that [writeDecoded] has written. Inputs stay in the file;
// classes and targets are copied.
func openDecoded(path string) (*Data, error) {
	file, err := mmap.Open(path)
	if err != nil {
		return nil, err
	}
	d, err := readDecoded(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("decoded data set %s: %w", path, err)
	}
	return d, nil // the mapping ends when nobody has the sets any more
}

func readDecoded(file *mmap.ReaderAt) (*Data, error) {
	first := int64(len(decodedMagic) + 8)
	start := make([]byte, first)
	if _, err := file.ReadAt(start, 0); err != nil || string(start[:len(decodedMagic)]) != decodedMagic {
		return nil, errors.New("it does not begin as one")
	}
	n := binary.LittleEndian.Uint64(start[len(decodedMagic):])
	if n > uint64(file.Len()) {
		return nil, errors.New("it is damaged")
	}
	head := make([]byte, n)
	if _, err := file.ReadAt(head, first); err != nil {
		return nil, err
	}
	var h decodedHeader
	if err := json.Unmarshal(head, &h); err != nil {
		return nil, err
	}
	body := padded(first + int64(n))
	if h.Bytes < 0 || h.Bytes > int64(file.Len()) || body+h.Bytes != int64(file.Len()) {
		return nil, fmt.Errorf("it has %d bytes of %d", file.Len(), body+h.Bytes)
	}
	d := &h.Data
	for i, set := range []**Set{&d.Train, &d.Valid, &d.Test} {
		if h.Sets[i] == nil {
			continue
		}
		var err error
		if *set, err = h.Sets[i].open(file, body, h.Bytes, &h.Table); err != nil {
			return nil, err
		}
	}
	if d.Train == nil || h.Fold != nil && len(h.Fold) != d.Train.Len() || len(h.Fold) > 0 && (slices.Min(h.Fold) < 0 || slices.Max(h.Fold) >= maxCV) {
		return nil, errors.New("it is damaged")
	}
	d.fold = h.Fold
	d.Folds = foldsOf(d.Train, h.Fold)
	if d.Preparation != nil {
		d.Preparation.shape = h.Raw
	}
	return d, nil
}

// open is the set whose arrays lie in a file, size bytes from body on.
func (a *arrays) open(file *mmap.ReaderAt, body, size int64, table *[256]float32) (*Set, error) {
	w := a.Shape.Size()
	lies := func(at, n int64) bool { return at >= 0 && n >= 0 && at <= size && n <= size-at }
	if w < 1 || a.Rows < 1 || int64(w) > size || int64(a.Rows) > size/int64(w) || !lies(a.X, a.inputs(w*a.Rows)) ||
		a.ClassLen < 0 || int64(a.ClassLen) > size || !lies(a.Class, 4*int64(a.ClassLen)) ||
		a.TargetLen < 0 || int64(a.TargetLen) > size || !lies(a.Target, 4*int64(a.TargetLen)) {
		return nil, errors.New("it is damaged")
	}
	s := &Set{Shape: a.Shape, Classes: a.Classes, Outputs: a.Outputs}
	if a.Packed {
		s.Rows = packedRows{file, body + a.X, a.Rows, w, table}
	} else {
		s.Rows = floatRows{file, body + a.X, a.Rows, w}
	}
	if a.ClassLen > 0 {
		s.Class = make([]int32, a.ClassLen)
		if _, err := file.ReadAt(bytesOf(s.Class), body+a.Class); err != nil {
			return nil, err
		}
	}
	if a.TargetLen > 0 {
		s.Target = make([]float32, a.TargetLen)
		if _, err := file.ReadAt(bytesOf(s.Target), body+a.Target); err != nil {
			return nil, err
		}
	}
	return s, s.Check()
}

// floatRows are rows of float32 in a mapped file.
type floatRows struct {
	file        *mmap.ReaderAt
	at          int64
	rows, width int
}

func (r floatRows) Len() int { return r.rows }

func (r floatRows) Read(x []float32, row int) {
	if _, err := r.file.ReadAt(bytesOf(x), r.at+4*int64(row*r.width)); err != nil {
		panic(err) // as an index out of range
	}
}

// packedRows are rows of bytes in a mapped file, each of which stands for a number.
type packedRows struct {
	file        *mmap.ReaderAt
	at          int64
	rows, width int
	table       *[256]float32
}

func (r packedRows) Len() int { return r.rows }

func (r packedRows) Read(x []float32, row int) {
	var room [1024]byte
	at := r.at + int64(row*r.width)
	for len(x) > 0 {
		b := room[:min(len(x), len(room))]
		if _, err := r.file.ReadAt(b, at); err != nil {
			panic(err) // as an index out of range
		}
		for i, v := range b {
			x[i] = r.table[v]
		}
		x, at = x[len(b):], at+int64(len(b))
	}
}

// littleEndian reports whether this machine stores numbers as decoded files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf is the memory of numbers.
func bytesOf[T int32 | float32](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))
}

const startsAt = 64 // bytes: arrays begin at multiples

func padded(n int64) int64 { return (n + startsAt - 1) &^ (startsAt - 1) }

// pad fills up what has n bytes.
func pad(w io.Writer, n int64) {
	var zero [startsAt]byte
	w.Write(zero[:padded(n)-n]) // an error comes back with Flush
}
