package compress

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"budwood/data"
	"budwood/engine"
)

// LowRank puts two layers in the place of each layer that ranks names by its path: of
// the best approximation of rank r of its weights, W ≈ U·S·Vᵀ (Eckart & Young 1936),
// U·√S, without bias, and √S·Vᵀ, with the layer's own. A Dense becomes two; a Conv
// becomes one of r channels and one of 1×1 (Zhang et al. 2016), a Conv1D alike. A norm
// stays behind both. Rank 0 leaves a layer as it is.
//
// It is an error to name another layer, or a rank larger than the weights have. Whether
// a rank pays is for the caller to ask: [Pays], and [Ranks], which only gives such.
func LowRank(n *engine.Net, ranks map[string]int) (*engine.Net, error) {
	if err := alive(n); err != nil {
		return nil, fmt.Errorf("low rank: %w", err)
	}
	layers, rankOf := matrices(n), map[*float32]int{}
	for path, r := range ranks {
		m, ok := layers[path]
		switch {
		case !ok:
			return nil, fmt.Errorf("low rank: layer %q: is no Dense, Conv or Conv1D with one group", path)
		case r < 0 || r > min(m.rows, m.cols):
			return nil, fmt.Errorf("low rank: layer %q: rank %d of a matrix of %d×%d", path, r, m.rows, m.cols)
		}
		rankOf[&m.w[0]] = r
	}
	var failed error
	out, err := rewritten(n, func(s engine.Seq, ts []map[string][]float32, in data.Shape) (int, []built) {
		m, ok := matrixOf(s[0], ts[0])
		if !ok {
			return 0, nil
		}
		r := rankOf[&m.w[0]]
		if r == 0 {
			return 0, nil
		}
		parts, err := m.split(s[0], r, ts[0]["bias"])
		if failed == nil {
			failed = err
		}
		return 1, parts
	})
	if failed != nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("low rank: %w", err)
	}
	return out, nil
}

// Pays reports whether two layers of a rank between them are smaller than a matrix of
// rows × cols: r < rows·cols/(rows + cols).
func Pays(r, rows, cols int) bool { return r*(rows+cols) < rows*cols }

// RankOf is the least rank whose singular values (falling) have a share of the energy,
// Σσ².
func RankOf(sigma []float64, energy float64) int {
	var all, sum float64
	for _, s := range sigma {
		all += s * s
	}
	for i, s := range sigma {
		if sum += s * s; sum >= energy*all {
			return i + 1
		}
	}
	return len(sigma)
}

// Ranks are the ranks for a share of the energy of each layer's weights, rounded up to
// a multiple of 8; layers where that does not pay are left out. The layers are those
// that [LowRank] takes, by path.
func Ranks(n *engine.Net, energy float64) (map[string]int, error) {
	if !(energy > 0 && energy <= 1) {
		return nil, fmt.Errorf("ranks: an energy of %v is outside (0, 1]", energy)
	}
	s, err := spectra(n)
	if err != nil {
		return nil, fmt.Errorf("ranks: %w", err)
	}
	return s.ranks(energy), nil
}

// RanksForMACs are the ranks of the largest share of energy, the same for all layers,
// for which so large a share of the multiply-accumulates is left at most; and this
// energy. Layers that are [Protected] stay.
func RanksForMACs(n *engine.Net, macs float64, protect ...string) (ranks map[string]int, energy float64, err error) {
	s, err := spectra(n)
	if err != nil {
		return nil, 0, fmt.Errorf("ranks: %w", err)
	}
	maps.DeleteFunc(s, func(at string, _ spectrum) bool { return Protected(at, protect) })
	whole := float64(n.Cost().MACs)
	left := func(energy float64) float64 {
		saved := 0.
		for path, r := range s.ranks(energy) {
			m := s[path].matrix
			saved += float64(m.places) * float64(m.rows*m.cols-r*(m.rows+m.cols))
		}
		return (whole - saved) / whole
	}
	lo, hi := 0., 1.
	if least := left(lo); least > macs {
		return nil, 0, fmt.Errorf("ranks: %.3g of the MACs are to be left; with the smallest ranks it is %.3g", macs, least)
	}
	for range 40 {
		if mid := (lo + hi) / 2; left(mid) <= macs {
			lo = mid
		} else {
			hi = mid
		}
	}
	return s.ranks(lo), lo, nil
}

// spectrum is the singular values of a layer's weights.
type spectrum struct {
	matrix
	sigma []float64
}

type spectrumOf map[string]spectrum

func spectra(n *engine.Net) (spectrumOf, error) {
	if err := alive(n); err != nil {
		return nil, err
	}
	out := spectrumOf{}
	for path, m := range matrices(n) {
		var svd mat.SVD
		if !svd.Factorize(m.dense(), mat.SVDNone) {
			return nil, fmt.Errorf("layer %q: its weights have no singular values", path)
		}
		out[path] = spectrum{m, svd.Values(nil)}
	}
	return out, nil
}

func (s spectrumOf) ranks(energy float64) map[string]int {
	out := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(s)) {
		r := (RankOf(s[path].sigma, energy) + 7) / 8 * 8
		if Pays(r, s[path].rows, s[path].cols) {
			out[path] = r
		}
	}
	return out
}

// matrix is the weights of a layer, inputs of an output × outputs, and how often a
// sample multiplies with them.
type matrix struct {
	w                  []float32
	rows, cols, places int
}

// matrixOf is that of a layer with its tensors.
func matrixOf(l engine.Layer, tensors map[string][]float32) (matrix, bool) {
	p, ok := productOf(l)
	w := tensors["weight"]
	if !ok || p.groups > 1 || len(w) == 0 {
		return matrix{}, false
	}
	return matrix{w: w, rows: len(w) / p.out, cols: p.out}, true
}

// matrices are those of a network by the path of their layer.
func matrices(n *engine.Net) map[string]matrix {
	out := map[string]matrix{}
	paths := map[*float32]string{}
	for _, t := range n.Tensors() {
		if len(t.Data) > 0 {
			paths[&t.Data[0]] = t.Name
		}
	}
	find := rewrite(func(s engine.Seq, ts []map[string][]float32, in data.Shape) (int, []built) {
		if m, ok := matrixOf(s[0], ts[0]); ok {
			if y, err := s[0].Infer(in); err == nil {
				m.places = y.Size() / channels(y)
				name := paths[&m.w[0]]
				out[name[:max(len(name)-len(".weight"), 0)]] = m
			}
		}
		return 0, nil
	})
	if _, err := find.layer(n.Layer(), tensorsOf(n), n.In()); err != nil {
		return nil
	}
	return out
}

func (m matrix) dense() *mat.Dense {
	x := make([]float64, len(m.w))
	for i, v := range m.w {
		x[i] = float64(v)
	}
	return mat.NewDense(m.rows, m.cols, x)
}

// split is the two layers of a rank.
func (m matrix) split(l engine.Layer, r int, bias []float32) ([]built, error) {
	var svd mat.SVD
	if !svd.Factorize(m.dense(), mat.SVDThin) {
		return nil, fmt.Errorf("%v: its weights have no singular values", l)
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	sigma := svd.Values(nil)
	left, right := make([]float32, m.rows*r), make([]float32, r*m.cols)
	for k := range r {
		root := math.Sqrt(sigma[k])
		for i := range m.rows {
			left[i*r+k] = float32(u.At(i, k) * root)
		}
		for j := range m.cols {
			right[k*m.cols+j] = float32(root * v.At(j, k))
		}
	}
	p, _ := productOf(l)
	second := built{tensors: map[string][]float32{"weight": right}}
	if bias != nil {
		second.tensors["bias"] = bias
	}
	switch l := l.(type) {
	case engine.Dense:
		second.layer = engine.Dense{Out: m.cols, NoBias: p.noBias, PerStep: l.PerStep}
	case engine.Conv:
		second.layer = engine.Conv{Out: m.cols, Kernel: 1, NoBias: p.noBias}
	case engine.Conv1D:
		second.layer = engine.Conv1D{Out: m.cols, Kernel: 1, NoBias: p.noBias}
	}
	first := built{product{p.taps, 1, r, true}.like(l), map[string][]float32{"weight": left}}
	return []built{first, second}, nil
}
