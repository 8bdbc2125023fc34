package data

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Source says where data is and how to use it. It is a plain value that JSON and
// study files carry:
//
//	data: {csv: digits.csv.gz, target: digit, split: {valid: 0.2, test: 0.2, seed: 7}}
//
// Exactly one of CSV, Parquet, Folder, IDX, NPY and Text is given; CSV and Parquet files
// are tables. Paths are taken as they are; every file but Parquet and images may be
// packed with gzip.
type Source struct {
	CSV          string        `json:"csv,omitempty" yaml:"csv,omitempty"`
	Parquet      string        `json:"parquet,omitempty" yaml:"parquet,omitempty"`
	Folder       string        `json:"folder,omitempty" yaml:"folder,omitempty"` // a directory with a directory of images for each class, or with train, valid and test that have those
	Files        string        `json:"files,omitempty" yaml:"files,omitempty"`   // csv: the column that names image files, relative to the table; they are the inputs
	Resize       *Resize       `json:"resize,omitempty" yaml:"resize,omitempty"` // of images; nil: as they are, or for files that differ a size is chosen
	IDX          *IDX          `json:"idx,omitempty" yaml:"idx,omitempty"`
	NPY          *NPY          `json:"npy,omitempty" yaml:"npy,omitempty"`
	Text         *Text         `json:"text,omitempty" yaml:"text,omitempty"`
	Target       string        `json:"target,omitempty" yaml:"target,omitempty"`               // tables: the column to predict
	Ignore       []string      `json:"ignore,omitempty" yaml:"ignore,omitempty"`               // tables: columns to leave out
	TargetEncode *TargetEncode `json:"target_encode,omitempty" yaml:"target_encode,omitempty"` // tables: categories as means of the target
	Numeric      Encoding      `json:"numeric,omitempty" yaml:"numeric,omitempty"`             // tables and NPY: of numeric columns: standard (empty), robust, quantile or piecewise
	Task         Task          `json:"task,omitempty" yaml:"task,omitempty"`                   // empty: see Task
	Split        Split         `json:"split,omitzero" yaml:"split,omitempty"`
	Image        Shape         `json:"image,omitempty" yaml:"image,omitempty"` // height, width, channels, if the columns are pixels
	Rows         int           `json:"rows,omitempty" yaml:"rows,omitempty"`   // use only so many rows, drawn at random; 0 means all

	Columns   map[string]string `json:"columns,omitempty" yaml:"columns,omitempty"`     // tables: what a column is, where the guess is wrong: see [ColumnKinds]
	Separator string            `json:"separator,omitempty" yaml:"separator,omitempty"` // CSV: what is between cells: , ; | or tab; empty: found
	Decimal   string            `json:"decimal,omitempty" yaml:"decimal,omitempty"`     // CSV: the decimal sign, . or , ; empty: found
	Thousands string            `json:"thousands,omitempty" yaml:"thousands,omitempty"` // CSV: what separates thousands: , . ' _ or a space; empty: found
	Missing   []Spelling        `json:"missing,omitempty" yaml:"missing,omitempty"`     // tables: what else stands for a missing value, such as -999
	TestFile  string            `json:"test,omitempty" yaml:"test,omitempty"`           // tables: the test part is in this file
	Reading   int               `json:"reading,omitempty" yaml:"-"`                     // tables: how cells are understood: see [Newest]

	Digests map[string]Digest `json:"digests,omitempty" yaml:"-"` // of the files, by the setting that names them; nil: whatever is at the paths
}

// IDX names files in the format of MNIST: images, and a label for each. Without
// test files the test part comes from the images.
type IDX struct {
	Images     string `json:"images" yaml:"images"`
	Labels     string `json:"labels" yaml:"labels"`
	TestImages string `json:"test_images,omitempty" yaml:"test_images,omitempty"`
	TestLabels string `json:"test_labels,omitempty" yaml:"test_labels,omitempty"`
}

// NPY names arrays saved by NumPy: X is rows × features, or rows × height × width
// (× channels), which makes it images; Y is one number a row. NaN is missing.
// Without test files the test part comes from X and Y.
type NPY struct {
	X     string `json:"x" yaml:"x"`
	Y     string `json:"y" yaml:"y"`
	TestX string `json:"test_x,omitempty" yaml:"test_x,omitempty"`
	TestY string `json:"test_y,omitempty" yaml:"test_y,omitempty"`
}

// Text names a text whose next character is to be predicted. The split is by
// place: first training, then validation, then test; with [Split.CV] the folds are
// pieces of it that follow each other, and the test comes last.
type Text struct {
	File  string `json:"file" yaml:"file"`
	Steps int    `json:"steps,omitempty" yaml:"steps,omitempty"` // characters of a row; 0 means 64
}

// Validate checks the settings without opening a file. The error is an [*Error]
// whose Key names the setting.
func (s Source) Validate() error {
	if err := s.check(); err != nil {
		return err
	}
	return nil
}

func (s Source) check() *Error {
	given := 0
	for _, is := range []bool{s.CSV != "", s.Parquet != "", s.Folder != "", s.IDX != nil, s.NPY != nil, s.Text != nil} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return fault("", "no file is named; give csv, parquet, folder, idx, npy or text")
	case given > 1:
		return fault("", "give only one of csv, parquet, folder, idx, npy and text")
	case s.Task != "" && s.Task != Classification && s.Task != Regression:
		return fault("task", "%s is neither classification nor regression", quote(string(s.Task)))
	case s.Rows < 0:
		return fault("rows", "%d is negative; 0 means all rows", s.Rows)
	case len(s.Image) != 0 && (len(s.Image) != 3 || s.Image.Size() == 0):
		return fault("image", "%v is not an image; give height, width and channels, such as [8, 8, 1]", []int(s.Image))
	}
	switch {
	case s.OfImages() && s.reads() != "":
		return s.tablesOnly()
	case s.OfImages():
		return s.checkImages()
	case s.Resize != nil && len(s.Image) == 0 && s.IDX == nil && s.NPY == nil:
		return fault("resize", "belongs to images: folder, csv with files, or columns that are pixels, with image: [height, width, channels]")
	case s.Resize.check() != nil:
		return s.Resize.check()
	}
	if s.CSV != "" || s.Parquet != "" {
		return s.checkTable()
	}
	if err := s.tablesOnly(); err != nil {
		return err
	}
	switch {
	case s.TargetEncode != nil:
		return fault("target_encode", "belongs to csv and parquet; here no column has categories")
	case s.Split.Group != "":
		return fault("split.group", "belongs to csv and parquet; here the columns have no names")
	case s.Text != nil:
		return s.checkText()
	}
	return s.checkPairs()
}

// checkTable checks sources whose columns have names.
func (s Source) checkTable() *Error {
	switch {
	case s.Target == "":
		return fault("target", "name the column to predict")
	case slices.Contains(s.Ignore, s.Target):
		return fault("ignore", "%s is the target; it cannot be ignored", quote(s.Target))
	case s.Split.Group == s.Target:
		return fault("split.group", "%s is the target; group by another column", quote(s.Target))
	case slices.Contains(s.Ignore, s.Split.Group):
		return fault("ignore", "%s is the column to group by, which is never an input; leave it out here", quote(s.Split.Group))
	case s.Numeric.check(len(s.Image) > 0) != nil:
		return s.Numeric.check(len(s.Image) > 0)
	case s.TargetEncode != nil && len(s.Image) > 0:
		return fault("target_encode", "the columns of an image have no categories")
	case s.TargetEncode != nil:
		if err := s.TargetEncode.check(); err != nil {
			return err
		}
	}
	if err := s.checkReading(); err != nil {
		return err
	}
	return s.Split.check()
}

// checkText checks sources of text.
func (s Source) checkText() *Error {
	switch {
	case s.Text.File == "":
		return fault("text.file", "name the file")
	case s.Text.Steps < 0:
		return fault("text.steps", "%d is negative; 0 means %d", s.Text.Steps, defaultSteps)
	case s.Target != "":
		return fault("target", "belongs to csv and parquet; of a text each next character is the target")
	case len(s.Ignore) > 0:
		return fault("ignore", "belongs to csv and parquet; a text has no columns")
	case s.Task == Regression:
		return fault("task", "the characters of a text are classes")
	case len(s.Image) > 0:
		return fault("image", "a text is not an image")
	case s.Split.Folds != 0:
		return fault("split.folds", "a text is split by place; give valid and test, or cv")
	case s.Numeric != "":
		return fault("numeric", "a text has no numeric columns")
	}
	return s.Split.check()
}

// checkPairs checks sources that have a file of inputs and one of targets.
func (s Source) checkPairs() *Error {
	f := s.files()
	switch {
	case f[0].path == "":
		return fault(f[0].key, "name the file")
	case f[1].path == "":
		return fault(f[1].key, "name the file that goes with %s", f[0].path)
	case f[2].path != "" && f[3].path == "":
		return fault(f[3].key, "name the file that goes with %s", f[2].path)
	case f[2].path == "" && f[3].path != "":
		return fault(f[2].key, "name the file that goes with %s", f[3].path)
	case s.Target != "":
		return fault("target", "belongs to csv and parquet; here the targets are in %s", f[1].path)
	case len(s.Ignore) > 0:
		return fault("ignore", "belongs to csv and parquet; here the columns have no names")
	case s.IDX != nil && s.Numeric != "":
		return fault("numeric", "belongs to tables; pixels keep their proportions")
	case s.Numeric.check(false) != nil:
		return s.Numeric.check(false)
	case s.IDX != nil && s.Task == Regression:
		return fault("task", "the labels of idx are classes")
	case f[2].path != "" && s.Split.Test != 0:
		return fault("split.test", "leave it out; the test part is %s", f[2].path)
	}
	return s.Split.check()
}

// Key identifies the source and what is in its files, by their digests, or else
// by their present state (size and time of change): two equal keys in one process
// give the same data.
func (s Source) Key() (string, error) {
	if s.Digests != nil { // wherever the files are
		s, _ = s.MapPaths(func(key, _ string) (string, error) { return key, nil })
	}
	j, err := json.Marshal(s)
	if err != nil {
		return "", fault("", "%w", err)
	}
	if s.Digests != nil {
		return string(j), nil
	}
	if s.OfImages() && !isPack(s.files()[0].path) {
		state, err := s.imagesState(context.Background())
		return string(j) + " " + state, err
	}
	var b strings.Builder
	b.Write(j)
	for _, f := range s.files() {
		if f.path == "" {
			continue
		}
		st, err := os.Stat(f.path)
		if err != nil {
			return "", ioFault(f.key, f.path, 0, err)
		}
		fmt.Fprintf(&b, " %d@%d", st.Size(), st.ModTime().UnixNano())
	}
	return b.String(), nil
}

// file is a file, and the setting that names it.
type file struct{ key, path string }

// fault is an error of the file.
func (f file) fault(format string, args ...any) *Error {
	return &Error{Key: f.key, Path: f.path, Err: fmt.Errorf(format, args...)}
}

// files are the one file, or inputs, targets, test inputs and test targets; the
// last two may have no path.
func (s Source) files() []file {
	var out []file
	for _, p := range s.paths() {
		out = append(out, file{p.key, *p.path})
	}
	return out
}

// setting is a path, and the setting that it is.
type setting struct {
	key  string
	path *string
}

func (s *Source) paths() []setting {
	switch {
	case s.IDX != nil:
		x := s.IDX
		return []setting{{"idx.images", &x.Images}, {"idx.labels", &x.Labels}, {"idx.test_images", &x.TestImages}, {"idx.test_labels", &x.TestLabels}}
	case s.NPY != nil:
		x := s.NPY
		return []setting{{"npy.x", &x.X}, {"npy.y", &x.Y}, {"npy.test_x", &x.TestX}, {"npy.test_y", &x.TestY}}
	case s.Text != nil:
		return []setting{{"text.file", &s.Text.File}}
	case s.Parquet != "":
		return []setting{{"parquet", &s.Parquet}, {"test", &s.TestFile}}
	case s.Folder != "":
		return []setting{{"folder", &s.Folder}}
	}
	return []setting{{"csv", &s.CSV}, {"test", &s.TestFile}}
}
