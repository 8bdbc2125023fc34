package nas

import (
	"math"
	"testing"

	"budwood/data"
	"budwood/search"
)

// Proxies are finite and rank a larger network of the same kind higher.
func TestProxies(t *testing.T) {
	space := bind(t, Spec{Grammar: []any{map[string]any{"repeat": []any{0., 4.}, "of": []any{map[string]any{"op": "conv", "out": map[string]any{"int": []any{2., 64.}}}, "batchnorm", "relu"}}, "globalpool"}}, data.Shape{8, 8, 2})
	small, large := genome(t, "[{[conv(4) batchnorm relu]} globalpool]"), genome(t, "[{[conv(32) batchnorm relu] [conv(32) batchnorm relu]} globalpool]")
	for _, name := range Proxies() {
		f, err := space.Proxy(name)
		if err != nil {
			t.Fatal(err)
		}
		a, b := f(small), f(large)
		if math.IsInf(a, 0) || math.IsInf(b, 0) || b != f(large) || name != "grad_norm" && a >= b {
			t.Errorf("%s: %v for the small network, %v for the large one", name, a, b)
		}
		if x := f(genome(t, "gelu")); !math.IsInf(x, -1) {
			t.Errorf("%s: %v for a foreign genome", name, x)
		}
	}
	if _, err := space.Proxy("horoscope"); err == nil {
		t.Error("a proxy of unknown name")
	}
}

func TestSpearman(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{10, 20, 30, 99}, 1},
		{[]float64{1, 2, 3, 4}, []float64{4, 3, 2, 1}, -1},
		{[]float64{1, 2, 3, 4}, []float64{1, 3, 2, 4}, .8},
		{[]float64{1, 1, 1, 1}, []float64{1, 3, 2, 4}, 0},
		{[]float64{1, 1, 2, 2}, []float64{1, 2, 3, 4}, .8944},
	} {
		if got := search.Spearman(c.x, c.y); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%v, %v: %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

func TestLineageAndFront(t *testing.T) {
	space := bind(t, Spec{Family: "mlp"}, data.Shape{8})
	all := study(t, NSGA2{Space: space, Population: 5}, space, nil, 40, 1, small, shallow)
	line := Lineage(all, 39)
	if len(line) < 2 || line[0].Trial != 39 || len(line[len(line)-1].Origin.Parents) != 0 {
		t.Errorf("lineage %+v", line)
	}
	goals := []search.Objective{{Metric: "0"}, {Metric: "1"}}
	front := search.ParetoFront(all, goals)
	best, share := front.Trials, front.Volume
	if len(best) < 2 || share <= 0 || share > 1 {
		t.Fatalf("front %+v, share %v", best, share)
	}
	for i := range best {
		for j := range best {
			if search.Dominates(best[i].Values, best[j].Values) {
				t.Errorf("%v beats %v", best[i], best[j])
			}
		}
		if i > 0 && best[i].Values[0] < best[i-1].Values[0] {
			t.Errorf("%v stands behind %v", best[i], best[i-1])
		}
	}
	if c := space.Correlations(all, goals[0]); len(c) != len(Proxies()) || c[len(c)-1].Trials != 40 {
		t.Errorf("correlations %+v", c)
	}
	for _, c := range space.Correlations(all, goals[0]) {
		if c.Proxy == "params" && c.Rho > -.99 { // the objective is the number of parameters, less is better
			t.Errorf("%+v", c)
		}
	}
}
