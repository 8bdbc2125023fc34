package data

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	smallPage   = 16 << 20 // bytes; a page up to it may be packed however well
	mostPacked  = 1000     // times that a larger one may shrink
	smallHeader = 4 << 10  // bytes of a header that is read at once
	mostHeader  = 16 << 20 // with the smallest and the largest value in it
)

// checkPages looks at the headers of all pages of a column before the library
// reads them, which makes room for whatever a header says: a page lies within its
// chunk and the chunk within the file, unpacked it has at most mostPacked times its
// bytes, or smallPage, and together pages have no more values than the column.
func checkPages(r io.ReaderAt, size int64, f *parquet.File, field *parquet.Column, rows int) error {
	for _, g := range f.Metadata().RowGroups {
		i := field.Index()
		if i < 0 || i >= len(g.Columns) {
			return damaged(fmt.Errorf("a row group has %d columns", len(g.Columns)))
		}
		m := &g.Columns[i].MetaData
		from := m.DataPageOffset
		if d := m.DictionaryPageOffset; d > 0 && d < from {
			from = d
		}
		if from < 4 || m.TotalCompressedSize < 0 || m.TotalCompressedSize > size-from {
			return damaged(fmt.Errorf("%d bytes of pages from byte %d on, in a file of %d", m.TotalCompressedSize, from, size))
		}
		values := 0
		for end := from + m.TotalCompressedSize; from < end; {
			h, length, err := pageHeader(r, from, end)
			if err != nil {
				return damaged(err)
			}
			packed, unpacked := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
			switch from += length; {
			case packed < 0 || packed > end-from:
				return damaged(fmt.Errorf("a page of %d bytes, where %d are left", packed, end-from))
			case unpacked < 0 || unpacked > max(smallPage, mostPacked*packed):
				return damaged(fmt.Errorf("a page of %d bytes that unpacked would be %d", packed, unpacked))
			}
			n := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues)
			if values += int(n); n < 0 || values > rows {
				return damaged(fmt.Errorf("pages of more than %d values", rows))
			}
			if d := int64(h.DictionaryPageHeader.V.NumValues); d < 0 || d > unpacked {
				return damaged(fmt.Errorf("a dictionary of %d values in %d bytes", d, unpacked))
			}
			from += packed
		}
	}
	return nil
}

// pageHeader reads the header of a page and returns its length.
func pageHeader(r io.ReaderAt, from, end int64) (*format.PageHeader, int64, error) {
	for n := int64(smallHeader); ; n = mostHeader {
		b := make([]byte, min(n, end-from))
		if _, err := r.ReadAt(b, from); err != nil && err != io.EOF {
			return nil, 0, err
		}
		h := &format.PageHeader{}
		in := new(thrift.CompactProtocol).NewReaderFromBytes(b)
		err := thrift.NewDecoder(in).Decode(h)
		if err == nil {
			return h, int64(in.BytesRead()), nil
		}
		if n == mostHeader || int64(len(b)) < n {
			return nil, 0, err
		}
	}
}
