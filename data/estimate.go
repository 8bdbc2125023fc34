package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// Estimate is about the least memory that loading a source takes, in bytes, by the
// beginnings and sizes of its files alone: what is read, and the encoded rows with
// their copies for the folds of a cross-validation. What categories become is not
// known before they are read. It is 0 if that cannot be told.
func Estimate(ctx context.Context, s Source) (n int64) {
	used, all, read := 1., int64(0), int64(0) // share of the rows, values, bytes that are read
	files := s.files()
	switch {
	case s.OfImages(): // they stay in a file
		return 0
	case s.Text != nil:
		size := unpackedSize(files[0].path)
		return size + 4*size + 8*size // bytes, characters; numbers and classes
	case s.IDX != nil || s.NPY != nil:
		rows := int64(0)
		for _, f := range []file{files[0], files[2]} {
			dims, width := headerOf(ctx, f.path)
			if len(dims) == 0 {
				continue
			}
			values := min(int64(Shape(dims).Size()), unpackedSize(f.path)/int64(width))
			rows, all = rows+int64(dims[0]), all+values
			read += values * int64(width)
			if s.NPY != nil && len(dims) == 2 && len(s.Image) == 0 { // in columns
				read += 8 * values
			}
		}
		used = share(s.Rows, rows)
	case s.Parquet != "":
		rows, columns := parquetSize(files[0].path)
		all, used = rows*columns, share(s.Rows, rows)
		read = 8 * all
	default:
		rows, cells := csvSize(ctx, files[0].path)
		all, used = cells, share(s.Rows, rows)
		read = 8 * all
	}
	copies := 1 + s.Split.CV
	return read + int64(used*float64(all))*4*int64(copies)
}

func share(rows int, of int64) float64 {
	if rows <= 0 || of <= int64(rows) {
		return 1
	}
	return float64(rows) / float64(of)
}

// unpackedSize is the size of a file, or about what is in it if it is packed: gzip
// notes it at its end, except for multiples of 4 GiB.
func unpackedSize(path string) int64 {
	size, err := regular(path)
	if err != nil || size < 18 {
		return size
	}
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	var head [2]byte
	var tail [4]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:]) != "\x1f\x8b" {
		return size
	}
	if _, err := f.ReadAt(tail[:], size-4); err != nil {
		return size
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	for n < size {
		n += 1 << 32
	}
	return n
}

// begin is the beginning of a file, unpacked.
func begin(ctx context.Context, path string, n int64) []byte {
	r, err := open(ctx, path)
	if err != nil {
		return nil
	}
	defer r.Close()
	b, _ := io.ReadAll(io.LimitReader(r, n)) // of one that is damaged what can be read
	return b
}

// headerOf is the sizes in the header of an IDX or NPY file, and the bytes of a value.
func headerOf(ctx context.Context, path string) (dims []int, width int) {
	if path == "" {
		return nil, 1
	}
	b := begin(ctx, path, 1<<16)
	if len(b) > 10 && b[0] == 0x93 {
		skip := 10
		if b[6] > 1 {
			skip = 12
		}
		if end := bytes.IndexByte(b, '\n'); end > skip {
			if a, _, err := npyHeader(string(b[skip:end])); err == nil {
				return a.dims, a.width
			}
		}
		return nil, 1
	}
	if len(b) < 4 || b[3] < 1 || b[3] > 4 || len(b) < 4+4*int(b[3]) {
		return nil, 1
	}
	for i := range int(b[3]) {
		dims = append(dims, int(binary.BigEndian.Uint32(b[4+4*i:])))
	}
	return dims, 1
}

// csvSize is about the rows and cells of a table, by those of its beginning.
func csvSize(ctx context.Context, path string) (rows, cells int64) {
	b := begin(ctx, path, 1<<18)
	lines := bytes.Count(b, []byte{'\n'})
	if lines == 0 {
		return 0, 0
	}
	columns := int64(1 + max(bytes.Count(b[:bytes.IndexByte(b, '\n')], []byte{','}), bytes.Count(b[:bytes.IndexByte(b, '\n')], []byte{';'}), bytes.Count(b[:bytes.IndexByte(b, '\n')], []byte{'\t'})))
	rows = unpackedSize(path) * int64(lines) / int64(len(b))
	return rows, rows * columns
}

// parquetSize is the rows and columns of a table.
func parquetSize(path string) (rows, columns int64) {
	defer func() { // the library panics on some damaged files
		if recover() != nil {
			rows, columns = 0, 0
		}
	}()
	size, err := regular(path)
	if err != nil {
		return 0, 0
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	if checkFrame(f, size) != nil {
		return 0, 0
	}
	p, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return 0, 0
	}
	return p.NumRows(), int64(len(p.Root().Columns()))
}

// check refuses a source that does not fit in memory, before it is loaded.
func (c *Cache) check(ctx context.Context, s Source) error {
	if c.Max <= 0 {
		return nil
	}
	n := Estimate(ctx, s)
	if n <= c.Max {
		return nil
	}
	f := s.files()[0]
	gib := func(n int64) float64 { return float64(n) / (1 << 30) }
	return &Error{Key: f.key, Path: f.path, Err: fmt.Errorf("loading it takes about %.3g GiB of memory, and there are %.3g GiB for data and trials: use fewer rows or columns, a machine with more memory, or --mem of the worker if there is more", gib(n), gib(c.Max))}
}
