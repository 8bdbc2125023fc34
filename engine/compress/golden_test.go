package compress

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/loss"
)

func near(t *testing.T, what string, got, want []float64, bound float64) {
	t.Helper()
	for i := range want {
		if len(got) != len(want) || !(math.Abs(got[i]-want[i]) <= bound) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

func wide(x []float32) (out []float64) {
	for _, v := range x {
		out = append(out, float64(v))
	}
	return out
}

func TestGoldenFold(t *testing.T) {
	w, b := folded([]float32{0, -.2, 1.5}, nil, map[string][]float32{"weight": {1.5}, "bias": {.2}, "running_mean": {.3}, "running_var": {.8}}, 0)
	near(t, "weights", wide(w), []float64{0, -.3354081, 2.5155608}, 2.4e-7) // an ulp: the third lies in the middle between two
	near(t, "bias", wide(b), []float64{-.3031122}, 1e-7)
}

func TestGoldenCubic(t *testing.T) {
	var shares []float64
	var masked []int
	n := compiled(t, engine.Dense{Out: 37, NoBias: true}, data.Shape{1}, 1)
	for i := range 5 {
		s := Cubic(0, .9, float64(i)/4)
		mask, err := Magnitude(n, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, m := range mask {
			if m == 0 {
				count++
			}
		}
		shares, masked = append(shares, s), append(masked, count)
	}
	near(t, "shares", shares, []float64{0, .520313, .7875, .885938, .9}, 1e-6)
	if !slices.Equal(masked, []int{0, 19, 29, 33, 33}) {
		t.Errorf("%v of 37 weights masked", masked)
	}
	near(t, "steps", Steps(.5, 2), []float64{1 - .4375, .5}, 1e-12)
}

// matrixNet is a Dense without bias of the transposed rows: row i makes unit i.
func matrixNet(t *testing.T, rows ...[]float32) *engine.Net {
	t.Helper()
	n, err := engine.Compile(engine.Seq{engine.Dense{Out: len(rows), NoBias: true}, engine.Dense{Out: 1}}, data.Shape{len(rows[0])}, engine.Config{Batch: 4, Loss: loss.MSE{}})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		for j, v := range r {
			n.Params()[j*len(rows)+i] = v
		}
	}
	return n
}

var (
	rowA, rowB = []float32{0, -.2, 1.5, 1.5, .2, .4, -.9, -2}, []float32{-.3, .2, 1.2, 1.2, -.4, -.3, -1, -1.4}
	gradA      = []float32{-1.7, 2, -.5, -.4, -1.3, .8, -1.6, -.2}
	gradB      = []float32{-.9, .4, -.5, -1.2, 0, .4, .1, .3}
)

func TestGoldenNM(t *testing.T) {
	mask, err := NM(matrixNet(t, rowA, rowB), 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	for unit := range 2 {
		for i := range 8 {
			if want := float32(i % 4 / 2); mask[i*2+unit] != want {
				t.Errorf("unit %d, weight %d: mask %g, want %g", unit, i, mask[i*2+unit], want)
			}
		}
	}
	mask, err = NM(matrixNet(t, []float32{1, 1, 1, 1, 1, .1}), 2, 4)
	if err != nil || !slices.Equal(mask[:6], []float32{1, 1, 0, 0, 1, 1}) {
		t.Errorf("ties and a remainder: %v, %v", mask, err)
	}
	for _, bad := range [][2]int{{0, 4}, {5, 4}} {
		if _, err := NM(matrixNet(t, rowA), bad[0], bad[1]); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestGoldenImportance(t *testing.T) {
	n := matrixNet(t, rowA, rowB)
	tr, err := trace(n.Layer(), n.In(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newScorer(n, tr)
	m := tr.members[0]
	near(t, "L1", s.places(m, L1), []float64{6.7, 6}, 1e-6)
	squares := s.places(m, L2)
	near(t, "L2", []float64{math.Sqrt(squares[0]), math.Sqrt(squares[1])}, []float64{3.090307, 2.493993}, 1e-6)
	grads := make([]float32, len(n.Params()))
	for i := range gradA {
		grads[2*i], grads[2*i+1] = gradA[i], gradB[i]
	}
	s.gather(0, Taylor, n.Params(), grads)
	near(t, "Taylor", s.sums[m.tensor], []float64{.0225, 5.4289}, 1e-5)
	moved := make([]float32, 8)
	Move(moved, rowA, gradA)
	near(t, "movement", wide(moved), []float64{0, .4, .75, .6, .26, -.32, -1.44, -.4}, 1e-6)

	w := tensorsOf(n)["1.weight"]
	w[0], w[1] = 1, -3
	l1, err := Scores(n, L1, Evidence{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "scores", l1[Group{"0 Dense(2)", 2}], []float64{(6.7/6.35 + .5) / 2, (6/6.35 + 1.5) / 2}, 1e-6)
}

// toy is rows whose target is the sum of the first two of four inputs.
func toy(rows int) *data.Set {
	r := rand.New(rand.NewPCG(1, 1))
	s := &data.Set{Shape: data.Shape{4}, Outputs: 1}
	for range rows {
		x := []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64())}
		s.X, s.Target = append(s.X, x...), append(s.Target, x[0]+x[1])
	}
	return s
}

// The channels that carry something count more, by every importance but the random one.
func TestScoresFindWhatCounts(t *testing.T) {
	l := engine.Seq{engine.Dense{Out: 6, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 8}, engine.Tanh{}, engine.Dense{Out: 1}}
	n := compiled(t, l, data.Shape{4}, 3)
	for i, v := range tensorsOf(n)["0.weight"] {
		tensorsOf(n)["0.weight"][i] = v * []float32{1, .01}[i%6%2]
	}
	for i := range 6 {
		tensorsOf(n)["1.weight"][i] = []float32{1, .01}[i%2]
	}
	stats := slices.Clone(n.Statistics()[0].Data)
	for _, how := range Importances {
		scores, err := Scores(n, how, Evidence{Set: toy(64)})
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Scores(n, how, Evidence{Set: toy(64)})
		g := Group{"0 Dense(6)", 6}
		if !slices.Equal(scores[g], again[g]) {
			t.Errorf("%s: other scores the second time", how)
		}
		if len(scores) != 2 || len(scores[Group{"3 Dense(8)", 8}]) != 8 {
			t.Fatalf("%s: scores %v", how, scores)
		}
		if how == Random || how == Movement { // which may be negative
			continue
		}
		keep, err := Choose(l, n.In(), scores, Budget{Channels: .5})
		if err != nil || !slices.Equal(keep[g], []int{0, 2, 4}) {
			t.Errorf("%s: keeps %v of %v, %v", how, keep[g], scores[g], err)
		}
	}
	if !slices.Equal(stats, n.Statistics()[0].Data) {
		t.Error("the statistics have moved")
	}
	for how, want := range map[Importance]string{"l3": "none of", Taylor: "data set"} {
		if _, err := Scores(n, how, Evidence{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", how, err)
		}
	}
}

func TestChooseForMACs(t *testing.T) {
	in := data.Shape{28, 28, 1}
	l := engine.Seq{
		engine.Conv{Out: 32, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 64, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
		engine.MaxPool{}, engine.Dense{Out: 10},
	}
	_, whole, _ := engine.Measure(l, in)
	for _, share := range []float64{.9, .75, .5, .25} {
		for _, wide := range []bool{false, true} {
			strict := share > .8
			keep, err := Choose(l, in, nil, Budget{MACs: share, Wide: wide, Strict: strict})
			if err != nil {
				t.Fatal(err)
			}
			small, err := Shrink(l, in, keep)
			if err != nil {
				t.Fatal(err)
			}
			_, c, err := engine.Measure(small, in)
			if left := float64(c.MACs) / float64(whole.MACs); err != nil || left > 1.05*share || strict && left > share || left < .9*share {
				t.Errorf("%.2f of the MACs: %.3f are left (%v)", share, left, err)
			}
			t.Logf("%.2f, wide %v: %v, %.3f", share, wide, small, float64(c.MACs)/float64(whole.MACs))
		}
	}
	for _, b := range []Budget{{}, {MACs: 1.5}, {MACs: 1e-4}, {MACs: .5, Protect: []string{"x"}}} {
		if keep, err := Choose(l, in, nil, b); err == nil {
			t.Errorf("%+v: %v", b, keep)
		}
	}
	if _, err := Choose(l, in, map[Group][]float64{{"0 Conv(32, 3×3)", 32}: {1}}, Budget{MACs: .5}); err == nil {
		t.Error("a score for one of 32 channels is accepted")
	}
}

// Heads are whole vectors already: 7 of 12 are not rounded to 8.
func TestChooseHeads(t *testing.T) {
	l := engine.Seq{engine.Embedding{Vocab: 11, Out: 96}, engine.Residual{Body: engine.Seq{engine.Attention{Heads: 12}}}, engine.Dense{Out: 11, PerStep: true}}
	heads := Group{"1.body.0 Attention(12) heads", 12}
	keep, err := Choose(l, data.Shape{64}, nil, Budget{MACs: .6, Protect: []string{"0"}})
	if err != nil || len(keep) != 1 || len(keep[heads]) != 7 {
		t.Errorf("%v, %v", keep, err)
	}
}

func TestGoldenRank(t *testing.T) {
	rows := make([][]float32, 4)
	for j := range rows {
		for i := range 5 {
			rows[j] = append(rows[j], float32(math.Round(1e6/float64(i+j+1))/1e6))
		}
	}
	n := matrixNet(t, rows...)
	s, err := spectra(n)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "σ", s["0"].sigma, []float64{1.53229, .187401, .008734, .000171}, 1e-5)
	for energy, want := range map[float64]int{.9: 1, .99: 2, .999: 2, 1: 4} {
		if r := RankOf(s["0"].sigma, energy); r != want {
			t.Errorf("energy %g: rank %d, want %d", energy, r, want)
		}
	}
	thin, err := LowRank(n, map[string]int{"0": 2})
	if err != nil {
		t.Fatal(err)
	}
	ts := tensorsOf(thin)
	var off float64
	for i := range 5 {
		for j := range 4 {
			var v float64
			for k := range 2 {
				v += float64(ts["0.weight"][i*2+k]) * float64(ts["1.weight"][k*4+j])
			}
			off += (v - float64(rows[j][i])) * (v - float64(rows[j][i]))
		}
	}
	near(t, "squared error", []float64{off}, []float64{7.6306e-5}, 1e-8)
	for _, c := range [][3]int{{784, 256, 192}, {9 * 16, 32, 26}} {
		if !Pays(c[2], c[0], c[1]) || Pays(c[2]+1, c[0], c[1]) {
			t.Errorf("%d×%d does not pay up to rank %d", c[0], c[1], c[2])
		}
	}
}

// Full rank and folded norms compute what the network does.
func TestRewritesKeepTheFunction(t *testing.T) {
	for _, c := range table {
		n := compiled(t, c.layer, c.in, 4)
		stir(rand.New(rand.NewPCG(4, 4)), n)
		before := slices.Clone(n.Params())
		ranks := map[string]int{}
		for path, m := range matrices(n) {
			ranks[path] = min(m.rows, m.cols)
		}
		if len(ranks) == 0 {
			t.Errorf("%s: no layer", c.name)
		}
		thin, err := LowRank(n, ranks)
		if err != nil {
			t.Fatalf("%s, %v: %v", c.name, ranks, err)
		}
		if d := apart(outputs(t, 1, n), outputs(t, 1, thin)); !(d <= 1e-5) {
			t.Errorf("%s, full rank: apart by %.2g", c.name, d)
		}
		if thin.Layer().String() == n.Layer().String() {
			t.Errorf("%s: no layer was split", c.name)
		}
		same, err := LowRank(n, nil)
		if err != nil || same.Layer().String() != n.Layer().String() || !slices.Equal(outputs(t, 1, n), outputs(t, 1, same)) {
			t.Errorf("%s without ranks: %v, %v", c.name, same.Layer(), err)
		}
		flat, err := Fold(n)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if d := apart(outputs(t, 1, n), outputs(t, 1, flat)); !(d <= 1e-5) {
			t.Errorf("%s, folded: apart by %.2g", c.name, d)
		}
		if strings.Contains(flat.Layer().String(), "BatchNorm") {
			t.Errorf("%s: a norm is left in %v", c.name, flat.Layer())
		}
		if !slices.Equal(n.Params(), before) {
			t.Errorf("%s: the argument has changed", c.name)
		}
	}
}

// A norm stays behind both parts of a convolution, and the first part has its stride.
func TestLowRankLeavesNormsBehind(t *testing.T) {
	l := engine.Seq{engine.Conv{Out: 8, Stride: 2, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 2}}
	thin, err := LowRank(compiled(t, l, data.Shape{6, 6, 3}, 1), map[string]int{"0": 4})
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Seq{engine.Conv{Out: 4, Stride: 2, NoBias: true}, engine.Conv{Out: 8, Kernel: 1, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 2}}
	if !reflect.DeepEqual(thin.Layer(), engine.Layer(want)) {
		t.Errorf("%v, want %v", thin.Layer(), want)
	}
}

func TestFoldLeavesOtherNorms(t *testing.T) {
	l := engine.Seq{engine.BatchNorm{}, engine.Dense{Out: 4}, engine.Dropout{P: .5}, engine.BatchNorm{}, engine.ReLU{}, engine.BatchNorm{}, engine.Dense{Out: 2}}
	flat, err := Fold(compiled(t, l, data.Shape{3}, 1))
	if err != nil || flat.Layer().String() != "[BatchNorm, Dense(4), Dropout(0.5), ReLU, BatchNorm, Dense(2)]" {
		t.Errorf("%v, %v", flat.Layer(), err)
	}
}

func TestRanksPay(t *testing.T) {
	n := compiled(t, engine.Seq{engine.Dense{Out: 64}, engine.ReLU{}, engine.Dense{Out: 48}, engine.ReLU{}, engine.Dense{Out: 3}}, data.Shape{80}, 1)
	for _, share := range []float64{.75, .5} {
		ranks, energy, err := RanksForMACs(n, share)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Ranks(n, energy)
		if err != nil || len(again) != len(ranks) {
			t.Errorf("%v and %v of the same energy, %v", ranks, again, err)
		}
		thin, err := LowRank(n, ranks)
		if err != nil {
			t.Fatal(err)
		}
		if left := float64(thin.Cost().MACs) / float64(n.Cost().MACs); left > share || left < share-.2 {
			t.Errorf("%.2f of the MACs: %.3f are left with %v", share, left, ranks)
		}
		for path, r := range ranks {
			if m := matrices(n)[path]; r%8 != 0 || !Pays(r, m.rows, m.cols) {
				t.Errorf("rank %d of %d×%d", r, m.rows, m.cols)
			}
		}
	}
	if _, _, err := RanksForMACs(n, .01); err == nil {
		t.Error("a hundredth of the MACs is possible")
	}
	for _, bad := range []map[string]int{{"1": 2}, {"0": 65}, {"0": -1}, {"x": 1}} {
		if _, err := LowRank(n, bad); err == nil || !strings.Contains(err.Error(), "layer") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	for _, bad := range []float64{0, 1.1, math.NaN()} {
		if _, err := Ranks(n, bad); err == nil {
			t.Errorf("an energy of %v is accepted", bad)
		}
	}
}

// With the mean of a channel in the next bias, cutting a channel that is constant over
// the data changes nothing, whatever its value.
func TestPruneMean(t *testing.T) {
	for _, l := range []engine.Seq{
		{engine.Dense{Out: 5}, engine.Sigmoid{}, engine.Dense{Out: 4, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 1}},
		{engine.Dense{Out: 5}, engine.Sigmoid{}, engine.Dense{Out: 4, NoBias: true}, engine.ReLU{}, engine.Dense{Out: 1}},
	} {
		n := compiled(t, l, data.Shape{4}, 2)
		stir(rand.New(rand.NewPCG(2, 2)), n)
		w := tensorsOf(n)["0.weight"]
		for i := range 4 {
			w[i*5+1], w[i*5+3] = 0, 0
		}
		keep := map[Group][]int{{"0 Dense(5)", 5}: {0, 2, 4}}
		small, err := PruneMean(n, keep, toy(16), 4)
		if err != nil {
			t.Fatal(err)
		}
		if d := apart(outputs(t, 1, n), outputs(t, 1, small)); !(d <= 1e-5) {
			t.Errorf("%v: apart by %.2g", l, d)
		}
		masked, err := Prune(n, keep)
		if err != nil {
			t.Fatal(err)
		}
		if d := apart(outputs(t, 1, n), outputs(t, 1, masked)); !(d > 1e-3) {
			t.Errorf("%v: the mask leaves the channels as they were", l)
		}
	}
}
