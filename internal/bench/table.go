package bench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Table is a result: the names of its columns, and the cells as text.
type Table struct {
	Name string // of the file, without .csv
	Head []string
	Rows [][]string
	// By is a column: rows of the file that have other values there are kept when
	// the table is written, as those of another seed. Empty: all are replaced.
	By string
}

// ReadTable reads a CSV file whose first line has the names of the columns.
func ReadTable(file string) (Table, error) {
	f, err := os.Open(file)
	if err != nil {
		return Table{}, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(lines) < 2 {
		return Table{}, fmt.Errorf("%s: a table needs the names of its columns and at least one row", file)
	}
	return Table{Head: lines[0], Rows: lines[1:]}, nil
}

// Add adds a row: numbers and text as fmt.Sprint writes them.
func (t *Table) Add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.Rows = append(t.Rows, row)
}

// CSV is the table as ReadTable reads it.
func (t Table) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(t.Head) // a buffer takes everything
	_ = w.WriteAll(t.Rows)
	return b.Bytes()
}

// Markdown is the table as a page shows it: whole numbers from 10,000 on have
// commas, and columns of nothing but numbers are on the right.
func (t Table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ") // a bar ends a cell
		}
		b.WriteString("|\n")
	}
	line(t.Head)
	for i := range t.Head {
		if t.numeric(i) {
			b.WriteString("|--:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = grouped(c)
		}
		line(cells)
	}
	return b.String()
}

// joined is the table with the rows of an older one that it does not replace.
func (t Table) joined(old Table) Table {
	by := slices.Index(t.Head, t.By)
	if by < 0 || !slices.Equal(t.Head, old.Head) {
		return t
	}
	rows := slices.DeleteFunc(old.Rows, func(row []string) bool {
		return slices.ContainsFunc(t.Rows, func(new []string) bool { return new[by] == row[by] })
	})
	t.Rows = append(rows, t.Rows...)
	return t
}

// missing is what a cell says for which there is no figure.
const missing = "–"

func (t Table) numeric(column int) bool {
	any := false
	for _, row := range t.Rows {
		if row[column] == missing {
			continue
		}
		if _, err := strconv.ParseFloat(row[column], 64); err != nil {
			return false
		}
		any = true
	}
	return any
}

// grouped puts commas into a whole number of five digits and more.
func grouped(cell string) string {
	if n, err := strconv.ParseUint(cell, 10, 64); err != nil || n < 10_000 {
		return cell
	}
	for i := len(cell) - 3; i > 0; i -= 3 {
		cell = cell[:i] + "," + cell[i:]
	}
	return cell
}
