package main

import (
	"os"
	"slices"
	"strconv"

	"budwood/search"
)

type predictCmd struct {
	Study string `arg:"" help:"Name of an ended study that learned from a table or from images."`
	File  string `arg:"" help:"A table, CSV or Parquet, with the columns that the study learned from; or an image, or a folder with images."`
	Trial string `help:"Another trial than the best, such as one of the front." placeholder:"t0012"`
	output
}

// Run prints what the network of the best trial, or of the one that is named, says of each row of a table,
// or of each image.
func (c *predictCmd) Run(a *app) error {
	if _, err := os.Stat(c.File); err != nil {
		return usageError{err}
	}
	w, err := a.trainedTrial(c.Study, c.Trial)
	if err != nil {
		return err
	}
	rows, classes, said, err := w.spec.Predict(a.ctx, w.data, w.blobs, w.key, w.trial.ID, w.trial.Params, c.File)
	if err != nil {
		return err
	}
	for _, line := range said {
		a.say("images: %s", line)
	}
	t := table{head: []string{"ROW", "VALUE"}}
	if classes != nil {
		t.head = append([]string{"ROW", "CLASS", "PROBABILITY"}, each("P(", classes, ")")...)
		if c.Output == "table" {
			t.head = t.head[:3]
		}
	}
	cell := search.FormatNumber
	if c.Output == "csv" { // for programs: every digit
		cell = func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 32) }
	}
	if w.spec.Data.OfImages() {
		t.head[slices.Index(t.head, "ROW")] = "FILE"
	}
	left := 0
	for i, r := range rows {
		row := []string{strconv.Itoa(i + 1)}
		if r.Error != "" {
			left++
			a.say("%s is left out: %s", r.File, r.Error)
			continue
		}
		if r.File != "" {
			row[0] = r.File
		}
		if r.Value != nil {
			t.add(append(row, cell(*r.Value))...)
			continue
		}
		row = append(row, r.Class, cell(slices.Max(r.Probabilities)))
		for _, p := range r.Probabilities {
			row = append(row, cell(p))
		}
		t.add(row[:len(t.head)]...)
	}
	if left > 0 {
		a.say("%s of %d left out", plural(left, "image"), len(rows))
	}
	return c.write(a.stdout, t, struct {
		Classes []string `json:"classes,omitempty"`
		Rows    any      `json:"rows"`
	}{classes, rows})
}

// each puts something before and behind some words.
func each(before string, words []string, behind string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = before + w + behind
	}
	return out
}
