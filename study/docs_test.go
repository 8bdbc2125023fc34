package study

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"budwood/nas"
	"budwood/search"
)

// Every key of a study file, and every family, is in its documentation;
// TestPagesGolden sees to the tables.
func TestDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/study.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(string(b), func(r rune) bool { return !(r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9') }) {
		words[w] = true
	}
	seen := map[reflect.Type]bool{} // a space has options that have spaces
	var walk func(path string, v reflect.Type)
	walk = func(path string, v reflect.Type) {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct || seen[v] {
			return
		}
		seen[v] = true
		for i := range v.NumField() {
			f := v.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" || f.Tag.Get("yaml") == "-" {
				continue
			}
			if own, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); own != "" {
				name = own
			}
			if !words[name] {
				t.Errorf("docs/study.md does not name %s%s", path, name)
			}
			walk(path+name+".", f.Type)
		}
	}
	walk("", reflect.TypeFor[Spec]())
	walk("space.", reflect.TypeFor[search.ParamSpec]())
	for _, name := range nas.Families() {
		if !words[name] {
			t.Errorf("docs/study.md does not name %s", name)
		}
	}
}
