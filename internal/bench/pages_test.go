package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "fill the tables of docs/benchmarks anew")

const pages = "../../docs/benchmarks"

// read is the text of each page of benchmarks, by its name.
func read(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pages, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s (%v)", pages, err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

// Every table of the pages is that of its CSV file, and every file is shown once.
func TestPagesShowTheResults(t *testing.T) {
	if *rewrite {
		if err := Write(pages); err != nil {
			t.Fatal(err)
		}
	}
	results := filepath.Join(pages, "results")
	shown := map[string]string{}
	for name, page := range read(t) {
		want, err := Fill(page, results)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(page, want) {
			t.Errorf("%s does not show its results: ./dev golden fills the tables", name)
		}
		tables := Shown(page)
		if n := bytes.Count(page, []byte("<!-- ")); n != 2*len(tables) {
			t.Errorf("%s: %d marks, and %d tables between them", name, n, len(tables))
		}
		for _, table := range tables {
			if other, ok := shown[table]; ok {
				t.Errorf("%s.csv is shown in %s and %s", table, other, name)
			}
			shown[table] = name
		}
	}
	files, err := filepath.Glob(filepath.Join(results, "*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".csv"); shown[name] == "" {
			t.Errorf("no page shows %s", f)
		}
	}
}

// Every figure of the summary, ours and the other one, is on the page to which its row leads.
func TestSummaryRepeatsThePages(t *testing.T) {
	summary, err := ReadTable(filepath.Join(pages, "results", "summary.csv"))
	if err != nil {
		t.Fatal(err)
	}
	all := read(t)
	number := regexp.MustCompile(`\d[\d.,]*\d|\d`)
	for _, row := range summary.Rows {
		page := regexp.MustCompile(`\]\(([\w.-]+)`).FindStringSubmatch(row[0])
		if page == nil {
			t.Errorf("%q leads to no page", row[0])
			continue
		}
		there := number.FindAllString(string(all[page[1]]), -1)
		for _, n := range number.FindAllString(row[1]+" "+row[2], -1) {
			if !slices.Contains(there, n) {
				t.Errorf("%q: %s is not on %s", row[0], n, page[1])
			}
		}
	}
}

// The commands of the pages name packages, tests and benchmarks that there are.
func TestCommandsAreThere(t *testing.T) {
	command := regexp.MustCompile("go (?:run|test|build) [^`\n]*")
	folder := regexp.MustCompile(`(?:^| )\./([\w/.-]+)`)
	pattern := regexp.MustCompile(`-(run|bench) '?([\w|$]+)`)
	n := 0
	for name, page := range read(t) {
		for _, c := range command.FindAllString(string(page), -1) {
			dir := folder.FindStringSubmatch(c)
			if dir == nil {
				continue
			}
			n++
			where := strings.TrimSuffix(dir[1], "/...")
			if st, err := os.Stat(filepath.Join("../..", where)); err != nil || !st.IsDir() {
				t.Errorf("%s: %s: there is no %s", name, c, dir[1])
				continue
			}
			if strings.HasSuffix(dir[1], "...") {
				continue
			}
			var tests []byte
			files, _ := filepath.Glob(filepath.Join("../..", where, "*_test.go"))
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				tests = append(tests, b...)
			}
			for _, m := range pattern.FindAllStringSubmatch(c, -1) {
				kind := map[string]string{"run": "Test", "bench": "Benchmark"}[m[1]]
				for _, what := range strings.Split(m[2], "|") {
					what = strings.TrimSuffix(strings.TrimPrefix(what, kind), "$")
					if what != "XXX" && !regexp.MustCompile(`func `+kind+`\w*`+regexp.QuoteMeta(what)).Match(tests) {
						t.Errorf("%s: %s: no %s of %s has %s in its name", name, c, kind, where, what)
					}
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d commands; the pages should have more", n)
	}
}

// What is in the folder of the data is what was measured, byte by byte.
func TestDataIsAsListed(t *testing.T) {
	root := Need(t)
	for _, list := range []struct{ file, folder, path, sum string }{
		{"data-files", "", "file", "SHA-256, unpacked"},
		{"data-tabular", "data/tabular", "name", "sha256"},
	} {
		table, err := ReadTable(filepath.Join(pages, "results", list.file+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		path, sum := slices.Index(table.Head, list.path), slices.Index(table.Head, list.sum)
		found := 0
		for _, row := range table.Rows {
			name := filepath.Join(root, list.folder, strings.Trim(row[path], "`"))
			if list.folder != "" {
				name += ".csv"
			}
			b, err := unpacked(name)
			if os.IsNotExist(err) {
				continue // the folder may hold a part
			}
			if err != nil {
				t.Fatal(err)
			}
			found++
			if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != strings.Trim(row[sum], "`") {
				t.Errorf("%s is not what was measured: its checksum is %x", name, got)
			}
		}
		t.Logf("%s: %d of %d files are there", list.file, found, len(table.Rows))
	}
}

// A clone has no folder beside it: only the script of the checks may look there.
func TestNothingNamesAFolderBesideTheRepository(t *testing.T) {
	beside := []byte("../" + "shared")
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == ".bin") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || strings.HasSuffix(path, ".ci/run") {
			return nil
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, beside) {
			t.Errorf("%s names %s, which no clone has: use $%s", path, beside, DataVariable)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
