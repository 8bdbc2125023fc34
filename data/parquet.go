package data

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// readParquet reads a table, column by column and page by page. Memory is that of
// the typed columns and one page.
func readParquet(ctx context.Context, path string, ignore []string) (*table, error) {
	size, err := regular(path)
	if err != nil {
		return nil, ioFault("parquet", path, 0, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ioFault("parquet", path, 0, err)
	}
	defer f.Close()
	t, err := scanParquet(contextReader{ctx, f}, size, path, ignore)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, ioFault("parquet", path, 0, err)
	}
	return t, nil
}

// scanParquet reads the columns of a file of so many bytes.
func scanParquet(r io.ReaderAt, size int64, path string, ignore []string) (t *table, err error) {
	defer func() { // the library panics on some damaged files
		if p := recover(); p != nil {
			t, err = nil, damaged(fmt.Errorf("%v", p))
		}
	}()
	if err := checkFrame(r, size); err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, damaged(err)
	}
	fields := f.Root().Columns()
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = decode(field.Name())
		if slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("two columns are called %s; rename one", quote(names[i]))
		}
	}
	for _, name := range ignore {
		if !slices.Contains(names, name) {
			return nil, &Error{Key: "ignore", Path: path, Err: noColumn(name, names)}
		}
	}
	t = &table{rows: int(f.NumRows())}
	if t.rows <= 0 {
		return nil, errors.New("there are no rows")
	}
	for i, field := range fields {
		if slices.Contains(ignore, names[i]) {
			continue
		}
		c := &column{name: names[i]}
		if lz4(f, field) {
			return nil, &Error{Key: "parquet", Path: path, Column: c.name, Err: errors.New("the column is packed with LZ4, which is not read; write it with snappy or zstd")}
		}
		if field.Leaf() {
			if err := checkPages(r, size, f, field, t.rows); err != nil {
				return nil, &Error{Key: "parquet", Path: path, Column: c.name, Err: err}
			}
		}
		if err := c.readParquet(field, f.RowGroups(), t.rows); err != nil {
			return nil, &Error{Key: "parquet", Path: path, Column: c.name, Err: err}
		}
		t.columns = append(t.columns, c)
	}
	return t, nil
}

// lz4 reports whether a column is packed with LZ4, whose damaged data the library
// unpacks for ever.
func lz4(f *parquet.File, field *parquet.Column) bool {
	for _, g := range f.Metadata().RowGroups {
		if i := field.Index(); i >= 0 && i < len(g.Columns) {
			if codec := g.Columns[i].MetaData.Codec; codec == format.Lz4Raw || codec == format.Lz4 {
				return true
			}
		}
	}
	return false
}

// checkFrame checks what stands around the pages: PAR1, then at the end the length
// of the footer, for which the library would make room whatever it is, and PAR1.
func checkFrame(r io.ReaderAt, size int64) error {
	var head, tail [8]byte
	n, err := r.ReadAt(head[:4], 0)
	switch {
	case cancelled(err):
		return err
	case n == 4 && head[0] == 0x1f && head[1] == 0x8b:
		return errors.New("this is a gzip file; unpack it (Parquet packs its pages itself)")
	case n < 4 || string(head[:4]) != "PAR1":
		return errors.New("this is not a Parquet file; it would begin with PAR1")
	case size < 12:
		return damaged(fmt.Errorf("%d bytes", size))
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return damaged(err)
	}
	if footer := int64(binary.LittleEndian.Uint32(tail[:4])); string(tail[4:]) != "PAR1" || footer > size-12 {
		return damaged(fmt.Errorf("no footer at the end"))
	}
	return nil
}

// readParquet reads the pages of a column, which must have so many rows.
func (c *column) readParquet(field *parquet.Column, groups []parquet.RowGroup, rows int) error {
	typed, err := typeOf(field)
	if err != nil {
		return err
	}
	c.text = typed.number == nil
	values := make([]parquet.Value, 1024)
	for _, g := range groups {
		pages := g.ColumnChunks()[field.Index()].Pages()
		err := eachValue(pages, values, func(v parquet.Value) error {
			n := len(c.num) + len(c.code)
			switch {
			case n == rows:
				return damaged(fmt.Errorf("more than %d values", rows))
			case v.IsNull():
				c.addMissing()
			case c.text:
				c.addBytes(v.ByteArray())
			default:
				if x := typed.number(v); !c.addValue(x) {
					return fmt.Errorf("row %d: %v is outside the range of float32", n+1, x)
				}
			}
			return nil
		})
		pages.Close()
		if err != nil {
			return err
		}
	}
	if n := len(c.num) + len(c.code); n != rows {
		return damaged(fmt.Errorf("%d values in %d rows", n, rows))
	}
	return nil
}

// eachValue calls f for the values of all pages, read into a buffer.
func eachValue(pages parquet.Pages, buffer []parquet.Value, f func(parquet.Value) error) error {
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		for r := page.Values(); err == nil; {
			var n int
			n, err = r.ReadValues(buffer)
			for _, v := range buffer[:n] {
				if err := f(v); err != nil {
					return err
				}
			}
			if n == 0 && err == nil {
				err = io.ErrNoProgress
			}
		}
		parquet.Release(page)
		if err != io.EOF {
			return damaged(err)
		}
	}
}

// damaged is what is said of a Parquet file that the library cannot read.
func damaged(err error) error {
	if cancelled(err) {
		return err
	}
	return fmt.Errorf("the file is damaged or cut off; fetch it again (%s)", quote(err.Error()))
}
