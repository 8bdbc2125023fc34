package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"budwood/search"
)

// output is the format flag of every reading command.
type output struct {
	Output string `short:"o" enum:"table,json,csv" default:"table" help:"Format: table, json or csv." placeholder:"FORMAT"`
}

// write prints a table, or the value behind it as JSON.
func (o output) write(w io.Writer, t table, value any) error {
	switch o.Output {
	case "json":
		e := json.NewEncoder(exact(w))
		e.SetIndent("", "  ")
		return e.Encode(value)
	case "csv":
		c := csv.NewWriter(exact(w))
		if err := c.Write(t.head); err != nil {
			return err
		}
		return c.WriteAll(t.rows)
	}
	return t.print(w)
}

// table is what a reading command prints: a head and rows of as many cells.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print aligns the columns; the last one is as long as it is.
func (t table) print(w io.Writer) error {
	wide := make([]int, len(t.head))
	all := append([][]string{slices.Clone(t.head)}, t.rows...)
	for _, row := range all {
		for i, c := range row {
			row[i] = search.OneLine(c)
			wide[i] = max(wide[i], utf8.RuneCountInString(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(c)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", wide[i]-utf8.RuneCountInString(c)+2))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wattHours is an energy with three digits, a large one with all before the point.
func wattHours(joules float64) string {
	if wh := joules / 3600; wh < 999.5 {
		return fmt.Sprintf("%.3g", wh)
	}
	return fmt.Sprintf("%.0f", joules/3600)
}
