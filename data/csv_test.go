package data

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// text reads a table from memory.
func text(s string, ignore ...string) (*table, error) {
	return scanCSV("t.csv", ignore, map[string]bool{}, func() (io.ReadCloser, error) {
		r, err := unpack(strings.NewReader(s))
		return io.NopCloser(r), err
	})
}

func TestCSVErrors(t *testing.T) {
	ok := "a,b,y\n" + strings.Repeat("1,x,u\n2,z,v\n", 10)
	for _, c := range []struct {
		name, text string
		source     Source
		want       string
	}{
		{"empty", "", Source{}, `read F: the file is empty; a header line with the names of the columns is needed`},
		{"empty gzip", packed(""), Source{}, `read F: the file is empty; a header line with the names of the columns is needed`},
		{"no rows", "a,y\n", Source{}, `read F: there are no rows below the header line`},
		{"no name", ",a,y\n0,1,2\n", Source{}, `read F: line 1: column 1 has no name; name it, or remove it if it only numbers the rows`},
		{"same name", "a,b, a\n1,2,3\n", Source{}, `read F: line 1: columns 1 and 3 are both called "a"; rename one`},
		{"no header, repeated numbers", "1,1,3\n1,2,3\n", Source{}, `read F: line 1: there are only numbers; a header line with the names of the columns is needed`},
		{"no header", "1,2,3\n1,2,3\n", Source{}, `read F: there is no column "y"; is the header line missing?; the columns are 1, 2, 3`},
		{"semicolons", "a;b;y\n1;2;3\n", Source{}, `read F: line 1: there is one column, "a;b;y"; separate columns by commas`},
		{"short line", "a,b,y\n1,2,3\n\n1,2\n", Source{}, `read F: line 4: column "y": no value, the line ends after 2 of 3; add what is missing`},
		{"long line", "a,b,y\n1,2,3\n1,2,3,4\n", Source{}, `read F: line 3: column "y": the line goes on behind the last column, 4 values instead of 3; put quotes around a value with a comma in it`},
		{"bare quote", "a,y\n1,2\n1\"2,3\n", Source{}, `read F: line 3: byte 2: a quote in the middle of a value; put quotes around the value and write its own quotes twice`},
		{"open quote", "a,y\n1,2\n\"1,3\n4,5\n", Source{}, `read F: line 3: a quoted value has no proper end; close its quote, and write quotes inside it twice`},
		{"UTF-16", "\xff\xfea\x00", Source{}, `read F: line 1: the text is UTF-16; save it as UTF-8`},
		{"damaged gzip", packed(ok)[:40], Source{}, `read F: the packed file is damaged or cut off; fetch it again (unexpected EOF)`},
		{"no target", ok, Source{Target: "z"}, `read F: there is no column "z"; the columns are a, b, y`},
		{"misspelt target", "age,Income\n1,2\n", Source{Target: "incme"}, `read F: there is no column "incme"; did you mean "Income"?; the columns are age, Income`},
		{"misspelt ignore", ok, Source{Ignore: []string{"c"}}, `read F: there is no column "c"; the columns are a, b, y`},
		{"only a target", ok, Source{Ignore: []string{"a", "b"}}, `read F: there is no column to learn from beside the target`},
		{"target empty", "a,y\n1,\n2,?\n", Source{}, `read F: column "y": every value is missing`},
		{"target constant but missing", "a,y\n1,5\n2,\n3,5\n", Source{}, `read F: column "y": all rows that have a value have the same; with 1 row without one (if a word such as None is a class, write columns: {y: category})`},
		{"target constant", "a,y\n1,5\n2,5.0\n", Source{}, `read F: column "y": all rows have the same value; there is nothing to learn`},
		{"target all different", "a,y\n1,p\n2,q\n3,r\n", Source{}, `read F: column "y": 3 different values in 3 rows are too many for classes; choose another target`},
		{"numbers as classes", "a,y\n1,1.5\n2,2.5\n3,2.5\n", Source{Task: Classification}, `read F: column "y": 2 different values in 3 rows are too many for classes; choose another target, or the task regression`},
		{"text as numbers", "a,y\n1,5\n2,u\n3,v\n", Source{Task: Regression}, `read F: line 3: column "y": "u" is not a number; a regression needs a numeric target`},
		{"too few rows", "a,y\n1,u\n2,u\n3,v\n4,v\n", Source{Split: Split{Valid: 0.1}}, `read F: 4 rows give 3 for training, 0 for validation and 1 for the test; each needs at least one, so raise its share or use more rows`},
		{"image size", ok, Source{Ignore: []string{"b"}, Image: []int{2, 2, 1}}, `read F: 2×2×1 are 4 values, but there are 1 columns beside the target`},
		{"image of text", ok, Source{Image: []int{2, 1, 1}}, `read F: line 2: column "b": "x" is not a number, so the columns are not an image`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.source.CSV = write(t, "f.csv", c.text)
			if c.source.Target == "" {
				c.source.Target = "y"
			}
			_, err := Load(t.Context(), c.source)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), c.source.CSV, "F"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if e := (*Error)(nil); !errors.As(err, &e) || e.Key == "" {
				t.Errorf("%#v names no setting", err)
			}
		})
	}
}

func TestColumnsAreListedBriefly(t *testing.T) {
	names := strings.Split("p"+strings.Join(strings.Split(strings.Repeat(" ", 63), ""), "p"), " ")
	names = append(names, "digit")
	got := noColumn("digits", names).Error()
	if !strings.Contains(got, `did you mean "digit"?`) || !strings.Contains(got, "the last one digit") || len(got) > 200 {
		t.Error(got)
	}
	long := noColumn("x", []string{strings.Repeat("ä\n", 1000)}).Error()
	if len(long) > 250 || strings.ContainsAny(long, "\n") || !utf8.ValidString(long) {
		t.Error(long)
	}
}

func TestCSVForms(t *testing.T) {
	want, err := text("a,b\n1,x\n,y\n3,x\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"BOM":              "\ufeffa,b\n1,x\n,y\n3,x\n",
		"BOM and quotes":   "\ufeff\"a\",b\n1,x\n,y\n3,x\n",
		"carriage returns": "a,b\r\n1,x\r\n,y\r\n3,x\r\n",
		"spaces":           " a, b\n1 , x\n ,y\n3,\tx \n",
		"empty lines":      "a,b\n\n1,x\n,y\n\n3,x",
		"quotes":           "\"a\",\"b\"\n\"1\",\"x\"\n\"\", \"y\"\n3,x\n",
		"question mark":    "a,b\n1,x\n?,y\n3.0,x\n",
		"NA":               "a,b\n1,x\nNA,y\n+3e0,x\n",
		"NaN":              "a,b\n1,x\nNaN,y\n3,x\n",
		"nan":              "a,b\n1,x\nnan,y\n3,x\n",
		"gzip":             packed("a,b\n1,x\n,y\n3,x\n"),
	} {
		got, err := text(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, c := range got.columns {
			w := want.columns[i]
			if c.info() != w.info() || !slices.EqualFunc(c.num, w.num, same) || !slices.Equal(c.code, w.code) || !slices.Equal(c.levels, w.levels) {
				t.Errorf("%s: column %d is %+v", name, i, c)
			}
		}
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestColumnKinds(t *testing.T) {
	for _, c := range []struct {
		cells string // separated by spaces, "_" is empty
		want  Kind
		level string // the first one
	}{
		{"1 -2.5 +3e5 .5 5.", Numeric, ""},
		{"_ _ 7", Numeric, ""},
		{"_ _ _", Numeric, ""},
		{"_ x 1", Categorical, "x"},
		{"007 7 x", Categorical, "007"}, // text after numbers: written as it was
		{"_ 1 2 x 3", Categorical, "1"},
		{"1 inf", Categorical, "1"},
		{"1 0x1p4", Categorical, "1"},
		{"1 1_000", Categorical, "1"},
		{"1 1e39", Categorical, "1"}, // beyond float32
		{"1 - e", Categorical, "1"},
		{"caf\xe9 1", Categorical, "café"}, // Latin-1
	} {
		cells := strings.Fields(c.cells)
		table, err := text("k,a\n0," + strings.ReplaceAll(strings.Join(cells, "\n0,"), "_", "") + "\n")
		if c.cells == "1 1_000" {
			table, err = text("k,a\n0,1\n0,1_000\n")
		}
		if err != nil {
			t.Errorf("%s: %v", c.cells, err)
			continue
		}
		got := table.columns[1]
		if got.info().Kind != c.want || got.text && got.levels[0] != c.level {
			t.Errorf("%s: %+v, levels %q", c.cells, got.info(), got.levels)
		}
		if n := len(got.num) + len(got.code); n != len(cells) {
			t.Errorf("%s: %d rows", c.cells, n)
		}
	}
}

func TestLateTextIsReadTwiceOnly(t *testing.T) {
	opened := 0
	s := "a,b,c\n1,1,1\nx,1,1\n2,y,1\n"
	table, err := scanCSV("t.csv", nil, map[string]bool{}, func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(strings.NewReader(s)), nil
	})
	if err != nil || opened != 2 {
		t.Fatalf("opened %d times, %v", opened, err)
	}
	if c := table.columns[1]; !slices.Equal(c.levels, []string{"1", "y"}) || !slices.Equal(c.code, []int32{0, 0, 1}) {
		t.Errorf("%q %v", c.levels, c.code)
	}
}

func TestIgnoredColumnsAreNotRead(t *testing.T) {
	table, err := text("a,b\n1,x\n", "b")
	if err != nil || len(table.columns) != 1 || table.columns[0].name != "a" {
		t.Errorf("%+v, %v", table, err)
	}
}

// Whatever the bytes are, a table comes out whose columns have all its rows, or an
// error of one line.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,y\n1,u\n2,v\n", "a,y\n1,u\nx,v\n,\n", "\ufeff\"a\",y\n\"1\n2\",3\n", "a,a\n", "a\n1,2\n", "\"", "\xff\xfe", packed("a,y\n1,2\n"), "a,y\n1e39,\xff\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := text(string(b))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") || !utf8.ValidString(err.Error()) {
				t.Fatalf("error %q", err)
			}
			return
		}
		rows := make([]int, table.rows)
		for i := range rows {
			rows[i] = i
		}
		for _, c := range table.columns {
			if c.text && (c.num != nil || len(c.code) != table.rows) || !c.text && len(c.num) != table.rows {
				t.Fatalf("column %+v has not %d rows", c, table.rows)
			}
			for _, l := range c.levels {
				if !utf8.ValidString(l) {
					t.Fatalf("level %q", l)
				}
			}
			_, absent := c.count(rows)
			if absent != c.missing {
				t.Fatalf("%d missing values, counted %d", absent, c.missing)
			}
		}
		enc, err := fit(table.columns, rows[:(len(rows)+1)/2], nil, Standard, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range enc.set(rows).X {
			if !(math.Abs(float64(x)) <= MaxScore) {
				t.Fatalf("encoded value %v", x)
			}
		}
		if g, bad := newGoal(table.columns[0], table.rows, ""); bad == nil {
			if len(g.rows) != table.rows-table.columns[0].missing {
				t.Fatalf("%d rows with a target", len(g.rows))
			}
		}
	})
}
