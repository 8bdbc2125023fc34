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
// Paths are taken as they are.
type Source struct {
	CSV    string       `json:"csv,omitempty" yaml:"csv,omitempty"`       // a CSV file, plain or gzip
	IDX    *IDX         `json:"idx,omitempty" yaml:"idx,omitempty"`       // or IDX files; exactly one of the two
	Target string       `json:"target,omitempty" yaml:"target,omitempty"` // CSV: the column to predict
	Ignore []string     `json:"ignore,omitempty" yaml:"ignore,omitempty"` // CSV: columns to leave out
	Task   Task         `json:"task,omitempty" yaml:"task,omitempty"`     // empty: see Task
	Split  Split        `json:"split,omitzero" yaml:"split,omitempty"`
	Image  engine.Shape `json:"image,omitempty" yaml:"image,omitempty"` // height, width, channels, if the columns are pixels
	Rows   int          `json:"rows,omitempty" yaml:"rows,omitempty"`   // use only so many rows, drawn at random; 0 means all
}

// IDX names the files of an image data set in the format of MNIST, plain or
// gzip. Without test files the test part comes from the images.
type IDX struct {
	Images     string `json:"images" yaml:"images"`
	Labels     string `json:"labels" yaml:"labels"`
	TestImages string `json:"test_images,omitempty" yaml:"test_images,omitempty"`
	TestLabels string `json:"test_labels,omitempty" yaml:"test_labels,omitempty"`
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
	case s.CSV == "" && s.IDX == nil:
		return fault("", "no file is named; give csv or idx")
	case s.CSV != "" && s.IDX != nil:
		return fault("idx", "give either csv or idx, not both")
	case s.Task != "" && s.Task != Classification && s.Task != Regression:
		return fault("task", "%s is neither classification nor regression", quote(string(s.Task)))
	case s.Rows < 0:
		return fault("rows", "%d is negative; 0 means all rows", s.Rows)
	case len(s.Image) != 0 && (len(s.Image) != 3 || s.Image.Size() == 0):
		return fault("image", "%v is no image; give height, width and channels, such as [8, 8, 1]", []int(s.Image))
	}
	if s.IDX != nil {
		return s.checkIDX()
	}
	switch {
	case s.Target == "":
		return fault("target", "name the column to predict")
	case slices.Contains(s.Ignore, s.Target):
		return fault("ignore", "%s is the target; it cannot be ignored", quote(s.Target))
	}
	return s.Split.check()
}

func (s Source) checkIDX() *Error {
	x := s.IDX
	switch {
	case x.Images == "":
		return fault("idx.images", "name the file of images")
	case x.Labels == "":
		return fault("idx.labels", "name the file of labels")
	case x.TestImages != "" && x.TestLabels == "":
		return fault("idx.test_labels", "name the file of labels of %s", x.TestImages)
	case x.TestImages == "" && x.TestLabels != "":
		return fault("idx.test_images", "name the file of images of %s", x.TestLabels)
	case s.Target != "":
		return fault("target", "belongs to csv; idx has its labels in a file")
	case len(s.Ignore) > 0:
		return fault("ignore", "belongs to csv; idx has no columns")
	case s.Task == Regression:
		return fault("task", "the labels of idx are classes")
	case x.TestImages != "" && s.Split.Test != 0:
		return fault("split.test", "leave it out; the test part is %s", x.TestImages)
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
		st, err := os.Stat(f.path)
		if err != nil {
			return "", ioFault(f.key, f.path, 0, err)
		}
		fmt.Fprintf(&b, " %d@%d", st.Size(), st.ModTime().UnixNano())
	}
	return b.String(), nil
}

type file struct{ key, path string }

func (s Source) files() []file {
	var out []file
	add := func(key, path string) {
		if path != "" {
			out = append(out, file{key, path})
		}
	}
	add("csv", s.CSV)
	if x := s.IDX; x != nil {
		add("idx.images", x.Images)
		add("idx.labels", x.Labels)
		add("idx.test_images", x.TestImages)
		add("idx.test_labels", x.TestLabels)
	}
	return out
}
