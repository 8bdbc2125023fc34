package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// inMemory is a data set with its inputs in memory, and without what only says
// where it lies.
func inMemory(d *Data) *Data {
	e := *d
	set := func(s *Set) *Set {
		if s == nil || s.Rows == nil {
			return s
		}
		t := *s
		t.X, t.Rows = make([]float32, s.Len()*s.Shape.Size()), nil
		s.Read(t.X, 0)
		return &t
	}
	e.Train, e.Valid, e.Test = set(d.Train), set(d.Valid), set(d.Test)
	e.Folds = nil
	for _, f := range d.Folds {
		e.Folds = append(e.Folds, Fold{set(f.Train), set(f.Valid)})
	}
	return &e
}

// differ says how two data sets differ, of which b may lie in a file; "" if they do not.
func differ(a, b *Data) string {
	x, y := inMemory(a), inMemory(b)
	sets := func(d *Data) []**Set {
		out := []**Set{&d.Train, &d.Valid, &d.Test}
		for i := range d.Folds {
			out = append(out, &d.Folds[i].Train, &d.Folds[i].Valid)
		}
		return out
	}
	for i, p := range sets(x) { // looking at each number by itself takes seconds
		if i >= len(sets(y)) {
			break
		}
		if q := sets(y)[i]; *p != nil && *q != nil && slices.Equal((*p).X, (*q).X) {
			s, t := **p, **q
			s.X, t.X = nil, nil
			*p, *q = &s, &t
		}
	}
	return cmp.Diff(x, y, whole)
}

// manyKinds are sources of all kinds.
func manyKinds(t testing.TB) map[string]Source {
	images, labels := stripes(60)
	var table strings.Builder
	table.WriteString("a,b,kind,y\n")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 700 {
		fmt.Fprintf(&table, "%v,%v,%c,%v\n", r.NormFloat64(), i%7, 'a'+rune(i%5), r.NormFloat64())
	}
	csv := write(t, "t.csv", table.String())
	text := write(t, "t.txt", strings.Repeat("to be, or not to be? ", 60))
	idx := &IDX{Images: write(t, "images", images), Labels: write(t, "labels", labels)}
	return map[string]Source{
		"table":  {CSV: csv, Target: "y", Split: Split{Valid: .2, Test: .2}},
		"folds":  {CSV: csv, Target: "kind", Numeric: Piecewise, Split: Split{CV: 4, Test: .2}},
		"digits": {CSV: "../examples/digits/digits.csv.gz", Target: "digit", Image: Shape{8, 8, 1}, Split: Split{CV: 3, Test: .2}},
		"images": {IDX: idx, Split: Split{Valid: .2, Test: .2}},
		"text":   {Text: &Text{File: text, Steps: 16}, Split: Split{Valid: .2, Test: .2}},
		"pieces": {Text: &Text{File: text, Steps: 16}, Split: Split{CV: 3, Test: .2}},
	}
}

// whole compares all but the numbers of rows, which decoded files do not have.
var whole = cmp.Options{cmp.AllowUnexported(Data{}, Preparation{}), cmpopts.IgnoreFields(Data{}, "numbers"), cmpopts.EquateNaNs()}

// What is read from a decoded file is what was written.
func TestDecoded(t *testing.T) {
	for name, s := range manyKinds(t) {
		d := load(t, s)
		path := filepath.Join(t.TempDir(), "d")
		if err := writeDecoded(path, d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := openDecoded(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := differ(d, got); diff != "" {
			t.Errorf("%s: (-written +read)\n%s", name, diff)
		}
		if _, ok := got.Train.Rows.(packedRows); ok == (name == "table" || name == "folds") {
			t.Errorf("%s: rows of %T", name, got.Train.Rows)
		}
		all, order := got.Train, []int{3, 0, 3, 2}
		some, want := all.Select(order).Slice(1, 4), d.Train.Select(order).Slice(1, 4)
		if !slices.Equal(inMemory(&Data{Train: some}).Train.X, want.X) || some.Len() != 3 {
			t.Errorf("%s: rows chosen from a file differ", name)
		}
	}
}

// Many caches, as of many processes, decode a source once.
func TestSharedOnce(t *testing.T) {
	images := idx(bytes.Repeat([]byte{0, 0, 9, 200}, 2000*28*28/4), 2000, 28, 28)
	labels := idx(bytes.Repeat([]byte{0, 1}, 1000), 2000)
	s, err := Source{IDX: &IDX{Images: write(t, "images", images), Labels: write(t, "labels", labels)}, Split: Split{Valid: .2, Test: .2}}.WithDigests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "decoded")
	got := make([]*Data, 4)
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() {
			c := Cache{Shared: &Shared{Dir: dir, Log: func(text string) { t.Error(text) }}}
			d, err := c.Load(t.Context(), s)
			if err != nil {
				t.Error(err)
			}
			got[i] = d
		})
	}
	wait.Wait()
	files, _ := filepath.Glob(filepath.Join(dir, "*"+decoded))
	if len(files) != 1 || t.Failed() {
		t.Fatalf("files %v", files)
	}
	st, err := os.Stat(files[0])
	if err != nil || st.Size() > 2000*28*28+1<<16 {
		t.Errorf("%v: %d bytes for %d pixels", err, st.Size(), 2000*28*28)
	}
	want := load(t, s)
	for i, d := range got {
		if d.Train.X != nil || d.Bytes() > 1<<16 {
			t.Errorf("cache %d has the inputs in memory", i)
		}
		if diff := differ(want, d); diff != "" {
			t.Fatalf("cache %d: (-alone +shared)\n%s", i, diff)
		}
	}
	// A file that has lost its end is decoded again, and what is removed while it
	// is mapped stays readable.
	if err := os.Truncate(files[0], st.Size()-1); err != nil {
		t.Fatal(err)
	}
	told := ""
	again := Cache{Shared: &Shared{Dir: dir, Log: func(text string) { told = text }}}
	d, err := again.Load(t.Context(), s)
	if err != nil || !strings.Contains(told, "bytes") {
		t.Fatalf("%v; said %q", err, told)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if diff := differ(want, d); diff != "" {
		t.Fatalf("after removal: (-alone +shared)\n%s", diff)
	}
}

// A directory that cannot be made costs memory, not the training.
func TestSharedNowhere(t *testing.T) {
	s, err := Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit"}.WithDigests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	c := Cache{Shared: &Shared{Dir: filepath.Join(t.TempDir(), "no", "where"), Log: func(text string) { told = text }}}
	if d, err := c.Load(t.Context(), s); err != nil || d.Train.X == nil || !strings.Contains(told, "for itself") {
		t.Errorf("%v; said %q", err, told)
	}
}

func TestKeepNewest(t *testing.T) {
	files := map[string]time.Duration{"old": 48 * time.Hour, "older": 50 * time.Hour, "idle": 200 * time.Hour, "newest": 300 * time.Hour, Unfinished + "left": 49 * time.Hour, Unfinished + "now": time.Minute}
	for _, c := range []struct {
		max  int64
		idle time.Duration
		want string
	}{
		{0, 0, ".tmp-left .tmp-now idle newest old older"},
		{0, 7 * 24 * time.Hour, ".tmp-left .tmp-now newest old older"},
		{500, 0, ".tmp-left .tmp-now newest old older"},
		{300, 0, ".tmp-now newest old"},
		{1, 0, ".tmp-now newest"},
	} {
		dir := t.TempDir()
		for name, age := range files {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, make([]byte, 100), 0o600); err != nil {
				t.Fatal(err)
			}
			at := time.Now().Add(-age)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		KeepNewest(dir, c.max, c.idle, filepath.Join(dir, "newest"))
		var left []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			left = append(left, e.Name())
		}
		if got := strings.Join(left, " "); got != c.want {
			t.Errorf("at most %d bytes, idle %v: left %s, want %s", c.max, c.idle, got, c.want)
		}
	}
}

// Whatever a file holds, it is opened or refused.
func FuzzDecoded(f *testing.F) {
	for _, s := range []Source{{CSV: write(f, "t.csv", "a,y\n1,2\n2,3\n3,5\n4,4\n5,1\n6,2\n7,7\n8,2\n9,3\n10,1\n"), Target: "y"}} {
		d := load(f, s)
		path := filepath.Join(f.TempDir(), "d")
		if err := writeDecoded(path, d); err != nil {
			f.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
		huge := bytes.Clone(b)
		binary.LittleEndian.PutUint64(huge[len(decodedMagic):], 1<<62)
		f.Add(huge)
		for _, lie := range []string{`"Rows":9`, `"X":64`, `"ClassLen":1`, `"Fold":[7]`, `"Bytes":-1`} {
			key, _, _ := strings.Cut(lie, ":")
			if at := bytes.Index(b, []byte(key+":")); at >= 0 {
				f.Add(slices.Concat(b[:at], []byte(lie), b[at+len(lie):]))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "d")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := openDecoded(path); err == nil {
			inMemory(d)
		}
	})
}
