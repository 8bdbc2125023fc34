package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// source is the code of one package without its tests, parsed and type-checked.
type source struct {
	path    string // import path
	dir     string
	fset    *token.FileSet
	info    *types.Info
	imports exportData
	file    []parsed // in the order of their names
}

// parsed is one file of a package.
type parsed struct {
	name string // absolute path
	text []byte
	tree *ast.File
}

// listed is what "go list" says about a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, CgoFiles       []string
	DepOnly                 bool
}

// load parses and type-checks the packages that some patterns name. What they
// import is read from the export data of the build cache.
func load(patterns ...string) ([]*source, error) {
	cmd := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles,DepOnly"}, patterns...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w: %s", strings.Join(patterns, " "), err, strings.TrimSpace(stderr.String()))
	}
	exports := exportData{}
	var found []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list %s: %w", strings.Join(patterns, " "), err)
		}
		exports[l.ImportPath] = l.Export
		if !l.DepOnly {
			found = append(found, l)
		}
	}
	var all []*source
	for _, l := range found {
		if len(l.CgoFiles) > 0 {
			return nil, fmt.Errorf("%s uses cgo, which mutate cannot rewrite", l.ImportPath)
		}
		if len(l.GoFiles) == 0 {
			continue // tests alone
		}
		s, err := parse(l)
		if err != nil {
			return nil, err
		}
		if err := s.check(exports); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func parse(l listed) (*source, error) {
	s := &source{path: l.ImportPath, dir: l.Dir, fset: token.NewFileSet()}
	for _, name := range l.GoFiles {
		name = filepath.Join(l.Dir, name)
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := s.add(name, text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add parses a file.
func (s *source) add(name string, text []byte) error {
	tree, err := parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	s.file = append(s.file, parsed{name, text, tree})
	return err
}

// exportData is the file with what a package exports, by import path.
type exportData map[string]string

func (e exportData) open(path string) (io.ReadCloser, error) { return os.Open(e[path]) }

// check finds the types.
func (s *source) check(imports exportData) error {
	s.imports = imports
	s.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Scopes: map[ast.Node]*types.Scope{},
	}
	var trees []*ast.File
	for _, f := range s.file {
		trees = append(trees, f.tree)
	}
	conf := types.Config{
		Sizes:    types.SizesFor("gc", runtime.GOARCH),
		Importer: importer.ForCompiler(s.fset, "gc", imports.open),
	}
	_, err := conf.Check(s.path, s.fset, trees, s.info)
	return err
}

// offset is where a node begins in its file, in bytes.
func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }
