package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"

	"budwood/data"
	"budwood/search"
)

// FileError is a mistake in a study file: one line that says where and what,
// and an excerpt of the source.
type FileError struct {
	File         string
	Line, Column int
	Err          error
	Excerpt      string
}

// Error is the message, in one line.
func (e *FileError) Error() string {
	what := search.Brief(e.Err.Error(), mostMessage)
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, what)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, what)
}

// mostMessage bounds what is said of a mistake, in characters.
const mostMessage = 1000

// Unwrap is what went wrong there.
func (e *FileError) Unwrap() error { return e.Err }

// FileOptions change how a study file is read.
type FileOptions struct {
	Outside  bool        // allow data outside the file's directory
	Override func(*Spec) // changes the study before it is validated
}

// Load reads a study file, fills in every default, validates it and loads its
// data into the cache, so that every mistake is found before anything runs.
// Relative paths in the file are meant from its own directory. Mistakes are
// [*FileError]s, those of an override [*FieldError]s. The data is nil for a study with a Go objective.
func Load(ctx context.Context, path string, cache *data.Cache, o FileOptions) (*Spec, *data.Data, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, nil, &FileError{File: path, Err: err}
	}
	s, root, err := parse(src)
	if err == nil {
		err = s.locate(filepath.Dir(path), o.Outside)
	}
	if err == nil {
		if o.Override != nil {
			o.Override(s)
		}
		err = s.Complete()
		if err != nil && o.Override != nil && completes(src) {
			return nil, nil, err // the file is right: what overrides it is not
		}
	}
	var d *data.Data
	if err == nil {
		d, err = s.Probe(ctx, cache)
	}
	if err == nil {
		err = s.chooseRanks(ctx, d)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, fileError(path, root, err)
	}
	return s, d, nil
}

// completes reports whether a study file is right as it stands.
func completes(src []byte) bool {
	s, _, err := parse(src)
	return err == nil && s.Complete() == nil
}

func parse(src []byte) (*Spec, ast.Node, error) {
	if !utf8.Valid(src) {
		return nil, nil, errors.New("a study file is a text in UTF-8")
	}
	f, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, nil, err
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return nil, nil, fmt.Errorf("a study file holds one YAML document with at least a name and a space")
	}
	s := &Spec{}
	root := f.Docs[0].Body
	if exactly(root, "parallel") != nil {
		return s, root, wrong("parallel", "there is no such key: mesh trains one trial on many cores, search.parallel is how many trials run at once")
	}
	for _, key := range []string{"cluster", "model"} {
		if exactly(root, key) != nil {
			return s, root, wrong(key, "it is no key of a study: a mesh for machines that need not exist is planned with budwood plan --cluster CLUSTER.yaml [MODEL.yaml]")
		}
	}
	err = decode(root, s)
	if err == nil {
		err = written(root, s)
	}
	if err == nil && s.Data != nil {
		if n := exactly(root, "data.split.test"); n != nil && nothing(n) {
			s.Data.Split.NoTest = true // 0 means 0
		}
		if s.Data.Table() {
			s.Data.Reading = data.Newest
		}
	}
	return s, root, err
}

// ReadAsBefore makes a study that exists already understand its table as it did when it
// was stored, so that it goes on with the same rows; changed reports whether that is
// another way than the study's own. Its data then has to be probed anew.
func (s *Spec) ReadAsBefore(stored json.RawMessage) (changed bool) {
	var old Spec
	if s.Data == nil || json.Unmarshal(stored, &old) != nil || old.Data == nil || old.Data.Reading == s.Data.Reading {
		return false
	}
	d := *s.Data
	d.Reading = old.Data.Reading
	s.Data = &d
	return true
}

// defaults are numbers and lists for which a program's zero value stands, so that
// one which is written into a file as 0 or [] would be taken for another.
var defaults = []struct{ path, value string }{
	{"budget.trials", "30"}, {"budget.epochs", "27"}, {"search.parallel", "2"}, {"search.eta", "3"}, {"search.min_epochs", "1"}, {"search.priority", "3"},
	{"retrain.epochs", "budget.epochs"}, {"max_failed", "10, while no trial has a value"}, {"keep", "1"},
	{"data.split.valid", "0.2"}, {"data.missing", "the usual spellings alone"}, {"data.text.steps", "64"}, {"data.target_encode.smooth", "10"}, {"data.target_encode.folds", "5"},
	{"data.target_encode.columns", "all of them"}, {"data.image", "no image"}, {"data.rows", "all of them"}, {"resources.cpu", "1, or mesh.threads"}, {"mesh.data", "mesh.threads"}, {"mesh.micro_batches", "accumulate, and with a pipeline 4 for each stage at least"}, {"mesh.pipeline", "1"}, {"mesh.threads", "1"}, {"resources.mem", "a share of the worker's"}, {"command.grace", "10s"},
}

// written finds what is in a file and would be ignored.
func written(root ast.Node, s *Spec) error {
	for _, d := range defaults {
		if n := exactly(root, d.path); n != nil && nothing(n) {
			return wrong(d.path, "%s sets nothing: write another value, or leave the key out, which means %s", describe(n), d.value)
		}
	}
	if exactly(root, "mesh") != nil && !s.Mesh.Cuts() && s.Mesh.Recompute == "" && s.Mesh.Ranks.Max == 0 && s.Mesh.Zero == 0 {
		return wrong("mesh", "it says nothing: write threads, data, micro_batches, recompute or ranks, or leave it out")
	}
	if n := exactly(root, "retrain.best"); n != nil && s.Retrain.Best == 0 && s.Search.Supernet != "" {
		return wrong("retrain.best", "with search.supernet at least 1 is trained from scratch, for the others are only evaluated")
	}
	return nil
}

// nothing reports whether a value is 0, as a number or a duration, or an empty list.
func nothing(n ast.Node) bool {
	x, err := plain(n)
	if err != nil {
		return false
	}
	switch x := x.(type) {
	case int:
		return x == 0
	case float64:
		return x == 0
	case string:
		d, err := time.ParseDuration(x)
		return err == nil && d == 0
	case []any:
		return len(x) == 0
	}
	return false
}

// fileError finds the place of an error in the source.
func fileError(path string, root ast.Node, err error) error {
	var at *token.Token
	var syntax *yaml.SyntaxError
	var node *nodeError
	var field *FieldError
	switch {
	case errors.As(err, &syntax):
		at, err = syntax.Token, errors.New(syntax.GetMessage())
	case errors.As(err, &node):
		at, err = node.node.GetToken(), node.err
	case errors.As(err, &field) && root != nil:
		at = find(root, field.Path).GetToken()
	}
	e := &FileError{File: path, Err: err}
	if at != nil && at.Position != nil {
		e.Line, e.Column = at.Position.Line, at.Position.Column
		var p printer.Printer
		e.Excerpt = excerpt(strings.TrimRight(p.PrintErrorToken(at, false), "\n"))
	}
	return e
}

// mostExcerpt bounds a line of an excerpt, in characters.
const mostExcerpt = 160

// excerpt cuts the lines of an excerpt. The one with the caret shows where a short
// line is wrong; of a long one the column says it.
func excerpt(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = search.Brief(l, mostExcerpt)
		if len(l) > mostExcerpt && strings.Trim(l, " ^") == "" {
			lines[i] = ""
		}
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// locate makes the paths of the data absolute.
func (s *Spec) locate(dir string, outside bool) error {
	if s.Command != nil {
		if !filepath.IsAbs(s.Command.Dir) {
			abs, err := filepath.Abs(filepath.Join(dir, s.Command.Dir))
			if err != nil {
				return &FieldError{"command.dir", err}
			}
			s.Command.Dir = abs
		}
		if st, err := os.Stat(s.Command.Dir); err != nil || !st.IsDir() {
			return wrong("command.dir", "%s is not a directory", s.Command.Dir)
		}
	}
	if s.Data == nil {
		return nil
	}
	located, err := s.Data.MapPaths(func(key, path string) (string, error) {
		key = "data." + key
		if !outside && !filepath.IsLocal(path) {
			return "", wrong(key, "%s is outside the study file's directory: move the data there, or allow it with --allow-outside", path)
		}
		if filepath.IsAbs(path) {
			return path, nil
		}
		abs, err := filepath.Abs(filepath.Join(dir, path))
		if err != nil {
			return "", &FieldError{key, err}
		}
		return abs, nil
	})
	if err != nil {
		return err
	}
	s.Data = &located
	if !outside {
		if err := located.CheckInside(context.Background()); err != nil {
			return dataError(err)
		}
	}
	return nil
}
