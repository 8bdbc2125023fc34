package data

import (
	"maps"
	"slices"
	"strings"
)

// Newest is the newest way of understanding tables. A [Source] whose Reading is 0 is
// read as the first one did, by which studies were stored that do not name one: comma
// and point, five spellings of missing, and a kind of column that its worst cell decides.
const Newest = 1

// The kinds that [Source.Columns] may give a column.
const (
	KindNumber   = "number"   // cells that are no numbers are missing
	KindCategory = "category" // only an empty cell is missing: NA and null are values
	KindDate     = "date"     // the day as a number, and weekday, hour and month where they vary
	KindText     = "text"     // its words
	KindID       = "id"       // no input
	KindIgnore   = "ignore"   // no input, as in Source.Ignore
)

// ColumnKinds are the kinds that a source may give a column.
var ColumnKinds = []string{KindNumber, KindCategory, KindDate, KindText, KindID, KindIgnore}

// checkReading checks the settings of how a table is understood.
func (s Source) checkReading() *Error {
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		kind, key := s.Columns[name], "columns."+name
		switch {
		case !slices.Contains(ColumnKinds, kind):
			more := ""
			if near := nearest(kind, ColumnKinds); near != "" {
				more = "; did you mean " + near + "?"
			}
			return fault(key, "%s is none of %s%s", quote(kind), strings.Join(ColumnKinds, ", "), more)
		case name == s.Target && kind != KindNumber && kind != KindCategory && kind != KindDate:
			return fault(key, "the target cannot be %s; it is a number or a category", kind)
		case name == s.Split.Group && kind != KindCategory:
			return fault(key, "rows are grouped by this column, which is never an input; leave it out here")
		}
	}
	switch {
	case s.CSV == "" && s.Separator+s.Decimal+s.Thousands != "":
		key := "separator"
		if s.Separator == "" {
			if key = "decimal"; s.Decimal == "" {
				key = "thousands"
			}
		}
		return fault(key, "belongs to csv; other tables have types")
	case s.Separator != "" && separator(s.Separator) == 0:
		return fault("separator", "%s is none of , ; | and tab", quote(s.Separator))
	case s.Decimal != "" && s.Decimal != "." && s.Decimal != ",":
		return fault("decimal", "%s is neither . nor ,", quote(s.Decimal))
	case s.Thousands != "" && !slices.Contains([]string{",", ".", "'", "’", " ", "_"}, s.Thousands):
		return fault("thousands", "%s does not separate thousands; give one of , . ' _ or a space", quote(s.Thousands))
	case s.Thousands != "" && s.Thousands == s.Decimal:
		return fault("thousands", "%s is the decimal sign", quote(s.Thousands))
	case s.Split.Time == s.Target && s.Target != "":
		return fault("split.time", "%s is the target; divide by another column", quote(s.Target))
	case slices.Contains(s.Ignore, s.Split.Time):
		return fault("ignore", "%s is the column to divide by, which is never an input; leave it out here", quote(s.Split.Time))
	case s.TestFile != "" && s.Split.Test != 0:
		return fault("split.test", "leave it out; the test part is %s", s.TestFile)
	case s.TestFile != "" && s.Split.NoTest:
		return fault("split.test", "leave it out; the test part is %s", s.TestFile)
	case s.Reading < 0 || s.Reading > Newest:
		return fault("reading", "this program does not know reading %d of tables, only those up to %d", s.Reading, Newest)
	case s.Reading == 0 && s.reads() != "":
		return fault(s.reads(), "belongs to readings of tables from 1 on")
	}
	return nil
}

// reads is the first setting that the first reading does not know; "" for none.
func (s Source) reads() string {
	for _, k := range []struct {
		key   string
		given bool
	}{
		{"columns", s.Columns != nil}, {"separator", s.Separator != ""}, {"decimal", s.Decimal != ""}, {"thousands", s.Thousands != ""},
		{"missing", s.Missing != nil}, {"test", s.TestFile != ""}, {"split.time", s.Split.Time != ""},
	} {
		if k.given {
			return k.key
		}
	}
	return ""
}

// tablesOnly is an error if a source that is no table says how tables are understood.
func (s Source) tablesOnly() *Error {
	if key := s.reads(); key != "" {
		return fault(key, "belongs to csv and parquet whose columns are inputs")
	}
	return nil
}

// Table reports whether the source is a table whose columns are inputs.
func (s Source) Table() bool { return !s.OfImages() && (s.CSV != "" || s.Parquet != "") }
