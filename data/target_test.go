package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestTask(t *testing.T) {
	numbers := func(from, to, times int) (out []string) {
		for range times {
			for i := from; i <= to; i++ {
				out = append(out, fmt.Sprint(i))
			}
		}
		return out
	}
	for _, c := range []struct {
		name   string
		values []string
		want   Task
	}{
		{"text", strings.Fields("a b a b"), Classification},
		{"20 whole numbers", numbers(1, 20, 2), Classification},
		{"21 whole numbers", numbers(1, 21, 2), Regression},
		{"whole numbers, most of them once", append(numbers(1, 5, 1), "1"), Regression},
		{"fractions", strings.Fields("0.5 1 0.5 1 0.5 1"), Regression},
		{"whole numbers with a point", strings.Fields("1.0 2.0 1.0 2.0"), Classification},
		{"missing ones do not count", strings.Fields("1 ? 2 ? 1 2"), Classification},
	} {
		table, err := text("x,y\n0," + strings.Join(c.values, "\n0,") + "\n")
		if err != nil {
			t.Fatal(err)
		}
		g, bad := newGoal(table.columns[1], table.rows, "")
		if bad != nil {
			t.Errorf("%s: %v", c.name, bad)
			continue
		}
		if (g.class != nil) != (c.want == Classification) {
			t.Errorf("%s: classes %v", c.name, g.names)
		}
	}
}

func TestClassOrder(t *testing.T) {
	for _, c := range []struct{ cells, names, class string }{
		{"10 9 -1 10 9 -1", "[-1 9 10]", "[2 1 0 2 1 0]"}, // by number
		{"no yes ? no yes", "[no yes]", "[0 1 -1 0 1]"},
		{"yes no yes no", "[no yes]", "[1 0 1 0]"}, // not by appearance
		{"1.50 1 1.5 1", "[1 1.5]", "[1 0 1 0]"},
		{"10 x 9 10 x 9", "[10 9 x]", "[0 2 1 0 2 1]"}, // text
	} {
		table, err := text("x,y\n0," + strings.Join(strings.Fields(c.cells), "\n0,") + "\n")
		if err != nil {
			t.Fatal(err)
		}
		g, bad := newGoal(table.columns[1], table.rows, Classification)
		if bad != nil {
			t.Fatal(bad)
		}
		if fmt.Sprint(g.names) != c.names || fmt.Sprint(g.class) != c.class {
			t.Errorf("%s: %v %v", c.cells, g.names, g.class)
		}
		if slices.ContainsFunc(g.rows, func(i int) bool { return g.class[i] < 0 }) {
			t.Errorf("%s: rows %v have a target", c.cells, g.rows)
		}
	}
}

func TestRegressionByForce(t *testing.T) {
	path := write(t, "f.csv", "x,y\n"+strings.Repeat("1,0\n2,1\n", 10))
	if d := load(t, Source{CSV: path, Target: "y"}); d.Task != Classification {
		t.Errorf("0 and 1 are a %s", d.Task)
	}
	if d := load(t, Source{CSV: path, Target: "y", Task: Regression}); d.Task != Regression || len(d.Train.Target) != 12 {
		t.Errorf("%s of %d targets", d.Task, len(d.Train.Target))
	}
}
