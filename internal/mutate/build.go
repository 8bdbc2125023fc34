package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// hook is the file that is added to the package: the switch, and the operations
// that look at it.
//
//go:embed hook.go.txt
var hook string

func hookFor(s *source) []byte {
	return []byte(strings.Replace(hook, "package PACKAGE", "package "+s.file[0].tree.Name.Name, 1))
}

// bench is a package under test in a folder of its own.
type bench struct {
	*source
	*options
	dir     string // for what is written
	mutants []*mutant
	suites  []*suite
	tests   []*test
	show    *progress
	warn    func(format string, args ...any)
}

// suite is the compiled tests of one package.
type suite struct {
	path string
	bin  string
	dir  string   // where they run, in a copy of the module
	args []string // that its tests understand
}

// build writes the changed package, and compiles the tests of it and of other
// packages against it.
func (b *bench) build(pattern string, others []string) error {
	overlay, err := b.overlay()
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	copied := filepath.Join(b.dir, "module")
	b.show.say("copying %s", root)
	if err := copyTree(root, copied); err != nil {
		return err
	}
	for i, p := range append([]string{pattern}, others...) {
		out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Dir}}", p).Output()
		if err != nil {
			return fmt.Errorf("go list %s: %w", p, err)
		}
		for line := range strings.Lines(string(out)) {
			path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
			within, err := filepath.Rel(root, dir)
			if err != nil {
				return err
			}
			s := &suite{path: path, bin: filepath.Join(b.dir, fmt.Sprintf("%d.test", len(b.suites))), dir: filepath.Join(copied, within)}
			b.show.say("compiling the tests of %s", path)
			out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", s.bin, path).CombinedOutput()
			if err != nil {
				return fmt.Errorf("go test -c %s: %w\n%s", path, err, out)
			}
			if _, err := os.Stat(s.bin); err == nil { // it has tests
				b.suites = append(b.suites, s)
			} else if i == 0 {
				b.warn("%s has no tests of its own", path)
			}
		}
	}
	return nil
}

// overlay writes the changed files and the list of them that the compiler reads.
func (b *bench) overlay() (string, error) {
	replace := map[string]string{}
	write := func(name, original string, text []byte) error {
		name = filepath.Join(b.dir, name)
		replace[original] = name
		return os.WriteFile(name, text, 0o600)
	}
	for i, f := range b.file {
		var here []*mutant
		for _, m := range b.mutants {
			if m.file == i {
				here = append(here, m)
			}
		}
		if len(here) == 0 {
			continue
		}
		if err := write(filepath.Base(f.name), f.name, rewrite(f.text, here)); err != nil {
			return "", err
		}
	}
	const added = "zz_mutants.go"
	if err := write(added, filepath.Join(b.source.dir, added), hookFor(b.source)); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(b.dir, "overlay.json")
	return file, os.WriteFile(file, list, 0o600)
}

// moduleRoot is the folder around the working directory that holds all modules.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOWORK", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	for file := range strings.FieldsSeq(string(out)) {
		if filepath.IsAbs(file) && file != os.DevNull {
			return filepath.Dir(file), nil
		}
	}
	return "", fmt.Errorf("there is no module here")
}

// copyTree copies the files of a folder, except for those whose names begin with a
// dot, with which nothing is compiled.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if within != "." && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		switch target := filepath.Join(to, within); {
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case d.Type().IsRegular():
			st, err := d.Info()
			if err != nil {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, b, st.Mode())
		}
		return nil
	})
}
