package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// gatherParquet reads the cells of a Parquet file as those of a text file: dates and
// times are days since 1970, whatever their unit, and texts may turn out to be numbers.
func gatherParquet(ctx context.Context, path string, open func(name string, at int) *cells, also *spelt) (*grid, error) {
	size, err := regular(path)
	if err != nil {
		return nil, ioFault("parquet", path, 0, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ioFault("parquet", path, 0, err)
	}
	defer f.Close()
	g, err := scanParquetCells(contextReader{ctx, f}, size, path, open, also)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, ioFault("parquet", path, 0, err)
	}
	return g, nil
}

func scanParquetCells(r io.ReaderAt, size int64, path string, open func(name string, at int) *cells, also *spelt) (g *grid, err error) {
	defer func() { // the library panics on some damaged files
		if p := recover(); p != nil {
			g, err = nil, damaged(fmt.Errorf("%v", p))
		}
	}()
	if err := checkFrame(r, size); err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, damaged(err)
	}
	g = &grid{path: path, rows: int(f.NumRows())}
	if g.rows <= 0 {
		return nil, errors.New("there are no rows")
	}
	for at, field := range f.Root().Columns() {
		name := decode(field.Name())
		if slices.Contains(g.names, name) {
			return nil, fmt.Errorf("two columns are called %s; rename one", quote(name))
		}
		g.names = append(g.names, name)
		g.unnamed = append(g.unnamed, name == "__index_level_0__")
		c := open(name, at)
		g.columns = append(g.columns, c)
		if c == nil {
			continue
		}
		fail := func(err error) error { return &Error{Key: "parquet", Path: path, Column: name, Err: err} }
		if lz4(f, field) {
			return nil, fail(errors.New("the column is packed with LZ4, which is not read; write it with snappy or zstd"))
		}
		if field.Leaf() {
			if err := checkPages(r, size, f, field, g.rows); err != nil {
				return nil, fail(err)
			}
		}
		if err := c.readParquet(field, f.RowGroups(), g.rows, also); err != nil {
			return nil, fail(err)
		}
	}
	return g, nil
}

// readParquet reads the pages of a column, which must have so many rows.
func (c *cells) readParquet(field *parquet.Column, groups []parquet.RowGroup, rows int, also *spelt) error {
	days, moments := daysOf(field)
	var typed parquetType
	if moments {
		typed.number = days
	} else {
		var err error
		if typed, err = typeOf(field); err != nil {
			return err
		}
	}
	c.number, c.days = typed.number != nil, moments
	c.truth = c.number && field.Leaf() && field.Type().Kind() == parquet.Boolean
	values := make([]parquet.Value, 1024)
	for _, g := range groups {
		pages := g.ColumnChunks()[field.Index()].Pages()
		err := eachValue(pages, values, func(v parquet.Value) error {
			n := c.rows()
			switch {
			case n == rows:
				return damaged(fmt.Errorf("more than %d values", rows))
			case v.IsNull() && c.number:
				c.empty++
				c.value = append(c.value, math.NaN())
			case v.IsNull():
				c.empty++
				c.code = append(c.code, -1)
			case !c.number:
				c.addBytes(v.ByteArray())
			default:
				x := typed.number(v)
				switch {
				case math.IsNaN(x):
					c.empty++
				case math.Abs(x) > math.MaxFloat32:
					c.see(exactNumber(x), 0, &c.windows)
					x = math.NaN()
				case also.numbers[x]:
					c.see(exactNumber(x), 0, &c.windows)
					x = math.NaN()
				}
				c.value = append(c.value, x+0)
			}
			return nil
		})
		pages.Close()
		if err != nil {
			return err
		}
	}
	if n := c.rows(); n != rows {
		return damaged(fmt.Errorf("%d values in %d rows", n, rows))
	}
	return nil
}

// addBytes appends a text.
func (c *cells) addBytes(b []byte) {
	if k, ok := c.index[string(b)]; ok { // does not allocate
		c.count[k]++
		c.code = append(c.code, k)
		return
	}
	c.add(string(b), 0, nil)
}

// daysOf reads dates and times as days since 1970; ok is false for other columns.
func daysOf(field *parquet.Column) (days func(parquet.Value) float64, ok bool) {
	if !field.Leaf() || field.MaxRepetitionLevel() > 0 {
		return nil, false
	}
	t := field.Type()
	if t.Kind() == parquet.Int96 { // of older programs
		return func(v parquet.Value) float64 { return julian(v.Int96()) }, true
	}
	unit := int64(0) // of a day
	if l := t.LogicalType(); l != nil {
		switch l := l.Value.(type) {
		case *format.DateType:
			return func(v parquet.Value) float64 { return float64(v.Int32()) }, t.Kind() == parquet.Int32
		case *format.TimestampType:
			unit = 86400 * perSecond(l.Unit)
		case *format.TimeType:
			unit = 86400 * perSecond(l.Unit)
		}
	}
	switch {
	case unit == 0:
		return nil, false
	case t.Kind() == parquet.Int32:
		return func(v parquet.Value) float64 { return inDays(int64(v.Int32()), unit) }, true
	case t.Kind() == parquet.Int64:
		return func(v parquet.Value) float64 { return inDays(v.Int64(), unit) }, true
	}
	return nil, false
}

// inDays adds the whole days and the seconds of a day, as those of a text are added.
func inDays(x, unit int64) float64 {
	whole, rest := x/unit, x%unit
	if rest < 0 {
		whole, rest = whole-1, rest+unit
	}
	return float64(whole) + float64(rest)/(float64(unit)/86400)/86400
}

func perSecond(u format.TimeUnit) int64 {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return 1e3
	case *format.NanoSeconds:
		return 1e9
	}
	return 1e6
}

// julian is the day of a time stamp of 96 bits: nanoseconds of the day, and the Julian day.
func julian(v deprecated.Int96) float64 {
	const unix = 2440588
	return float64(v[2]) - unix + float64(uint64(v[1])<<32|uint64(v[0]))/86400e9
}
