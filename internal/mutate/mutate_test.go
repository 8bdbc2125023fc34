package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tried runs the command and returns its exit code and what it wrote.
func tried(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	code = run(args, &out, &complaints)
	return code, out.String(), complaints.String()
}

// Each mutant of a small package is noticed, or not, as is known. Look at the
// difference before you write testdata/small.txt anew.
func TestKnownMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles and runs for seconds")
	}
	before, err := os.ReadDir("testdata/small")
	if err != nil {
		t.Fatal(err)
	}
	code, got, complaints := tried(t, "./testdata/small", "-n", "0", "-v")
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(complaints, "TestWithoutHelp of budwood/internal/mutate/testdata/small fails without any mutant") {
		t.Errorf("no word of the test that fails: %s", complaints)
	}
	want, err := os.ReadFile("testdata/small.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got = regexp.MustCompile(`, \d+s\n$`).ReplaceAllString(got, "\n"); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	after, err := os.ReadDir("testdata/small")
	if err != nil || len(after) != len(before) {
		t.Errorf("%d files in the package, before %d; %v", len(after), len(before), err)
	}
}

// The exit code says whether enough was noticed, or whether nothing could be told.
func TestExitCodes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles and runs for seconds")
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"./testdata/small -only :1[0-3]: -min 1", 0, "5 of 5 mutants noticed (100.0 %)"},
		{"./testdata/small -files sm*.go -only :5[0-9]: -min .1", 1, "0 of 3 mutants noticed"},
		{"./testdata/small -only :1[0-3]: -run TestBoth", 1, "small.go:10:5: len(v) == 0 → len(v) != 0: comparison: no test reaches it"},
		{"./testdata/small -run (", 2, "-run"},
		{"./testdata/small -files other.go", 2, "nothing to change"},
		{"../...", 2, "packages; give one"},
		{"./testdata/none", 2, "none"},
		{"-n 3", 2, "one package"},
		{"", 2, "one package"},
	} {
		code, out, complaints := tried(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+complaints, c.says) {
			t.Errorf("%s: exit code %d, want %d: %s%s", c.args, code, c.code, out, complaints)
		}
	}
}

// Tests of another package find what those of the package do not.
func TestOtherPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles and runs for seconds")
	}
	code, out, complaints := tried(t, "./testdata/small", "-only", ":5[0-9]:", "-tests", "./testdata/small/uses")
	if code != 0 || !strings.Contains(out, "3 of 3") {
		t.Errorf("exit code %d: %s%s", code, out, complaints)
	}
}

// A sample has its parts from all of the list, the same for the same seed.
func TestSample(t *testing.T) {
	all := make([]*mutant, 1000)
	for i := range all {
		all[i] = &mutant{id: i}
	}
	a, b := sample(all, 100, 1), sample(all, 100, 2)
	if len(a) != 100 || !slices.Equal(a, sample(all, 100, 1)) || slices.Equal(a, b) {
		t.Errorf("%d in the sample", len(a))
	}
	for i, m := range a {
		if m.id/10 != i {
			t.Errorf("%d is from %d", i, m.id)
		}
	}
	if len(sample(all, 0, 1)) != 1000 || len(sample(all, 2000, 1)) != 1000 {
		t.Error("not all of them")
	}
}

// The list of mutants that nobody can notice can be read. Code that is not there any
// more is told when its package is measured.
func TestEquivalentMutants(t *testing.T) {
	if _, err := equivalents(equivalentList); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"a.go\tf\tx → y\tx", "a.go\tf\tx → y\tx\t ", "\n"} {
		if _, err := equivalents(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// What is equivalent is not counted.
func TestEquivalentIsLeftOut(t *testing.T) {
	found, err := load("./testdata/small")
	if err != nil {
		t.Fatal(err)
	}
	known, err := equivalents("small.go\tUntested\t!on → on\tif !on {\tfor the test\n")
	if err != nil {
		t.Fatal(err)
	}
	all := found[0].find()
	if len(without(all, known)) != len(all)-1 {
		t.Errorf("%d of %d are left", len(without(all, known)), len(all))
	}
	if got := stale(all, known); len(got) > 0 {
		t.Errorf("%q is there", got)
	}
	gone := "small.go\tUntested\t!off → off\tif !off {"
	known[gone], known["other.go\tUntested\tx → y\tx"], known["small.go\tOther\tx → y\tx"] = true, true, true
	if got := stale(all, known); !slices.Equal(got, []string{gone}) {
		t.Errorf("%q, want what is not there of small.go", got)
	}
}
