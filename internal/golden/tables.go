package golden

import (
	"os"
	"regexp"
	"testing"
)

var shown = regexp.MustCompile(`(?s)(<!-- table ([\w-]+) -->\n)(.*?)(<!-- end -->)`)

// Tables holds a page to tables that follow from the code: each stands between
// the marks <!-- table NAME --> and <!-- end -->, and every table between such marks
// is one of them.
func Tables(t *testing.T, page string, tables map[string]string) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for name := range tables {
		left[name] = true
	}
	filled := shown.ReplaceAllStringFunc(string(b), func(text string) string {
		m := shown.FindStringSubmatch(text)
		table, ok := tables[m[2]]
		if !ok {
			t.Errorf("%s: there is no table %s", page, m[2])
			return text
		}
		delete(left, m[2])
		return m[1] + table + m[4]
	})
	for name := range left {
		t.Errorf("%s does not show the table %s", page, name)
	}
	switch {
	case filled == string(b):
	case *rewrite:
		if err := os.WriteFile(page, []byte(filled), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not show what the code says: ./dev golden fills its tables", page)
	}
}
