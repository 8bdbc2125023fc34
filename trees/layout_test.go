package trees

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"budwood/data"
)

func TestLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	text := "a,b,c,y\n"
	for range 10 {
		text += "1,red,,0\n2,blue,5,1\n3,,6,0\n,red,7,1\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, numeric := range []data.Encoding{data.Standard, data.Piecewise} {
		d, rows, err := data.LoadWith(t.Context(), data.Source{CSV: path, Target: "y", Numeric: numeric}, path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := LayoutOf(d.Preparation, d.Features)
		if err != nil {
			t.Fatal(err)
		}
		table := l.Table(rows)
		if len(l) != 3 || l[0].Name != "a" || l[1].Levels != 3 || l[2].Levels != 0 || table.Rows() != 40 {
			t.Fatalf("%s: layout %+v of %d rows", numeric, l, table.Rows())
		}
		x := table.X
		if a := x[0:12]; !(a[0] < a[3] && a[3] < a[6]) {
			t.Errorf("%s: column a is %v", numeric, a)
		}
		nan := func(v float32) bool { return math.IsNaN(float64(v)) }
		if !nan(x[9]) || !nan(x[2]) || nan(x[5]) || x[1] != x[10] || x[1] == x[4] || nan(x[7]) {
			t.Errorf("%s: the rows are %v", numeric, x[:12])
		}
	}
	l, err := LayoutOf(nil, 4)
	if err != nil || len(l) != 4 || l[3].Name != "x3" {
		t.Errorf("without a preparation: %+v, %v", l, err)
	}
	if _, err := LayoutOf(&data.Preparation{Columns: []data.Prepared{{Name: "a", Kind: data.Numeric}}}, 3); err == nil {
		t.Error("a preparation of other rows is taken")
	}
}
