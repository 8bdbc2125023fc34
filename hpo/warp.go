package hpo

import (
	"math"
	"slices"

	"budwood/search"
)

// warp bends [0,1]: it is the distribution function of Kumaraswamy (1980),
//
//	w(x) = 1 − (1 − xᵃ)ᵇ,
//
// for the input warping of Snoek et al. (2014): where a loss changes fast along a
// parameter the scale is stretched, so that it changes evenly along w. Small a
// stretch what is near 0, small b what is near 1, large ones the middle.
type warp struct{ a, b float64 }

// at is w(x).
func (w warp) at(x float64) float64 {
	if !(x > 0) || x >= 1 { // a coordinate that is not there stays NaN
		return x
	}
	return -math.Expm1(w.b * math.Log(-math.Expm1(w.a*math.Log(x))))
}

// inverse is x of w(x).
func (w warp) inverse(y float64) float64 {
	if !(y > 0) || y >= 1 {
		return y
	}
	return math.Exp(math.Log(-math.Expm1(math.Log1p(-y)/w.b)) / w.a)
}

// slopes are the derivatives of w(x) by log a and log b.
func (w warp) slopes(x float64) (byA, byB float64) {
	if !(x > 0) || x >= 1 {
		return 0, 0
	}
	l := w.a * math.Log(x)
	rest := math.Log(-math.Expm1(l)) // log(1 − xᵃ)
	byA = w.b * math.Exp((w.b-1)*rest+l) * l
	byB = -w.b * rest * math.Exp(w.b*rest)
	return byA, byB
}

// warpable lists the parameters whose scale may be bent: numbers and ordinals of
// at least three values, but not where branches hang on them.
func (c *cube) warpable() []int {
	var out []int
	for i, d := range c.dims {
		plain := d.Kind != search.KindChoice || d.Ordered && !slices.ContainsFunc(d.Options, func(o search.Option) bool { return len(o.Space) > 0 })
		if n := d.Size(); plain && (n == 0 || n > 2) {
			out = append(out, i)
		}
	}
	return out
}

// warped is the cube whose coordinates are bent, by parameter; a zero warp leaves
// one as it is.
func (c *cube) warped(by []warp) *cube {
	if by == nil {
		return c
	}
	out := *c
	out.warps = by
	return &out
}

// bend is the coordinate of parameter i for one on the even scale, and even the
// way back.
func (c *cube) bend(i int, u float64) float64 {
	if c.warps == nil || c.warps[i].a == 0 {
		return u
	}
	return c.warps[i].at(u)
}

func (c *cube) even(i int, u float64) float64 {
	if c.warps == nil || c.warps[i].a == 0 {
		return u
	}
	return c.warps[i].inverse(u)
}

// snap moves a coordinate of parameter i to the middle of the value that it
// stands for.
func (c *cube) snap(i int, u float64) float64 {
	d := c.dims[i]
	if continuous(d) {
		return u
	}
	return c.bend(i, snap(d, c.even(i, u)))
}

// bent names the parameters whose scale is bent noticeably: the middle of it lies
// in the outer thirds of the range.
func (c *cube) bent() (names []string) {
	for i, d := range c.dims {
		if u := c.even(i, .5); u < 1./3 || u > 2./3 {
			names = append(names, d.Name)
		}
	}
	return names
}
