package data

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"budwood/engine"
)

// Source says where data is and how to use it. It is a plain value that JSON and
// study files carry:
//
//	data: {csv: digits.csv.gz, target: digit, split: {valid: 0.2, test: 0.2, seed: 7}}
//
// Exactly one of CSV, IDX and NPY is given. Paths are taken as they are; every
// file may be packed with gzip.
type Source struct {
	CSV    string       `json:"csv,omitempty" yaml:"csv,omitempty"`
	IDX    *IDX         `json:"idx,omitempty" yaml:"idx,omitempty"`
	NPY    *NPY         `json:"npy,omitempty" yaml:"npy,omitempty"`
	Target string       `json:"target,omitempty" yaml:"target,omitempty"` // CSV: the column to predict
	Ignore []string     `json:"ignore,omitempty" yaml:"ignore,omitempty"` // CSV: columns to leave out
	Task   Task         `json:"task,omitempty" yaml:"task,omitempty"`     // empty: see Task
	Split  Split        `json:"split,omitzero" yaml:"split,omitempty"`
	Image  engine.Shape `json:"image,omitempty" yaml:"image,omitempty"` // height, width, channels, if the columns are pixels
	Rows   int          `json:"rows,omitempty" yaml:"rows,omitempty"`   // use only so many rows, drawn at random; 0 means all
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

// Validate checks the settings without opening a file. The error is an [*Error]
// whose Key names the setting.
func (s Source) Validate() error {
	if err := s.check(); err != nil {
		return err
	}
	return nil
}

func (s Source) check() *Error {
	switch {
	case s.CSV == "" && s.IDX == nil && s.NPY == nil:
		return fault("", "no file is named; give csv, idx or npy")
	case s.CSV != "" && (s.IDX != nil || s.NPY != nil) || s.IDX != nil && s.NPY != nil:
		return fault("", "give only one of csv, idx and npy")
	case s.Task != "" && s.Task != Classification && s.Task != Regression:
		return fault("task", "%s is neither classification nor regression", quote(string(s.Task)))
	case s.Rows < 0:
		return fault("rows", "%d is negative; 0 means all rows", s.Rows)
	case len(s.Image) != 0 && (len(s.Image) != 3 || s.Image.Size() == 0):
		return fault("image", "%v is no image; give height, width and channels, such as [8, 8, 1]", []int(s.Image))
	case s.CSV == "":
		return s.checkPairs()
	case s.Target == "":
		return fault("target", "name the column to predict")
	case slices.Contains(s.Ignore, s.Target):
		return fault("ignore", "%s is the target; it cannot be ignored", quote(s.Target))
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
		return fault("target", "belongs to csv; here the targets are in %s", f[1].path)
	case len(s.Ignore) > 0:
		return fault("ignore", "belongs to csv; here the columns have no names")
	case s.IDX != nil && s.Task == Regression:
		return fault("task", "the labels of idx are classes")
	case f[2].path != "" && s.Split.Test != 0:
		return fault("split.test", "leave it out; the test part is %s", f[2].path)
	}
	return s.Split.check()
}

// Key identifies the source and the present state of its files (size and time of
// change): two equal keys in one process give the same data.
func (s Source) Key() (string, error) {
	j, err := json.Marshal(s)
	if err != nil {
		return "", fault("", "%w", err)
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

// files are the CSV file, or inputs, targets, test inputs and test targets; the
// last two may have no path.
func (s Source) files() []file {
	switch {
	case s.IDX != nil:
		x := s.IDX
		return []file{{"idx.images", x.Images}, {"idx.labels", x.Labels}, {"idx.test_images", x.TestImages}, {"idx.test_labels", x.TestLabels}}
	case s.NPY != nil:
		x := s.NPY
		return []file{{"npy.x", x.X}, {"npy.y", x.Y}, {"npy.test_x", x.TestX}, {"npy.test_y", x.TestY}}
	}
	return []file{{"csv", s.CSV}}
}
