package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// bill is a row with every type that is read.
type bill struct {
	Age    *int32  `parquet:"age,optional"`
	Count  uint32  `parquet:"count"`
	Big    uint64  `parquet:"big"`
	Price  int64   `parquet:"price,decimal(2:18)"`
	Score  float64 `parquet:"score"`
	Ratio  float32 `parquet:"ratio"`
	Paid   bool    `parquet:"paid"`
	City   *string `parquet:"city,optional,dict"`
	Remark string  `parquet:"remark"`
	Label  string  `parquet:"label,enum"`
}

func bills(n int) []bill {
	cities := []string{"Berne", "Zug", "Ägeri"}
	out := make([]bill, n)
	for i := range out {
		age, city := int32(i%50-10), cities[i%3]
		out[i] = bill{&age, 1<<31 + uint32(i), 1<<63 + uint64(i)<<40, int64(i) * 25, float64(i) / 4, float32(i % 7), i%2 == 0, &city, strings.Repeat("x", i%3), "pq"[i%2 : i%2+1]}
		if i%10 == 3 {
			out[i].Age = nil
		}
		if i%10 == 4 {
			out[i].City = nil
		}
		if i%10 == 5 {
			out[i].Score = math.NaN()
		}
	}
	return out
}

func parquetOf[T any](t testing.TB, rows []T, options ...parquet.WriterOption) string {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Write(&b, rows, options...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func scanned(s string, ignore ...string) (*table, error) {
	return scanParquet(strings.NewReader(s), int64(len(s)), "t.parquet", ignore)
}

// However it is packed and cut into pages and groups, a table is what was written.
func TestParquetTypes(t *testing.T) {
	rows := bills(2500)
	for name, options := range map[string][]parquet.WriterOption{
		"plain":        nil,
		"small pages":  {parquet.PageBufferSize(512)},
		"groups":       {parquet.MaxRowsPerRowGroup(700), parquet.DataPageVersion(1)},
		"snappy":       {parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1)},
		"zstd, groups": {parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(1000)},
		"gzip":         {parquet.Compression(&parquet.Gzip)},
		"brotli":       {parquet.Compression(&parquet.Brotli)},
	} {
		got, err := scanned(parquetOf(t, rows, options...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.rows != len(rows) || len(got.columns) != 10 {
			t.Errorf("%s: %d rows, %d columns", name, got.rows, len(got.columns))
			continue
		}
		for i, r := range rows {
			age := math.NaN()
			if r.Age != nil {
				age = float64(*r.Age)
			}
			paid := 0.
			if r.Paid {
				paid = 1
			}
			numbers := []float64{age, float64(r.Count), float64(r.Big), float64(r.Price) / 100, r.Score, float64(r.Ratio), paid}
			for j, want := range numbers {
				if c := got.columns[j]; c.text || !same(c.num[i], want) {
					t.Fatalf("%s: row %d, %s is %v, want %v", name, i, c.name, c.num[i], want)
				}
			}
			city := ""
			if r.City != nil {
				city = *r.City
			}
			for j, want := range []string{city, r.Remark, r.Label} {
				c := got.columns[7+j]
				k := c.code[i]
				if (k < 0) != (want == "") || k >= 0 && c.levels[k] != want {
					t.Fatalf("%s: row %d, %s is level %d of %q, want %q", name, i, c.name, k, c.levels, want)
				}
			}
		}
		if c := got.columns[0].info(); c != (Column{Name: "age", Kind: Numeric, Missing: 250, Distinct: 45}) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// The same table as CSV and as Parquet gives the same data.
func TestParquetAsCSV(t *testing.T) {
	type row struct {
		A *float64 `parquet:"a,optional"`
		C string   `parquet:"c"`
		Y string   `parquet:"y"`
	}
	var rows []row
	var b strings.Builder
	b.WriteString("a,c,y\n")
	for i := range 60 {
		r := row{nil, []string{"u", "v", "w"}[i%3], []string{"no", "yes"}[i/3%2]}
		cell := ""
		if i%9 > 0 {
			x := float64(i) / 8
			r.A, cell = &x, fmt.Sprint(x)
		}
		rows = append(rows, r)
		fmt.Fprintf(&b, "%s,%s,%s\n", cell, r.C, r.Y)
	}
	split := Split{Seed: 5}
	want := load(t, Source{CSV: write(t, "f.csv", b.String()), Target: "y", Split: split})
	got := load(t, Source{Parquet: write(t, "f.parquet", parquetOf(t, rows)), Target: "y", Split: split})
	if !slices.Equal(got.Train.X, want.Train.X) || !slices.Equal(got.Test.Class, want.Test.Class) || !slices.Equal(got.Columns, want.Columns) || got.Facts != want.Facts {
		t.Error("Parquet and CSV differ")
	}
}

func TestParquetErrors(t *testing.T) {
	type nested struct {
		A []int32 `parquet:"a,list"`
		Y int32   `parquet:"y"`
	}
	type odd struct {
		A [16]byte `parquet:"a,uuid"`
		Y int32    `parquet:"y"`
	}
	good := parquetOf(t, bills(100))
	far := bills(20)
	far[7].Score = math.Inf(-1)
	for _, c := range []struct {
		name, text, target string
		ignore             []string
		want               string
	}{
		{"empty", "", "label", nil, "read F: this is not a Parquet file; it would begin with PAR1"},
		{"CSV", "a,y\n1,2\n", "y", nil, "read F: this is not a Parquet file; it would begin with PAR1"},
		{"gzip", packed(good), "label", nil, "read F: this is a gzip file; unpack it (Parquet packs its pages itself)"},
		{"cut off", good[:len(good)/2], "label", nil, "read F: the file is damaged or cut off; fetch it again ("},
		{"no footer", "PAR1PAR1", "label", nil, "read F: the file is damaged or cut off; fetch it again ("},
		{"no rows", parquetOf(t, []bill{}), "label", nil, "read F: there are no rows"},
		{"nested", parquetOf(t, []nested{{[]int32{1, 2}, 1}}), "y", nil, `read F: column "a": the column is nested; flatten it, or put it into ignore`},
		{"identifiers", parquetOf(t, []odd{{Y: 1}}), "y", nil, `read F: column "a": the type UUID is neither number nor text; put the column into ignore`},
		{"LZ4", parquetOf(t, bills(100), parquet.Compression(&parquet.Lz4Raw)), "label", nil, `read F: column "age": the column is packed with LZ4, which is not read; write it with snappy or zstd`},
		{"no target", good, "labl", nil, `read F: there is no column "labl"; did you mean "label"?; the columns are age`},
		{"nothing to ignore", good, "label", []string{"x"}, `read F: there is no column "x"; the columns are age`},
		{"infinite", parquetOf(t, far), "label", nil, `read F: column "score": row 8: -Inf is outside the range of float32`},
		{"text as numbers", good, "city", nil, `read F: column "city": "Berne" is not a number; a regression needs a numeric target`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Source{Parquet: write(t, "f.parquet", c.text), Target: c.target, Ignore: c.ignore}
			if c.target == "city" {
				s.Task = Regression
			}
			_, err := Load(t.Context(), s)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), s.Parquet, "F"); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if e := (*Error)(nil); !errors.As(err, &e) || e.Key == "" {
				t.Errorf("%#v names no setting", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, Source{Parquet: write(t, "f", good), Target: "label"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Load(t.Context(), Source{Parquet: "no/such.parquet", Target: "label"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestBigEndian(t *testing.T) {
	for want, b := range map[float64][]byte{0: nil, 5: {5}, -1: {0xff, 0xff, 0xff}, 256: {1, 0}, -256: {0xff, 0}} {
		if got := bigEndian(b); got != want {
			t.Errorf("%v is %v, want %v", b, got, want)
		}
	}
}

// Files that other programs wrote: Impala, Spark, Hive, Arrow. The library's module
// carries them for its own tests.
func TestParquetOfOthers(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/parquet-go/parquet-go").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata")
	if _, e := os.Stat(dir); err != nil || e != nil {
		t.Skip("the library's test files are not here")
	}
	read := func(name string, ignore ...string) *table {
		got, err := readParquet(t.Context(), filepath.Join(dir, name), ignore)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	column := func(got *table, name string) *column {
		i := slices.IndexFunc(got.columns, func(c *column) bool { return c.name == name })
		if i < 0 {
			t.Fatalf("no column %s", name)
		}
		return got.columns[i]
	}
	for _, name := range []string{"alltypes_plain.parquet", "alltypes_plain.snappy.parquet", "alltypes_dictionary.parquet"} {
		got := read(name, "timestamp_col")
		id, b, s := column(got, "id"), column(got, "bool_col"), column(got, "string_col")
		for i := range got.rows {
			if k := s.levels[s.code[i]]; b.num[i] != math.Mod(id.num[i]+1, 2) || k != fmt.Sprint(math.Mod(id.num[i], 2)) {
				t.Errorf("%s: row %d: id %v, bool %v, text %q", name, i, id.num[i], b.num[i], k)
			}
		}
	}
	for _, name := range []string{"int32_decimal.parquet", "int64_decimal.parquet", "fixed_length_decimal.parquet", "byte_array_decimal.parquet"} {
		c := read(name).columns[0]
		for i, x := range c.num {
			if math.Abs(x-float64(i+1)) > 1e-9 {
				t.Errorf("%s: row %d is %v", name, i, x)
			}
		}
		if len(c.num) != 24 {
			t.Errorf("%s: %d rows", name, len(c.num))
		}
	}
	if c := read("null_columns.parquet").columns[0]; c.missing != len(c.num) {
		t.Errorf("null_columns.parquet: %+v", c)
	}
	if c := read("single_nan.parquet").columns[0]; c.missing != 1 || len(c.num) != 1 {
		t.Errorf("single_nan.parquet: %+v", c)
	}
}

// A page header that lies costs an error, not memory.
func TestParquetLyingPages(t *testing.T) {
	for _, options := range [][]parquet.WriterOption{nil, {parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy)}} {
		whole := parquetOf(t, bills(2000), options...)
		f, err := parquet.OpenFile(strings.NewReader(whole), int64(len(whole)))
		if err != nil {
			t.Fatal(err)
		}
		m := f.Metadata().RowGroups[0].Columns[0].MetaData
		from := m.DataPageOffset
		h, length, err := pageHeader(strings.NewReader(whole), from, from+m.TotalCompressedSize)
		if err != nil {
			t.Fatal(err)
		}
		for what, lie := range map[string]func(*format.PageHeader){
			"unpacked": func(h *format.PageHeader) { h.UncompressedPageSize = 1<<31 - 1 },
			"packed":   func(h *format.PageHeader) { h.CompressedPageSize = 1<<31 - 1 },
			"values": func(h *format.PageHeader) {
				h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues = 1<<31-1, 1<<31-1
			},
			"negative": func(h *format.PageHeader) { h.CompressedPageSize = -1 },
		} {
			lying := *h
			lie(&lying)
			b, err := thrift.Marshal(new(thrift.CompactProtocol), lying)
			if err != nil {
				t.Fatal(err)
			}
			// The header grows over the first bytes of the page, so that all other places stay.
			bad := whole[:from] + string(b) + whole[from+max(length, int64(len(b))):]
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = scanned(bad)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%s: no error", what)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
				t.Errorf("%s: %d bytes allocated for a file of %d: %v", what, n, len(bad), err)
			}
		}
	}
}

// Whatever the bytes are, a table comes out whose columns have all its rows, or an
// error of one line.
func FuzzParquet(f *testing.F) {
	small := bills(12)
	for _, options := range [][]parquet.WriterOption{nil, {parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy)}, {parquet.MaxRowsPerRowGroup(5)}} {
		f.Add([]byte(parquetOf(f, small, options...)))
	}
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := scanned(string(b))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") || !utf8.ValidString(err.Error()) {
				t.Fatalf("error %q", err)
			}
			return
		}
		for _, c := range got.columns {
			if c.text && (c.num != nil || len(c.code) != got.rows) || !c.text && len(c.num) != got.rows {
				t.Fatalf("column %s has not %d rows", c.name, got.rows)
			}
			if _, absent := c.count(count(got.rows)); absent != c.missing {
				t.Fatalf("%d missing values, counted %d", absent, c.missing)
			}
		}
	})
}
