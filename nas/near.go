package nas

import (
	"math/rand/v2"

	"budwood/search"
)

// spread is the standard deviation of a step along a dimension, as a share of
// its range.
const spread = 0.15

// near is another value of a dimension, close to v: one place up or down an
// ordinal, any other value of a choice, a normal step along a number. It
// returns v if there is no other value.
func near(r *rand.Rand, d *search.Dim, v any) any {
	if d.Size() == 1 {
		return v
	}
	if d.Kind == search.KindChoice {
		return d.Options[otherOption(r, d, d.Index(v))].Value
	}
	u, err := d.Encode(v)
	if err != nil {
		return d.Decode(r.Float64())
	}
	old, _ := search.Number(v)
	for i := range 16 { // a coarse grid may need wider steps
		x := d.Decode(bounced(u + spread*float64(1+i)*r.NormFloat64()))
		if y, _ := search.Number(x); y != old {
			return x
		}
	}
	return d.Decode(r.Float64())
}

// otherOption is the position of another option, beside i in an ordinal.
func otherOption(r *rand.Rand, d *search.Dim, i int) int {
	n := len(d.Options)
	switch {
	case i < 0:
		return r.IntN(n)
	case !d.Ordered:
		return (i + 1 + r.IntN(n-1)) % n
	case i == 0 || i < n-1 && r.IntN(2) == 0:
		return i + 1
	}
	return i - 1
}

// bounced brings a point back into [0, 1] from beyond an edge.
func bounced(u float64) float64 {
	switch {
	case u < 0:
		return min(-u, 1)
	case u > 1:
		return max(2-u, 0)
	}
	return u
}
