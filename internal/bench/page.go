package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// marked is the part of a page that shows a table.
var marked = regexp.MustCompile(`(?s)<!-- table ([\w-]+) -->\n(.*?)<!-- end -->`)

// Shown are the names of the tables that a page shows.
func Shown(page []byte) (names []string) {
	for _, m := range marked.FindAllSubmatch(page, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// Fill puts the tables of a folder of CSV files into a page, each between the
// marks "<!-- table NAME -->" and "<!-- end -->".
func Fill(page []byte, results string) ([]byte, error) {
	var failed error
	page = marked.ReplaceAllFunc(page, func(part []byte) []byte {
		name := string(marked.FindSubmatch(part)[1])
		t, err := ReadTable(filepath.Join(results, name+".csv"))
		if err != nil && failed == nil {
			failed = err
		}
		return fmt.Appendf(nil, "<!-- table %s -->\n%s<!-- end -->", name, t.Markdown())
	})
	return page, failed
}

// Write keeps tables as CSV files in the folder "results" of a folder of pages,
// and fills the pages.
func Write(dir string, tables ...Table) error {
	results := filepath.Join(dir, "results")
	for _, t := range tables {
		file := filepath.Join(results, t.Name+".csv")
		if t.By != "" {
			old, err := ReadTable(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			t = t.joined(old)
		}
		if err := os.WriteFile(file, t.CSV(), 0o644); err != nil {
			return err
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, file := range pages {
		old, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		page, err := Fill(old, results)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if bytes.Equal(old, page) {
			continue
		}
		if err := os.WriteFile(file, page, 0o644); err != nil {
			return err
		}
	}
	return nil
}
