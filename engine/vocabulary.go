package engine

import (
	"math"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
)

// vocabulary is the cross-entropy of logits whose columns are cut into parts (Shoeybi et
// al. 2019, section 3). With the maximum m of all logits of a row, Z = Σ exp(x − m), and
// the target q = (1 − ε)·onehot + ε/K, times the weights w of the classes, the loss is
//
//	Σ w·q·(log Z − (x − m))
//
// and its gradient (Σ w·q)·exp(x − m)/Z − w·q. So the parts tell each other three
// numbers a row besides the maximum: their shares of Z, of Σ w·(x − m), and of Σ
// w·onehot·(x − m).
type vocabulary struct {
	loss  loss.CrossEntropy
	parts [][]plan.Span // columns of all parts
	own   plan.Span     // of the parts that are computed here
	cols  int           // of these
	all   int           // columns of the whole

	top, told []float64 // of each part and row: the maximum; the three numbers
	sum       func(x []float64)
}

// newVocabulary is nil for a network whose outputs are not cut, or another stage's.
func newVocabulary(n *Net) *vocabulary {
	if n.cuts == nil || n.cuts.Head == nil || n.stage != nil && !n.stage.last() {
		return nil
	}
	h := n.cuts.Head
	l, _ := n.cfg.Loss.(loss.CrossEntropy)
	v := &vocabulary{loss: l, parts: h.Spans, own: plan.Span{To: len(h.Spans)}, cols: h.Size, all: h.Size, sum: n.cuts.Sum64}
	if t := n.cuts.Part; t != plan.InTurn {
		v.own, v.cols = plan.Span{From: t, To: t + 1}, plan.Length(h.Spans[t])
	}
	size := len(v.parts) * n.cfg.Batch * labels(n.out)
	v.top, v.told = make([]float64, size), make([]float64, told*size)
	return v
}

// told is how many numbers the parts tell each other about each row, beside the maximum.
const told = 3

// vocabularyFloats is the memory that the numbers of so many rows take, in floats.
func vocabularyFloats(c *plan.Cuts, rows int) int64 {
	if c == nil || c.Head == nil {
		return 0
	}
	return plan.Product(2*(1+told), c.Parts, rows)
}

// gradient is [loss.Loss.Gradient], of mixed targets too.
func (v *vocabulary) gradient(d, y []float32, t loss.Targets, rows int) (sum, weight float64) {
	n := len(t.Class)
	weight = v.loss.Weight(t.Class, rows)
	if weight == 0 { // nothing here counts
		clear(d)
		return 0, 0
	}
	scale, k := 1/float64(n), n/rows
	if v.loss.Weights != nil {
		scale = float64(rows) / (weight * float64(n))
	}
	v.maxima(y, n)
	v.shares(d, y, &t, n, k)
	product := 1. // of Z, each at least 1: one logarithm serves many rows
	for i := range n {
		z, mean, target := v.total(i, n)
		all := float64(v.weigh(t.Class[i])) * float64(v.hard())
		if v.loss.Smoothing > 0 {
			all += float64(v.soft()) * v.weights()
		}
		sum -= float64(v.hard())*target + float64(v.soft())*mean
		if v.loss.Weights != nil {
			sum += all * math.Log(z)
		} else if product *= z; !(product < 1e200) {
			sum += math.Log(product)
			product = 1
		}
		v.row(d, &t, i, k, float32(scale*all/z), float32(scale))
	}
	return (sum + math.Log(product)) * float64(rows) / float64(n), weight
}

// hard and soft are what the target gives to the class, and to every class.
func (v *vocabulary) hard() float32 { return 1 - float32(v.loss.Smoothing) }
func (v *vocabulary) soft() float32 { return float32(v.loss.Smoothing) / float32(v.all) }

// weigh is the weight of a class, weights that of all together.
func (v *vocabulary) weigh(class int32) float32 {
	if v.loss.Weights == nil {
		return 1
	}
	return v.loss.Weights[class]
}

func (v *vocabulary) weights() (sum float64) {
	if v.loss.Weights == nil {
		return float64(v.all)
	}
	for _, w := range v.loss.Weights {
		sum += float64(w)
	}
	return sum
}

// columns are the columns of part p in a row of x.
func (v *vocabulary) columns(x []float32, row, p int) []float32 {
	s, first := v.parts[p][0], v.parts[v.own.From][0].From
	return x[row*v.cols:][s.From-first : s.To-first]
}

// maxima finds the largest logit of each row in each part.
func (v *vocabulary) maxima(y []float32, n int) {
	v.top = v.top[:len(v.parts)*n]
	v.silence(v.top)
	for p := v.own.From; p < v.own.To; p++ {
		for i := range n {
			x := v.columns(y, i, p)
			top := x[0]
			for _, l := range x {
				if l > top {
					top = l
				}
			}
			v.top[p*n+i] = float64(top)
		}
	}
	v.tell(v.top)
	for i := range n {
		for p := 1; p < len(v.parts); p++ {
			if l := v.top[p*n+i]; l > v.top[i] {
				v.top[i] = l
			}
		}
	}
}

// shares makes d the exponentials, and finds each part's share in the sums.
func (v *vocabulary) shares(d, y []float32, t *loss.Targets, n, k int) {
	v.told = v.told[:told*len(v.parts)*n]
	v.silence(v.told)
	for p := v.own.From; p < v.own.To; p++ {
		first := v.parts[p][0].From
		for i := range n {
			e, top := v.columns(d, i, p), float32(v.top[i])
			var mean, target float64
			for j, l := range v.columns(y, i, p) {
				e[j] = l - top
			}
			if v.loss.Smoothing > 0 {
				for j, l := range e {
					mean += float64(v.weigh(int32(first+j)) * l)
				}
			}
			v.targets(t, i, k, first, len(e), func(j int, share float32) { target += float64(share * e[j]) })
			kernel.Exp(e, e)
			var z float64
			for _, l := range e {
				z += float64(l)
			}
			copy(v.told[told*(p*n+i):], []float64{z, mean, target})
		}
	}
	v.tell(v.told)
}

// targets calls f for each class of row i that is among n columns from first on, with its
// share in the row times its weight.
func (v *vocabulary) targets(t *loss.Targets, i, k, first, n int, f func(column int, share float32)) {
	keep := float32(1)
	if t.Partner != nil {
		keep = t.Keep[i/k]
	}
	if j := int(t.Class[i]) - first; 0 <= j && j < n {
		f(j, keep*v.weigh(t.Class[i]))
	}
	if t.Partner != nil {
		if j := int(t.Partner[i]) - first; 0 <= j && j < n {
			f(j, 1-keep)
		}
	}
}

// total adds what the parts have told about row i of n up, in their order.
func (v *vocabulary) total(i, n int) (z, mean, target float64) {
	for p := range v.parts {
		x := v.told[told*(p*n+i):][:told]
		z, mean, target = z+x[0], mean+x[1], target+x[2]
	}
	return z, mean, target
}

// row makes the exponentials of row i its gradient.
func (v *vocabulary) row(d []float32, t *loss.Targets, i, k int, perExp, scale float32) {
	for p := v.own.From; p < v.own.To; p++ {
		g, first := v.columns(d, i, p), v.parts[p][0].From
		base := scale * v.soft()
		switch {
		case v.loss.Weights == nil:
			for j, e := range g {
				g[j] = e*perExp - base
			}
		default:
			for j, e := range g {
				g[j] = e*perExp - base*v.loss.Weights[first+j]
			}
		}
		v.targets(t, i, k, first, len(g), func(j int, share float32) { g[j] -= scale * v.hard() * share })
	}
}

// silence makes x what this rank knows nothing about: −0 leaves the bits of what it is
// added to.
func (v *vocabulary) silence(x []float64) {
	if v.sum == nil {
		return
	}
	for i := range x {
		x[i] = math.Copysign(0, -1)
	}
}

// tell gives all parts what each of them knows.
func (v *vocabulary) tell(x []float64) {
	if v.sum != nil {
		v.sum(x)
	}
}
