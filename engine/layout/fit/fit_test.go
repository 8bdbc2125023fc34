package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"budwood/engine/layout"
)

func stored(t *testing.T) (*layout.Fitted, predictions) {
	t.Helper()
	f, err := layout.ReadFitted()
	if err != nil {
		t.Fatal(err)
	}
	runs, err := read(bytes.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	p, err := predict(runs, &f.Constants)
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

// The stored residuals are those of the model as it is: whoever changes it fits anew.
func TestResidualsAreOfThisModel(t *testing.T) {
	f, p := stored(t)
	if len(f.Residuals) != len(p) {
		t.Fatalf("%d residuals of %d runs: run go run ./engine/layout/fit -rewrite", len(f.Residuals), len(p))
	}
	for i := range p {
		if r := f.Residuals[i]; r.Source != p[i].source || r.Case != p[i].name || math.Abs(r.Error-p[i].err()) > 1e-6 {
			t.Errorf("%s, %s: error %v, stored is %+v: run go run ./engine/layout/fit -rewrite", p[i].source, p[i].name, p[i].err(), r)
		}
	}
}

// The constants are few, and are still near the best.
func TestConstantsAreFitted(t *testing.T) {
	f, p := stored(t)
	if n := reflect.TypeFor[layout.Constants]().NumField(); n > 15 {
		t.Errorf("%d constants are fitted", n)
	}
	var runs []*run
	for i := range p {
		runs = append(runs, p[i].run)
	}
	weight := weights(runs)
	best := loss(&f.Constants, runs, weight)
	x := vector(&f.Constants)
	for i := range x {
		for _, step := range []float64{-.3, .3} {
			y := append([]float64(nil), x...)
			y[i] += step
			if l := loss(constants(y), runs, weight); l < best-1e-3 {
				t.Errorf("%s × %.2f has the loss %v, and stored is %v", reflect.TypeFor[layout.Constants]().Field(i).Name, math.Exp(step), l, best)
			}
		}
	}
}

// What the page of the planner promises, of the runs fitted to and of those left out.
func TestErrorsAreAsPromised(t *testing.T) {
	f, p := stored(t)
	median, _, _, within := p.errors()
	if median > .05 || within < .9 {
		t.Errorf("median %.3f, within 20 %%: %.3f", median, within)
	}
	right, all := p.pairs(.05, measuredSpeed, (*prediction).speed)
	if float64(right) < .9*float64(all) {
		t.Errorf("%d of %d pairs are in order", right, all)
	}
	right, all = p.pairs(0, func(x *prediction) float64 { return x.memory }, func(x *prediction) float64 { return x.Memory().Total() })
	if float64(right) < .8*float64(all) {
		t.Errorf("%d of %d pairs of memories are in order", right, all)
	}
	if len(f.Crossed) != 3 {
		t.Fatalf("%d ways to cross-validate", len(f.Crossed))
	}
	for _, c := range f.Crossed[:2] { // the third leaves out whole sources
		if c.Median > .05 || c.Within < .9 {
			t.Errorf("cross-validated: %+v", c)
		}
	}
	if c := f.Crossed[1]; c.Pairs < .9 { // a tenth has few pairs
		t.Errorf("cross-validated: %+v", c)
	}
}

// The counts of the sources agree with their own step times, where both are given.
func TestOperationsAreThoseOfTheSources(t *testing.T) {
	runs, err := read(bytes.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if r.name == "1b 8" {
			if got := r.seconds(); math.Abs(got/6.8014-1) > .05 {
				t.Errorf("a step of %s took %v s, and 6.8 are published", r.name, got)
			}
		}
		if r.name == "DP_1x1x1_2_1536x16" {
			if got := r.seconds(); math.Abs(got/.46412-1) > .05 {
				t.Errorf("a step of %s took %v s, and 0.464 are published", r.name, got)
			}
		}
	}
}

func TestProgram(t *testing.T) {
	rows := strings.SplitAfter(string(table), "\n")
	few := filepath.Join(t.TempDir(), "few.csv")
	if err := os.WriteFile(few, []byte(rows[0]+rows[1]+rows[17]), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := do([]string{"-check", few}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.7B", "DP_1x1x1_2_1536x16", "all                   2 runs: median ", "chosen for 1.7B: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	if err := os.WriteFile(few, []byte(rows[0]+strings.Replace(rows[3], ",8,2,32,", ",8,5,32,", 1)+rows[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := do([]string{"-check", few}, &out); err == nil || !strings.Contains(err.Error(), "narayanan2021-t1, 39.1B: ") || !strings.Contains(out.String(), "1 runs: median") {
		t.Errorf("got %v and\n%s", err, out.String())
	}
	if err := os.WriteFile(few, []byte(rows[0]+strings.Replace(rows[1], "A100-80GB", "A1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := do([]string{"-check", few}, &out); err == nil || err.Error() != `row 2: nothing is known of a "A1"` {
		t.Errorf("got %v", err)
	}
}
