package budwood

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the texts for people, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md", ".github/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[f] = string(b)
		}
	}
	return out
}

// sources is the text of all Go files, line by line, with or without tests.
func sources(t *testing.T, tests bool) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(path) > 1 && path[0] == '.'):
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || !tests && strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		lines = append(lines, strings.Split(string(b), "\n")...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

var (
	fenced   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code     = regexp.MustCompile("`([^`\n]+)`")
	heading  = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	notASlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Every link from one page to another leads somewhere, to the heading as well.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for from, text := range all {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(fenced.ReplaceAllString(text, ""), ""), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			to := from
			if path != "" {
				to = filepath.Join(filepath.Dir(from), path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s leads nowhere", from, m[1])
			} else if anchor != "" && !slices.Contains(anchors(all[to]), anchor) {
				t.Errorf("%s: %s leads to no heading of %s", from, m[1], to)
			}
		}
	}
}

// anchors are the names that GitHub gives to the headings of a page.
func anchors(page string) (out []string) {
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		out = append(out, strings.ReplaceAll(notASlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// What the pages tell people to do with ./dev, it does, and its help lists all.
func TestDevDoesWhatIsWritten(t *testing.T) {
	b, err := os.ReadFile("dev")
	if err != nil {
		t.Fatal(err)
	}
	var does, helps []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+)( \|.*)?\)$`).FindAllStringSubmatch(string(b), -1) {
		does = append(does, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^# +\./dev ([a-z]+)`).FindAllStringSubmatch(string(b), -1) {
		helps = append(helps, m[1])
	}
	if len(does) == 0 || !slices.Equal(does, helps) {
		t.Errorf("./dev does %v, and its help lists %v", does, helps)
	}
	all := pages(t)
	if b, err = os.ReadFile(".ci/run"); err != nil {
		t.Fatal(err)
	}
	all[".ci/run"] = string(b)
	for from, text := range all {
		for _, m := range regexp.MustCompile(`\./dev ([a-z]+)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(does, m[1]) {
				t.Errorf("%s: there is no ./dev %s", from, m[1])
			}
		}
	}
}

// Files that the pages name exist, and so do the names in the recipes.
func TestRecipesNameWhatIsThere(t *testing.T) {
	isPath := regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*/?$`)
	isName := regexp.MustCompile(`^(?:\w+\.)*([A-Za-z]\w*)(?:\(.*|\{\})?$`)
	words := map[string]bool{}
	for _, line := range sources(t, true) {
		for _, w := range strings.FieldsFunc(line, func(r rune) bool {
			return !(r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
		}) {
			words[w] = true
		}
	}
	for from, text := range pages(t) {
		_, recipes, _ := strings.Cut(text, "\n## Recipes\n")
		for _, m := range code.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			span := m[1]
			top, _, deep := strings.Cut(span, "/")
			if strings.Contains(span, "NAME") || top == "data" && deep && !strings.HasSuffix(span, ".go") {
				continue // a study's name; below $BUDWOOD_DATA, or among the blobs
			}
			if st, err := os.Stat(top); isPath.MatchString(span) && (deep && err == nil && st.IsDir() || strings.HasSuffix(span, ".go")) {
				_, err := os.Stat(span)
				_, beside := os.Stat(filepath.Join(filepath.Dir(from), span))
				if err != nil && beside != nil {
					t.Errorf("%s: there is no %s", from, span)
				}
				continue
			}
			test := strings.HasPrefix(span, "Test") || strings.HasPrefix(span, "Fuzz")
			if name := isName.FindStringSubmatch(span); name != nil && (test || strings.Contains(recipes, m[0])) && !words[name[1]] {
				t.Errorf("%s: nothing is called %s", from, span)
			}
		}
	}
}

// The table of rooms has every folder, with what it may import of ours.
func TestRoomsAreDrawn(t *testing.T) {
	_, text, _ := strings.Cut(pages(t)["docs/architecture.md"], "\n## The rooms\n")
	text, _, _ = strings.Cut(text, "\n## ")
	drawn := map[string][]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.Contains(line, "---") {
			continue
		}
		room := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if room == "the root package" {
			room = ""
		}
		var imports []string
		for _, m := range code.FindAllStringSubmatch(cells[3], -1) {
			imports = append(imports, m[1])
		}
		if strings.Contains(cells[3], "the root package") {
			imports = append(imports, "")
		}
		drawn[room] = imports
	}
	for room, may := range mayImport {
		imports, ok := drawn[room]
		if !ok {
			t.Errorf("docs/architecture.md does not draw the room %q", room)
			continue
		}
		if room == "" { // it composes all
			continue
		}
		var ours []string
		for _, m := range may {
			if _, ok := mayImport[m]; ok && m != room {
				ours = append(ours, m)
			}
		}
		slices.Sort(ours)
		slices.Sort(imports)
		if !slices.Equal(ours, imports) {
			t.Errorf("docs/architecture.md: %s imports %q, and may import %q", room, imports, ours)
		}
	}
	for room := range drawn {
		if _, ok := mayImport[room]; !ok && room != "cmd" && room != "folder" {
			t.Errorf("docs/architecture.md draws the room %q, which has no rule", room)
		}
	}
}

// The messages that are explained are those that the program prints.
func TestMessagesAreExplained(t *testing.T) {
	lines := sources(t, false)
	n := 0
	for line := range strings.Lines(pages(t)["docs/troubleshooting.md"]) {
		if !strings.HasPrefix(line, "| `") || strings.HasPrefix(line, "| `FILE:") {
			continue
		}
		n++
		message := code.FindStringSubmatch(line)[1]
		parts := strings.Split(message, "…")
		if !slices.ContainsFunc(lines, func(line string) bool {
			for _, p := range parts {
				i := strings.Index(line, p)
				if i < 0 {
					return false
				}
				line = line[i+len(p):]
			}
			return true
		}) {
			t.Errorf("docs/troubleshooting.md: nothing prints %q", message)
		}
	}
	if n < 20 {
		t.Errorf("docs/troubleshooting.md explains %d messages", n)
	}
}
