package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// profiled is how a table is understood; columns as "name kind role".
func profiled(t testing.TB, s Source, table string) *Profile {
	t.Helper()
	s.CSV, s.Reading = write(t, "t.csv", table), Newest
	p, err := Understand(t.Context(), s)
	if err != nil {
		t.Fatalf("%v\n%s", err, table[:min(len(table), 300)])
	}
	return p
}

func (p *Profile) row(name string) ColumnProfile {
	for _, c := range p.Columns {
		if c.Name == name {
			return c
		}
	}
	return ColumnProfile{}
}

func has(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
}

// lines makes a table of one column between others, a cell a line.
func lines(cells ...string) string {
	var b strings.Builder
	b.WriteString("k,x,y\n")
	for i, c := range cells {
		if strings.ContainsAny(c, ",\"") {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		fmt.Fprintf(&b, "%g,%s,%g\n", math.Sin(float64(i)), c, math.Cos(float64(i)))
	}
	return b.String()
}

// cellsOf repeats a function of the row.
func cellsOf(n int, cell func(i int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = cell(i)
	}
	return out
}

// One odd cell leaves a column what it is: the cell is missing, and that is said.
func TestOneOddCell(t *testing.T) {
	for _, odd := range []string{"NULL", "null", "None", "N/A", "n/a", "#N/A", "-", "inf", "-Infinity", "<NA>", "nil", "#DIV/0!", "NaT", ".", "--", "?", "nan", "x", "seven", "1e39"} {
		cells := cellsOf(600, func(i int) string { return fmt.Sprintf("%d.%d", 40+i*7%160, i%10) })
		cells[234] = odd
		p := profiled(t, Source{Target: "y"}, lines(cells...))
		c := p.row("x")
		want := fmt.Sprintf(`line 236, column "x": %q taken as missing (1 of 600 values)`, odd)
		if c.Kind != KindNumber || c.Missing != 1 || !slices.Contains(p.Notes, want) {
			t.Errorf("%s: %+v, notes %q", odd, c, p.Notes)
		}
	}
}

// The same beyond the rows by which kinds are guessed.
func TestOddCellsFarDown(t *testing.T) {
	cells := cellsOf(5000, func(i int) string { return fmt.Sprint(i * 7 % 1000) })
	cells[4000], cells[4500] = "n/a", "oops"
	p := profiled(t, Source{Target: "y"}, lines(cells...))
	if c := p.row("x"); c.Kind != KindNumber || c.Missing != 2 || !has(p.Notes, `line 4002, column "x": "n/a" taken as missing (1 of 5000 values)`) || !has(p.Notes, `line 4502, column "x": "oops"`) {
		t.Errorf("%+v, %q", c, p.Notes)
	}
	for i := 2500; i < 5000; i++ { // text after numbers
		cells[i] = "word" + fmt.Sprint(i%30)
	}
	p = profiled(t, Source{Target: "y"}, lines(cells...))
	if c := p.row("x"); c.Kind != KindCategory || !strings.Contains(c.Warning, "mixed: ") {
		t.Errorf("%+v", c)
	}
}

func TestKindsOfColumns(t *testing.T) {
	word := func(i int) string { return []string{"red", "green", "blue"}[i%3] }
	for _, c := range []struct {
		name       string
		cells      []string
		kind, role string
		why        string
	}{
		{"numbers", cellsOf(50, func(i int) string { return fmt.Sprint(i * 37 % 50) }), KindNumber, "input", "whole numbers"},
		{"decimal numbers", cellsOf(50, func(i int) string { return fmt.Sprintf("%.2f", float64(i*37%50)/3) }), KindNumber, "input", "numbers"},
		{"thousands", cellsOf(50, func(i int) string { return fmt.Sprintf("%d,%03d", 1+i%9, i*37%1000) }), KindNumber, "input", `whole numbers with "," between thousands`},
		{"money", cellsOf(50, func(i int) string { return fmt.Sprintf("$%d.50", i*37%50) }), KindNumber, "input", "numbers with $"},
		{"percent", cellsOf(50, func(i int) string { return fmt.Sprintf("%d %%", i*37%50) }), KindNumber, "input", "whole numbers with %"},
		{"units", cellsOf(50, func(i int) string { return fmt.Sprintf("%d kg", i*37%50) }), KindNumber, "input", "whole numbers with kg"},
		{"two units", cellsOf(50, func(i int) string { return fmt.Sprint(i*37%20, []string{" kg", " g"}[i%2]) }), KindCategory, "input", "20 different texts"},
		{"decimal comma", cellsOf(50, func(i int) string { return fmt.Sprintf("%d,%d", i*37%50, i%10) }), KindNumber, "input", "numbers, decimal comma"},
		{"a word for missing", cellsOf(50, func(i int) string {
			if i%3 == 0 {
				return "unknown"
			}
			return fmt.Sprint(i * 37 % 50)
		}), KindNumber, "input", "whole numbers"},
		{"categories", cellsOf(50, word), KindCategory, "input", "3 different texts"},
		{"booleans", cellsOf(50, func(i int) string { return []string{"True", "False"}[i%7%2] }), KindNumber, "input", "true and false, as 1 and 0"},
		{"postal codes", cellsOf(50, func(i int) string { return fmt.Sprintf("%05d", i%20*977) }), KindCategory, "input", "codes of 5 digits, some with leading zeros"},
		{"dates", cellsOf(50, func(i int) string { return fmt.Sprintf("2024-%02d-%02d", 1+i%12, 1+i%28) }), KindDate, "input", "dates"},
		{"dates as numbers", cellsOf(50, func(i int) string { return fmt.Sprintf("2024%02d%02d", 1+i%12, 1+i%28) }), KindDate, "input", "dates as numbers, year month day"},
		{"times", cellsOf(50, func(i int) string { return fmt.Sprintf("%d/%d/2024 %02d:30", 1+i%12, 13+i%15, i%24) }), KindDate, "input", "dates with times, the month comes first"},
		{"ids", cellsOf(50, func(i int) string { return fmt.Sprintf("u%x", i*7919+100000) }), KindID, "left out", "a text of its own in each row"},
		{"index", cellsOf(50, func(i int) string { return fmt.Sprint(i) }), KindID, "left out", "numbers the rows, from 0"},
		{"rising", cellsOf(50, func(i int) string { return fmt.Sprint(1000 + i*i) }), KindID, "left out", "whole numbers that rise with the row"},
		{"constant text", cellsOf(50, func(int) string { return "same" }), KindCategory, "left out", "one value in all rows"},
		{"constant number", cellsOf(50, func(int) string { return "7" }), KindNumber, "input", "one value in all rows: it tells nothing"},
		{"empty", cellsOf(50, func(i int) string { return []string{"", "NA"}[i%2] }), KindNumber, "left out", "no cell has a value"},
		{"text", cellsOf(200, func(i int) string { return fmt.Sprintf("the %s house number %d is for sale", word(i), i) }), KindText, "input", "text of 8 words on average: 64 values, hashed words by TF-IDF"},
		{"many categories", cellsOf(300, func(i int) string { return fmt.Sprintf("c%d", i%100) }), KindCategory, "input", "100 different texts"},
	} {
		p := profiled(t, Source{Target: "y"}, lines(c.cells...))
		if got := p.row("x"); got.Kind != c.kind || got.Role != c.role || got.Why != c.why {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	comma, point := style{decimal: ','}, style{decimal: '.'}
	for _, c := range []struct {
		s    style
		cell string
		want float64
	}{
		{point, "1,234,567.5", 1234567.5}, {comma, "1.234.567,5", 1234567.5}, {point, "1 234", 1234}, {point, "1'234.5", 1234.5}, {comma, "1\u00a0234,5", 1234.5},
		{style{'.', "$", ""}, "$1,234", 1234}, {style{'.', "$", ""}, "-$5", -5}, {style{'.', "$", ""}, "$-5", -5}, {style{',', "€", ""}, "3,50 €", 3.5}, {point, "(5.00)", -5},
		{style{'.', "%", ""}, "12.5%", 12.5}, {point, "−3", -3}, {point, "+3e2", 300}, {point, ".5", .5}, {point, "12,34,567", 1234567}, {style{'.', "USD", ""}, "USD 3", 3},
		{point, "1.234", 1.234}, {comma, "1.234", 1234}, {comma, "0,123", .123},
		{point, "1,5", math.NaN()}, {comma, "1.5", math.NaN()}, {point, "1,23,45", math.NaN()}, {point, "12-3", math.NaN()}, {point, "3 €", math.NaN()}, {point, "0x10", math.NaN()},
		{point, "1.2.3", math.NaN()}, {point, "", math.NaN()}, {point, "e5", math.NaN()}, {point, "12e", math.NaN()},
	} {
		x, ok := c.s.number(c.cell)
		if !ok {
			x = math.NaN()
		}
		if !same(x, c.want) {
			t.Errorf("%q with %+v is %v, want %v", c.cell, c.s, x, c.want)
		}
	}
}

func TestDatesAndTimes(t *testing.T) {
	for _, c := range []struct {
		cell string
		o    order
		want string // "" for none
	}{
		{"2024-02-29", 0, "2024-02-29"}, {"2023-02-29", 0, ""}, {"2024/2/9", 0, "2024-02-09"}, {"2024-02", 0, "2024-02-01"}, {"1969-12-31T06:00", 0, "1969-12-31 06:00:00"},
		{"2024-02-29T12:30:00Z", 0, "2024-02-29 12:30:00"}, {"2024-02-29 12:30:00.5+02:00", 0, "2024-02-29 10:30:01"}, {"2024-02-29 01:00 +0200", 0, "2024-02-28 23:00:00"},
		{"03/04/2024", dayFirst, "2024-04-03"}, {"03/04/2024", monthFirst, "2024-03-04"}, {"13/04/2024", anyOrder, "2024-04-13"}, {"13/04/2024", monthFirst, ""}, {"3.4.24", dayFirst, "2024-04-03"},
		{"04/13/99 11:15 PM", monthFirst, "1999-04-13 23:15:00"}, {"12 Jan 2024", 0, "2024-01-12"}, {"12-Jan-24", 0, "2024-01-12"}, {"January 12, 2024", 0, "2024-01-12"},
		{"Mon, 12 Jan 2024 10:00:00 GMT", 0, "2024-01-12 10:00:00"}, {"1st March 2024", 0, "2024-03-01"}, {"10:30", 0, "1970-01-01 10:30:00"},
		{"2024-13-01", 0, ""}, {"1/2", 0, ""}, {"12 monkeys 2024", 0, ""}, {"2024-01-01 25:00", 0, ""}, {"555-1234", 0, ""}, {"1.2.3", 0, ""}, {"10:3", 0, ""}, {"12:30 XM", 0, ""},
	} {
		w, _, ok := whenOf(c.cell, c.o)
		got := ""
		if ok {
			got = moment(w.day)
		}
		if got != c.want {
			t.Errorf("%q is %q, want %q", c.cell, got, c.want)
		}
	}
	if w := weekday.of(19782); w != 3 { // Thursday, 29 February 2024
		t.Errorf("weekday %v", w)
	}
	if m := month.of(-1); m != 12 {
		t.Errorf("month %v", m)
	}
}

func utf16Of(s string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		s = "\ufeff" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// One table in every dialect is one table.
func TestDialects(t *testing.T) {
	const clean = "a,town,y\n1.5,Köln 😀,1.25\n2.5,Bonn,2.5\n,Köln 😀,3.75\n4.5,Bonn,1.5\n"
	semicolons := strings.NewReplacer(",", ";", ".", ",").Replace(clean)
	for name, s := range map[string]string{
		"clean": clean, "BOM": "\ufeff" + clean, "UTF-16LE": utf16Of(clean, binary.LittleEndian, true), "UTF-16BE": utf16Of(clean, binary.BigEndian, true),
		"UTF-16LE without mark": utf16Of(clean, binary.LittleEndian, false), "UTF-16BE without mark": utf16Of(clean, binary.BigEndian, false),
		"semicolons": semicolons, "tabs": strings.ReplaceAll(clean, ",", "\t"), "bars": strings.ReplaceAll(clean, ",", "|"), "packed": packed(semicolons),
		"sep=": "sep=;\r\n" + strings.ReplaceAll(semicolons, "\n", "\r\n"), "old Mac": strings.ReplaceAll(clean, "\n", "\r"), "comment": "# made by hand\n\n" + clean,
		"quotes":                 `"a","town","y"` + "\n" + `"1.5","Köln 😀","1.25"` + "\n2.5,Bonn,2.5\n,Köln 😀,3.75\n4.5,Bonn,1.5\n",
		"empty columns and rows": strings.ReplaceAll(semicolons, "\n", ";;\n") + ";;;;\n;;;;\n",
		"separators at the end":  strings.Replace(strings.ReplaceAll(clean, "\n", ",\n"), ",\n", "\n", 1),
		"spaces":                 strings.ReplaceAll(clean, ",", " , "),
	} {
		source := Source{CSV: write(t, "t.csv", s), Target: "y", Reading: Newest}
		table, goal, _, err := understand(t.Context(), source)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(table.columns) != 2 || table.rows != 4 {
			t.Errorf("%s: %d columns, %d rows", name, len(table.columns), table.rows)
			continue
		}
		a, town := table.columns[0], table.columns[1]
		if !slices.EqualFunc(a.num, []float64{1.5, 2.5, math.NaN(), 4.5}, same) || !slices.Equal(town.levels, []string{"Köln 😀", "Bonn"}) || !slices.Equal(town.code, []int32{0, 1, 0, 1}) || !slices.Equal(goal.num, []float64{1.25, 2.5, 3.75, 1.5}) {
			t.Errorf("%s: %v %v %v %v", name, a.num, town.levels, town.code, goal.num)
		}
	}
	p := profiled(t, Source{Target: "y"}, "price,y\n\x80 5,1\n\x80 6,2\n\x80 7,3\n\x80 9,4\n")
	if c := p.row("price"); c.Kind != KindNumber || c.Why != "whole numbers with €" || !has(p.Notes, `the text is not UTF-8: read as Windows-1252, as in line 2, column "price": "€ 5"`) {
		t.Errorf("%+v %q", c, p.Notes)
	}
	p = profiled(t, Source{Target: "y"}, "a\tb,c\ty\n1\tx, 5\" wide\t2\n2\tz\t3\n") // commas in text, a quote in the middle
	if c := p.row("b,c"); c.Kind != KindCategory || p.Dialect.Separator != "tab" {
		t.Errorf("%+v %+v", p.Columns, p.Dialect)
	}
	p = profiled(t, Source{Target: "y"}, "a,y\nr1,1,2\nr2,3,4\nr3,5,7\n") // as R writes names of rows
	if c := p.row("a"); len(p.Columns) != 3 || c.Example != "1" {
		t.Errorf("%+v", p.Columns)
	}
}

// Many columns without a name take no more than their share of time.
func TestManyColumnsWithoutNames(t *testing.T) {
	p := profiled(t, Source{Target: "y"}, "column 2,y"+strings.Repeat(",", 60000)+"\n1,2\n2,3\n")
	if len(p.Columns) != 60002 || p.Columns[2].Name != "column 3" || p.Columns[60001].Role != "left out" {
		t.Errorf("%d columns, %+v", len(p.Columns), p.Columns[2])
	}
}

// What is no table says what it is.
func TestForeignFiles(t *testing.T) {
	for text, want := range map[string]string{
		"PK\x03\x04xl": "this is a zip file, as spreadsheets (.xlsx) are", `{"a": 1}`: "this looks like JSON", "<!DOCTYPE html>\n": "this is a web page", "PAR1": "this is a Parquet file; name it under parquet",
		"": "the file is empty", "a,y\n": "there are no rows", "1,2,3\n1,2,4\n": "there are only numbers", "a,y\n1,2\n1,2,3\n": "line 3: column \"y\": the line goes on",
		"a,b,y\n1,2,3\n1,2\n": "line 3: column \"y\": no value, the line ends after 2 of 3", "a;a;y\n1;2;3\n": "columns 1 and 2 are both called",
		"# no\n\na,y\n1,\"2\n": "line 4: a quoted value has no proper end",
	} {
		_, err := Understand(t.Context(), Source{CSV: write(t, "t.csv", text), Target: "y", Reading: Newest})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTargets(t *testing.T) {
	yes := func(i int) string { return []string{"yes", "no"}[i%2] }
	cells := cellsOf(200, yes)
	cells[3], cells[50], cells[70] = "NULL", "null", ""
	text := strings.Replace(lines(cells...), "k,x,y", "k,y,z", 1)
	p := profiled(t, Source{Target: "y"}, text)
	if k := p.Target.Classes; p.LeftOut != 3 || len(k) != 2 || k[0] != (ClassRows{"no", 99}) || k[1] != (ClassRows{"yes", 98}) || !has(p.Notes, "3 rows without a target left out") || p.Target.Baseline != 99./197 {
		t.Errorf("%+v %q", p.Target, p.Notes)
	}
	p = profiled(t, Source{Target: "y", Columns: map[string]string{"y": KindCategory}}, text) // asked for, NULL is a class
	if k := p.Target.Classes; p.LeftOut != 1 || len(k) != 4 {
		t.Errorf("%+v", p.Target)
	}
	grades := strings.Replace(lines(cellsOf(90, func(i int) string { return []string{"none", "mild", "severe"}[i%3] })...), "k,x,y", "k,y,z", 1)
	p = profiled(t, Source{Target: "y"}, grades)
	if len(p.Target.Classes) != 3 || !has(p.Notes, `"none" is taken as a class`) {
		t.Errorf("%+v %q", p.Target, p.Notes)
	}
	p = profiled(t, Source{Target: "y", Missing: []Spelling{"none"}}, grades)
	if len(p.Target.Classes) != 2 || p.LeftOut != 30 {
		t.Errorf("%+v", p.Target)
	}
	d := load(t, Source{CSV: write(t, "t.csv", strings.Replace(lines(cellsOf(90, func(i int) string { return []string{"TRUE", "FALSE"}[i%5%2] })...), "k,x,y", "k,y,z", 1)), Target: "y", Reading: Newest})
	if !slices.Equal(d.ClassNames, []string{"FALSE", "TRUE"}) {
		t.Errorf("%q", d.ClassNames)
	}
}

func TestWarnings(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,leak,copy,x2,old,y\n")
	for i := range 400 {
		x := math.Sin(float64(i))
		old := i % 90
		if i%40 == 0 {
			old = -999
		}
		fmt.Fprintf(&b, "%g,%g,%g,%g,%d,%s\n", x, x+1000*float64(i%2), x, math.Cos(float64(3*i)), old, []string{"a", "b"}[i%2])
	}
	p := profiled(t, Source{Target: "y"}, b.String())
	if !has(p.Warnings, `column "leak" alone predicts the target nearly perfectly (accuracy 1.000)`) || has(p.Warnings, `column "x" alone`) {
		t.Errorf("%q", p.Warnings)
	}
	if !has(p.Notes, `column "old": -999 taken as missing (10 of 400 values): it is far from the others (0 to 89); if it is a number, write columns: {old: number}`) || p.row("old").Missing != 10 {
		t.Errorf("%q %+v", p.Notes, p.row("old"))
	}
	if p := profiled(t, Source{Target: "y", Columns: map[string]string{"old": KindNumber}}, b.String()); p.row("old").Missing != 0 {
		t.Errorf("%+v", p.row("old"))
	}
	if p := profiled(t, Source{Target: "y"}, strings.ReplaceAll(b.String(), "-999", "999")); !has(p.Warnings, `column "old": 999 occurs 10 times, far from the others (0 to 89)`) {
		t.Errorf("%q", p.Warnings)
	}
	if c := p.row("copy"); c.Role != "left out" || c.Why != `the same as column "x"` || !has(p.Notes, `column "copy" left out: the same as column "x"`) {
		t.Errorf("%+v", c)
	}
	p = profiled(t, Source{Target: "y", Missing: []Spelling{"-999.0"}}, b.String())
	if c := p.row("old"); c.Missing != 10 || has(p.Warnings, "-999") || !has(p.Notes, `"-999" taken as missing (10 of 400 values)`) {
		t.Errorf("%+v %q", c, p.Warnings)
	}
}

func TestReadingSettings(t *testing.T) {
	text := "id,zip,when,note,y\n" + strings.Join(cellsOf(60, func(i int) string {
		return fmt.Sprintf("%d,%d,%d,some words here %d,%g", i*31%60, 1000+i%7, 1700000000+86400*i, i%9, math.Sin(float64(i)))
	}), "\n") + "\n"
	p := profiled(t, Source{Target: "y", Columns: map[string]string{"id": KindNumber, "zip": KindCategory, "when": KindDate, "note": KindText}}, text)
	for name, kind := range map[string]string{"id": KindNumber, "zip": KindCategory, "when": KindDate, "note": KindText} {
		if c := p.row(name); c.Kind != kind || c.Role != "input" || !strings.HasPrefix(c.Why, "the study file says so") {
			t.Errorf("%+v", c)
		}
	}
	if c := p.row("when"); c.Example != "2023-11-14 22:13:20" {
		t.Errorf("%+v", c)
	}
	p = profiled(t, Source{Target: "y", Columns: map[string]string{"id": KindID, "note": KindIgnore}}, text)
	if p.row("id").Role != "left out" || p.row("note").Role != "left out" {
		t.Errorf("%+v", p.Columns)
	}
	for want, s := range map[string]Source{
		`data: columns.a: "nmber" is none of number, category, date, text, id, ignore; did you mean number?`: {Columns: map[string]string{"a": "nmber"}},
		`data: columns.y: the target cannot be text; it is a number or a category`:                           {Columns: map[string]string{"y": "text"}},
		`data: separator: ":" is none of , ; | and tab`:                                                      {Separator: ":"},
		`data: decimal: ";" is neither . nor ,`:                                                              {Decimal: ";"},
		`data: thousands: "," is the decimal sign`:                                                           {Decimal: ",", Thousands: ","},
		`data: split.time: leave out cv, folds, fold and group; the rows are divided by time`:                {Split: Split{Time: "t", CV: 3}},
		`data: split.test: leave it out; the test part is f`:                                                 {TestFile: "f", Split: Split{Test: .2}},
	} {
		s.CSV, s.Target, s.Reading = "t.csv", "y", Newest
		if err := s.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		s.Reading = 0
		if err := s.Validate(); err == nil {
			t.Errorf("the first reading takes %+v", s)
		}
	}
	if err := (Source{NPY: &NPY{X: "x", Y: "y"}, Separator: ","}).Validate(); err == nil || err.Error() != "data: separator: belongs to csv and parquet whose columns are inputs" {
		t.Error(err)
	}
	_, err := Understand(t.Context(), Source{CSV: write(t, "t.csv", text), Target: "y", Columns: map[string]string{"zap": "number"}, Reading: Newest})
	if e := (*Error)(nil); !errors.As(err, &e) || e.Key != "columns.zap" || !strings.Contains(err.Error(), `did you mean "zip"?`) {
		t.Error(err)
	}
	p = profiled(t, Source{Target: "y", Decimal: ","}, lines(cellsOf(30, func(i int) string { return fmt.Sprintf("1%d,%03d", i%3, i*7) })...))
	if c := p.row("x"); c.Example != "10" || c.Distinct != 30 {
		t.Errorf("%+v", c)
	}
}

// What is absent reads as it always did.
func TestFirstReadingIsAsBefore(t *testing.T) {
	text := lines(cellsOf(100, func(i int) string {
		if i == 40 {
			return "NULL"
		}
		return fmt.Sprint(i)
	})...)
	d := load(t, Source{CSV: write(t, "t.csv", text), Target: "y"})
	if d.Columns[1].Kind != Categorical || d.Profile != nil {
		t.Errorf("%+v", d.Columns)
	}
}

// A clean table gives the same rows with each reading.
func TestReadingsAgreeOnCleanTables(t *testing.T) {
	for _, s := range []Source{
		{CSV: "../examples/digits/digits.csv.gz", Target: "digit", Image: Shape{8, 8, 1}}, {CSV: "../examples/digits/digits.csv.gz", Target: "digit"}, {CSV: "../examples/adult/adult.csv.gz", Target: "income"},
	} {
		s.Rows, s.Split = 2000, Split{Seed: 7}
		before := load(t, s)
		s.Reading = Newest
		now := load(t, s)
		if !slices.Equal(before.Train.X, now.Train.X) || !slices.Equal(before.Test.X, now.Test.X) || !slices.Equal(before.Valid.Class, now.Valid.Class) || !slices.Equal(before.Columns, now.Columns) {
			t.Errorf("%s differs", s.CSV)
		}
	}
}

type trade struct {
	When  int64   `parquet:"when,timestamp(microsecond)"`
	Day   int32   `parquet:"day,date"`
	City  string  `parquet:"city"`
	Flag  *bool   `parquet:"flag,optional"`
	Empty *string `parquet:"empty,optional"`
	Y     float64 `parquet:"y"`
}

// A table is the same in CSV and in Parquet, and a network that learned from one takes rows of the other.
func TestOneTableInTwoFormats(t *testing.T) {
	var rows []trade
	var b strings.Builder
	b.WriteString("when,day,city,flag,empty,y\n")
	for i := range 100 {
		r := trade{When: 1704067200e6 + int64(i)*5400e6, Day: int32(19000 + i), City: []string{"Köln", "Zürich", "São Paulo"}[i%3], Y: math.Sin(float64(i))}
		flag := ""
		if i%5 > 0 {
			is := i%2 == 0
			r.Flag, flag = &is, map[bool]string{true: "True", false: "False"}[is]
		}
		rows = append(rows, r)
		fmt.Fprintf(&b, "%s,%s,%s,%s,,%v\n", moment(inDays(r.When, 86400e6)), moment(float64(r.Day)), r.City, flag, r.Y)
	}
	csv := Source{CSV: write(t, "t.csv", b.String()), Target: "y", Reading: Newest}
	pq := Source{Parquet: write(t, "t.parquet", ""), Target: "y", Reading: Newest}
	if err := parquet.WriteFile(pq.Parquet, rows); err != nil {
		t.Fatal(err)
	}
	a, fromPQ, err := LoadWith(t.Context(), csv, pq.Parquet)
	if err != nil {
		t.Fatal(err)
	}
	c, fromCSV, err := LoadWith(t.Context(), pq, csv.CSV)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Columns, c.Columns) || a.Features != c.Features || !slices.Equal(a.Train.X, c.Train.X) || !slices.Equal(a.Test.Target, c.Test.Target) {
		t.Errorf("%+v\n%+v", a.Columns, c.Columns)
	}
	if !slices.Equal(fromPQ.X, fromCSV.X) || fromPQ.Len() != 100 {
		t.Error("other rows")
	}
	if len(a.Columns) != 9 { // when, weekday, hour, month; day, weekday, month; city; flag. January alone: no month
		var names []string
		for _, c := range a.Columns {
			names = append(names, c.Name)
		}
		if strings.Join(names, ",") != "when,when weekday,when hour,day,day weekday,day month,city,flag" {
			t.Errorf("%q", names)
		}
	}
}

// Rows to predict may be written in another dialect, with words and cells that were never seen.
func TestFreshRows(t *testing.T) {
	text := "a,note,id,y\n" + strings.Join(cellsOf(200, func(i int) string {
		return fmt.Sprintf("%g,\"text %d about %d things of the world\",id%d,%g", float64(i*31%200)/4, i, i%7, i*i, math.Sin(float64(i)))
	}), "\n") + "\n"
	s := Source{CSV: write(t, "t.csv", text), Target: "y", Reading: Newest}
	d, own, err := LoadWith(t.Context(), s, write(t, "n.csv", "note;a\n\"text 5 about 5 things of the world\";12,5\nnew words;n/a\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, plain, err := LoadWith(t.Context(), s, write(t, "n.csv", "a,note\n12.5,text 5 about 5 things of the world\n,new words\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(own.X, plain.X) || own.Len() != 2 || d.Features != 65 {
		t.Errorf("%v\n%v", own.X, plain.X)
	}
	if !has(d.Profile.FreshNotes, `"n/a" taken as missing (1 of 2 values)`) {
		t.Errorf("%q", d.Profile.FreshNotes)
	}
}

func TestTestFile(t *testing.T) {
	row := func(i int) string {
		return fmt.Sprintf("%d,%s,%s", i*31%97, []string{"p", "q"}[i%2], []string{"no", "yes"}[i%3%2])
	}
	s := Source{CSV: write(t, "t.csv", "a,b,y\n"+strings.Join(cellsOf(100, row), "\n")), TestFile: write(t, "u.csv", "b;a;y\np;5;yes\nnew;7;no\nq;1;null\n"), Target: "y", Reading: Newest}
	d := load(t, s)
	if d.Train.Len() != 80 || d.Valid.Len() != 20 || d.Test.Len() != 2 || !slices.Equal(d.ClassNames, []string{"no", "yes"}) || d.Profile.TestRows != 3 {
		t.Errorf("%d %d %d %q", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.ClassNames)
	}
	if c := []int{int(d.Test.Class[0]), int(d.Test.Class[1])}; c[0]+c[1] != 1 {
		t.Errorf("classes %v", c)
	}
}

func TestSplitByTime(t *testing.T) {
	text := "when,x,y\n" + strings.Join(cellsOf(100, func(i int) string {
		k := i * 37 % 100 // out of order
		return fmt.Sprintf("2024-01-01 %02d:%02d,%g,%d", k/60, k%60, math.Sin(float64(i)), 10000+k*k)
	}), "\n")
	s := Source{CSV: write(t, "t.csv", text), Target: "y", Reading: Newest, Split: Split{Time: "when"}}
	d := load(t, s)
	top := func(s *Set) (lo, hi float32) { return slices.Min(s.Target), slices.Max(s.Target) }
	_, a := top(d.Train)
	b, c := top(d.Valid)
	e, _ := top(d.Test)
	if !(a < b && c < e) || d.Train.Len() != 60 || d.Test.Len() != 20 {
		t.Errorf("%v < %v … %v < %v; %d rows", a, b, c, e, d.Train.Len())
	}
	var names []string
	for _, c := range d.Columns {
		names = append(names, c.Name)
	}
	if strings.Join(names, ",") != "when hour,x" {
		t.Errorf("%q", names)
	}
	s.Split = Split{NoTest: true}
	if d, err := Load(t.Context(), s); err != nil || d.Test != nil || d.Train.Len() != 80 || d.Valid.Len() != 20 {
		t.Errorf("%v", err)
	}
}

// Whatever the bytes are, a table is understood whose columns have all its rows, or an error of one line comes out.
func FuzzUnderstand(f *testing.F) {
	for _, s := range []string{
		"a,y\n1,u\n2,v\n", "a;b;y\n1,5;x;2\n;;\n", "\ufeff\"a\",y\n\"1\n2\",3\n", "a\ty\n2024-01-01\t\"264,000\"\n", "sep=;\na;y\n1;2\n", utf16Of("a,y\n1,2\n", binary.LittleEndian, true), packed("a,y\n1,2\n"),
		",y\n0,1\n1,2\n", "a,y\n12/31/1999 11:59 pm,$5\nNULL,€6\n", "a,y\n\xe9,-999\n", "a|y\ntrue|1e39\nfalse|inf\n", "a,y\nr,1,2\n", "\r\r\r", "a,y\n20240131,(5)\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Source{CSV: write(t, "t.csv", string(b)), Target: "y", Reading: Newest, Missing: []Spelling{"-999"}}
		table, goal, _, err := understand(t.Context(), s)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") || !utf8.ValidString(err.Error()) {
				t.Fatalf("error %q", err)
			}
			return
		}
		rows := count(table.rows)
		for _, c := range append(slices.Clone(table.columns), goal) {
			if n := len(c.num) + len(c.code); n != table.rows {
				t.Fatalf("column %+v has not %d rows", c, table.rows)
			}
			if _, absent := c.count(rows); absent != c.missing {
				t.Fatalf("%d missing values, counted %d", c.missing, absent)
			}
		}
		for _, n := range append(table.profile.Notes, table.profile.Warnings...) {
			if strings.ContainsAny(n, "\r\n") || !utf8.ValidString(n) {
				t.Fatalf("note %q", n)
			}
		}
		if len(table.columns) > 0 {
			enc, err := fit(table.columns, rows[:(len(rows)+1)/2], nil, Standard, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range enc.set(rows).X {
				if !(math.Abs(float64(x)) <= MaxScore) {
					t.Fatalf("encoded value %v", x)
				}
			}
			fresh, _, _, err := table.profile.understood.again(t.Context(), &s, s.CSV, false)
			if err != nil {
				t.Fatalf("it is not read again: %v", err)
			}
			for i, c := range fresh.columns {
				if d := table.columns[i]; c.name != d.name || !slices.EqualFunc(c.num, d.num, same) || !slices.Equal(c.code, d.code) {
					t.Fatalf("column %s is read in another way the second time: %v, %v", c.name, d, c)
				}
			}
		}
		_, _ = Understand(t.Context(), s)
	})
}
