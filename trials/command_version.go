package trials

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"budwood/trials/segment"
)

// Version is that of the command as it is now. Its parts are the argument vector,
// the variables that the study sets, and files, relative to the directory:
//
//   - those that the arguments name, the program among them; one that is found
//     through the PATH, as an interpreter is, counts if no other file is named;
//   - source files beside and below these, in the same language, that one of them
//     names, as an import does, and so on.
//
// Of very large files, samples count. What cannot be read does not.
func (c *Command) Version() segment.Version {
	v := segment.Version{}
	if args, err := json.Marshal(c.Args); err == nil {
		v["command.args"] = digestOf(args)
	}
	for name, value := range c.Env {
		v["env "+name] = digestOf([]byte(value))
	}
	files := c.files()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if len(files) > mostParts && !files[path] { // all of a large program's modules are one part
			continue
		}
		v[c.named(path)] = digests.of(path)
	}
	if len(files) > mostParts {
		h := sha256.New()
		for _, path := range slices.Sorted(maps.Keys(files)) {
			if !files[path] {
				fmt.Fprintln(h, c.named(path), digests.of(path))
			}
		}
		v["one of its modules"] = hex.EncodeToString(h.Sum(nil))[:16]
	}
	maps.DeleteFunc(v, func(_, digest string) bool { return digest == "" })
	return v
}

const (
	mostParts   = 24        // files that are parts of their own
	mostModules = 2000      // source files that are looked at
	mostEntries = 10_000    // of directories that are looked at
	mostDepth   = 4         // directories below the first one
	wholeFile   = 64 << 20  // bytes of a file that is read as a whole
	samples     = 64        // that a larger one is read in
	sampleSize  = 256 << 10 // bytes of each
	mostSource  = 4 << 20   // bytes of a source file in which names are looked for
)

// languages are the source files that can name one another.
var languages = [][]string{
	{".py", ".pyx", ".ipynb"}, {".sh", ".bash", ".zsh"}, {".r", ".rmd"}, {".jl"}, {".js", ".mjs", ".cjs", ".ts", ".tsx"}, {".lua"}, {".rb"}, {".pl", ".pm"}, {".m"}, {".go"},
	{".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".cuh"}, {".rs"}, {".java", ".kt", ".scala"}, {".php"},
}

// language is that of a file, nil if it is no source.
func language(path string) []string {
	ext := strings.ToLower(filepath.Ext(path))
	for _, l := range languages {
		if slices.Contains(l, ext) {
			return l
		}
	}
	return nil
}

// files are those that count, and whether the arguments name them.
func (c *Command) files() map[string]bool {
	out := map[string]bool{}
	for i, arg := range c.Args {
		if i == 0 && !strings.ContainsRune(arg, filepath.Separator) {
			continue // found through the PATH
		}
		after := i > 0 && c.Args[i-1] == "-m" // python -m package.module
		for _, path := range c.meant(arg, after) {
			out[path] = true
		}
	}
	if len(out) == 0 && len(c.Args) > 0 {
		if path, err := exec.LookPath(c.Args[0]); err == nil {
			out[path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(out)) {
		follow(out, path)
	}
	return out
}

// meant are the files that an argument may mean: itself, what stands behind an
// equals sign, a word of a shell's command, a module.
func (c *Command) meant(arg string, module bool) []string {
	words := append(strings.FieldsFunc(arg, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()<>'\"=", r) }), arg)
	if module {
		path := strings.ReplaceAll(arg, ".", string(filepath.Separator))
		words = append(words, path+".py", filepath.Join(path, "__init__.py"), filepath.Join(path, "__main__.py"))
	}
	var out []string
	for _, w := range words {
		if !filepath.IsAbs(w) {
			w = filepath.Join(c.Dir, w)
		}
		st, err := os.Stat(w)
		if err == nil && st.IsDir() { // python DIR, go run DIR
			for _, first := range []string{"__main__.py", "main.go"} {
				if st, err = os.Stat(filepath.Join(w, first)); err == nil {
					w = filepath.Join(w, first)
					break
				}
			}
		}
		if err == nil && st.Mode().IsRegular() && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// named is a file as the user knows it.
func (c *Command) named(path string) string {
	if rel, err := filepath.Rel(c.Dir, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}

var word = regexp.MustCompile(`[\pL_][\pL\pN_]*`)

// follow adds the source files beside and below a file that it names, and those
// that these name. A file is named by its name without the ending; the one that
// stands for a directory, such as __init__.py, by that of the directory.
func follow(files map[string]bool, from string) {
	kind := language(from)
	if kind == nil {
		return
	}
	beside := modules(filepath.Dir(from), kind)
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		names := digests.words(todo[0])
		if slices.Contains(kind, ".go") { // its files name each other's packages, or nothing
			names = slices.Collect(maps.Keys(beside))
		}
		for _, w := range names {
			for _, path := range beside[w] {
				if _, known := files[path]; !known {
					files[path] = false
					todo = append(todo, path)
				}
			}
		}
	}
}

// modules are the source files of a directory and below it, by the names that
// they are known by. Directories of other people's code are left out.
func modules(dir string, kind []string) map[string][]string {
	out, n, entries := map[string][]string{}, 0, 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > mostEntries {
			return fs.SkipAll
		}
		switch base := d.Name(); {
		case err != nil:
			return fs.SkipDir
		case d.IsDir() && path != dir:
			if rel, _ := filepath.Rel(dir, path); strings.Count(rel, string(filepath.Separator)) >= mostDepth || strings.HasPrefix(base, ".") || slices.Contains([]string{"__pycache__", "node_modules", "site-packages", "vendor"}, base) || virtualEnv(path) {
				return fs.SkipDir
			}
		case d.Type().IsRegular() && slices.Contains(kind, strings.ToLower(filepath.Ext(base))):
			name := strings.TrimSuffix(base, filepath.Ext(base))
			if name == "__init__" || name == "index" || name == "mod" {
				name = filepath.Base(filepath.Dir(path))
			}
			out[name] = append(out[name], path)
			n++
		}
		if n >= mostModules {
			return fs.SkipAll
		}
		return nil
	})
	return out
}

// virtualEnv reports whether a directory is a virtual environment of Python.
func virtualEnv(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "pyvenv.cfg"))
	return err == nil
}

// digests remembers what was in files, as long as they look the same.
var digests = digestCache{files: map[string]*seenFile{}}

type digestCache struct {
	mu    sync.Mutex
	files map[string]*seenFile
}

type seenFile struct {
	info   fs.FileInfo
	digest string
	words  []string // of a source file
}

// of is the digest of a file, "" if it cannot be read.
func (c *digestCache) of(path string) string { return c.read(path).digest }

// words are the names in a source file.
func (c *digestCache) words(path string) []string { return c.read(path).words }

func (c *digestCache) read(path string) *seenFile {
	info, err := os.Stat(path)
	if err != nil {
		return &seenFile{}
	}
	c.mu.Lock()
	old := c.files[path]
	c.mu.Unlock()
	if old != nil && os.SameFile(old.info, info) && old.info.Size() == info.Size() && old.info.ModTime().Equal(info.ModTime()) {
		return old
	}
	f := &seenFile{info: info}
	if f.digest, err = digestFile(path, info.Size() > wholeFile); err != nil {
		return &seenFile{}
	}
	if language(path) != nil && info.Size() <= mostSource {
		if b, err := os.ReadFile(path); err == nil {
			seen := map[string]bool{}
			for _, w := range word.FindAll(b, -1) {
				seen[string(w)] = true
			}
			f.words = slices.Sorted(maps.Keys(seen))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.files) > 4*mostModules {
		clear(c.files)
	}
	c.files[path] = f
	return f
}

// digestFile reads a file, or samples of it.
func digestFile(path string, sampled bool) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if !sampled {
		_, err = io.Copy(h, f)
		return hex.EncodeToString(h.Sum(nil))[:16], err
	}
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	fmt.Fprintln(h, st.Size())
	b := make([]byte, min(sampleSize, st.Size()))
	for k := range int64(samples) {
		if _, err := f.ReadAt(b, (st.Size()-int64(len(b)))*k/(samples-1)); err != nil {
			return "", err
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// written is a version without the files among the arguments that the program has
// written since: they are known not to tell anything. Sources and the program
// itself are changed by others.
func (c *Command) written(v segment.Version) segment.Version {
	out := maps.Clone(v)
	for i, arg := range c.Args {
		for _, path := range c.meant(arg, false) {
			if name := c.named(path); i > 0 && language(path) == nil && digests.of(path) != v[name] {
				out[name] = ""
			}
		}
	}
	return out
}

// digestOf is the digest of a part.
func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])[:16]
}
