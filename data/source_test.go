package data

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Study files name the settings as JSON does.
func TestTagsAgree(t *testing.T) {
	for _, v := range []any{Source{}, IDX{}, NPY{}, Text{}, TargetEncode{}, Split{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			j, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			y, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if y == "-" && slices.Contains([]string{"digests", "reading", "no_test"}, j) { // nobody writes them
				continue
			}
			if j == "" || j != y || j != strings.ToLower(j) {
				t.Errorf("%T.%s is %q in JSON and %q in a study file", v, f.Name, j, y)
			}
		}
	}
}

func TestSourceJSON(t *testing.T) {
	const text = `{"csv":"digits.csv.gz","target":"digit","split":{"valid":0.2,"test":0.2,"seed":7},"image":[8,8,1]}`
	var s Source
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.CSV != "digits.csv.gz" || s.Split != (Split{Valid: 0.2, Test: 0.2, Seed: 7}) || !slices.Equal(s.Image, []int{8, 8, 1}) {
		t.Errorf("%+v", s)
	}
	if j, err := json.Marshal(s); err != nil || string(j) != text {
		t.Errorf("%s, %v", j, err)
	}
}

func TestKey(t *testing.T) {
	path := write(t, "f.csv", "a,y\n1,2\n")
	s := Source{CSV: path, Target: "y"}
	key := func(s Source) string {
		k, err := s.Key()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k := key(s)
	if key(s) != k {
		t.Error("the key changed by itself")
	}
	if key(Source{CSV: path, Target: "a"}) == k {
		t.Error("another target has the same key")
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if key(s) == k {
		t.Error("a changed file has the same key")
	}
	if _, err := (Source{CSV: path + "x"}).Key(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}
