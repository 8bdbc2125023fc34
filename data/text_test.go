package data

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"budwood/internal/bench"
)

func TestText(t *testing.T) {
	// 21 characters: 10 rows of 2, and one to predict at last.
	s := Source{Text: &Text{File: write(t, "f.txt", "abcabcabcabçdbcabczäz"), Steps: 2}}
	d := load(t, s)
	if d.Train.Len() != 6 || d.Valid.Len() != 2 || d.Test.Len() != 2 || d.Features != 2 {
		t.Fatalf("parts of %d, %d, %d rows", d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
	// The vocabulary is that of the first 13 characters.
	if got := strings.Join(d.ClassNames, ""); got != "\ufffdabcdç" || d.Classes != 6 {
		t.Errorf("vocabulary %q", got)
	}
	if want := []float32{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 5}; !slices.Equal(d.Train.X, want) {
		t.Errorf("training characters %v", d.Train.X)
	}
	if want := []int32{2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 5, 4}; !slices.Equal(d.Train.Class, want) {
		t.Errorf("characters to predict %v", d.Train.Class)
	}
	if !slices.Equal(d.Test.X, []float32{2, 3, 0, 0}) || !slices.Equal(d.Test.Class, []int32{3, 0, 0, 0}) {
		t.Errorf("test characters %v, to predict %v", d.Test.X, d.Test.Class)
	}
	s.Rows = 5
	if d = load(t, s); d.Train.Len() != 3 || d.Valid.Len() != 1 {
		t.Errorf("5 rows: %d for training", d.Train.Len())
	}
	s.Text.Steps = 0
	for want, text := range map[string]string{
		"21 characters give 0 rows of 64 for training": "",
		"byte 1 is not UTF-8":                          "a\xff",
		"the text is UTF-16":                           "\xff\xfea\x00",
	} {
		if text != "" {
			s.Text.File = write(t, "f.txt", text)
		}
		if _, err := Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			if text != "" || err == nil {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
}

func TestSharedText(t *testing.T) {
	path := bench.Need(t, "data", "text", "tinyshakespeare.txt")
	d := load(t, Source{Text: &Text{File: path, Steps: 128}})
	if d.Classes != 65 || d.Train.Len()+d.Valid.Len()+d.Test.Len() != 1115393/128 {
		t.Errorf("%d characters, %d rows for training", d.Classes, d.Train.Len())
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "abc", "a\xff", "\xff\xfea", "ä\ufffd\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readRunes(bytes.NewReader(b))
		if (err == nil) != utf8.Valid(b) {
			t.Fatalf("%q: %v", b, err)
		}
		if err == nil && string(r) != string(b) {
			t.Fatalf("%q was read as %q", b, string(r))
		}
	})
}
