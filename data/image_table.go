package data

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// listTable finds the files that a column of a table names, relative to the table.
func (s Source) listTable(ctx context.Context) (*imageList, error) {
	t, err := scanCSV(s.CSV, s.Ignore, map[string]bool{s.Files: true}, opens(ctx, s.CSV))
	if err != nil {
		return nil, err
	}
	l := &imageList{}
	paths, bad := t.take("files", s.Files)
	if bad == nil {
		l.target, bad = t.take("target", s.Target)
	}
	if bad == nil && s.Split.Group != "" {
		l.group, bad = t.take("split.group", s.Split.Group)
	}
	if bad == nil && len(t.columns) > 0 {
		names := make([]string, len(t.columns))
		for i, c := range t.columns {
			names[i] = quote(c.name)
		}
		bad = fault("files", "the table has more columns than files and target: %s. A network reads images or columns, not both: take them out with data.ignore: [%s]", shortList(names), strings.ReplaceAll(shortList(names), `"`, ""))
	}
	if bad != nil {
		bad.Path = s.CSV
		return nil, bad
	}
	dir := filepath.Dir(s.CSV)
	all, groups := l.target, l.group.groups()
	l.target = &column{name: all.name, text: all.text}
	for i := range t.rows {
		switch { // what has no target is not looked at
		case all.text && all.code[i] < 0 || !all.text && math.IsNaN(all.num[i]):
			l.dropped++
			continue
		case all.text:
			l.target.addText(all.levels[all.code[i]], 0)
		default:
			l.target.addNumber(all.num[i])
		}
		if groups != nil {
			l.groups = append(l.groups, groups[i])
		}
		f := imageFile{name: fmt.Sprintf("row %d", i+1), bad: "it names no file"}
		if k := paths.code[i]; k >= 0 {
			f.name, f.bad = paths.levels[k], ""
			f.path = filepath.FromSlash(f.name)
			if !filepath.IsAbs(f.path) {
				f.path = filepath.Join(dir, f.path)
			}
			f = stated(f)
		}
		l.files = append(l.files, f)
	}
	l.parts[partTrain] = len(l.files)
	if len(l.files) == 0 {
		return nil, &Error{Key: "target", Path: s.CSV, Column: s.Target, Err: errors.New("every value is missing")}
	}
	return l, nil
}

// CheckInside is an error if a table of image files names one that is not below the
// directory of the table: a study file of somebody else's may name any.
func (s Source) CheckInside(ctx context.Context) error {
	if s.Files == "" || s.check() != nil {
		return nil
	}
	if st, err := os.Stat(s.CSV); err != nil || !st.Mode().IsRegular() {
		return nil // whoever reads it says why it cannot be
	}
	l, err := s.listTable(ctx)
	if err != nil {
		return err
	}
	for _, f := range l.files {
		if f.path != "" && !filepath.IsLocal(filepath.FromSlash(f.name)) {
			return &Error{Key: "files", Path: s.CSV, Err: fmt.Errorf("%s is outside the table's directory: move the images there, or allow it with --allow-outside", quote(f.name))}
		}
	}
	return nil
}
