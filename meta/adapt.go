package meta

import (
	"math"

	"budwood/search"
)

// adapt moves a configuration of one space into another. A parameter that both
// spaces have, by name and kind, keeps its value, moved to the nearest one that
// the new space allows; an option that the new space does not have is lost. What
// is missing then takes the middle of its range. known is the share of the new
// point's parameters that came from the old one.
func adapt(p search.Params, from, to search.Space) (out search.Params, known float64) {
	kinds := map[string]search.Kind{}
	for _, d := range from.Dims() {
		kinds[d.Name] = d.Kind
	}
	kept, all := 0, 0
	out = to.Fill(func(d *search.Dim) any {
		all++
		if v, ok := p[d.Name]; ok && kinds[d.Name] == d.Kind {
			if v, ok = nearest(d, v); ok {
				kept++
				return v
			}
		}
		return d.Decode(.5)
	})
	if all == 0 {
		return out, 0
	}
	return out, float64(kept) / float64(all)
}

// nearest is the value of a dimension that is nearest to v.
func nearest(d *search.Dim, v any) (any, bool) {
	if d.Kind != search.KindChoice {
		x, ok := v.(float64)
		if n, isInt := v.(int); isInt {
			x, ok = float64(n), true
		}
		if !ok || math.IsNaN(x) {
			return nil, false
		}
		x = min(max(x, d.Lo), d.Hi)
		step := d.Step
		if d.Kind == search.KindInt && step == 0 {
			step = 1
		}
		if step > 0 {
			k := min(math.Round((x-d.Lo)/step), float64(d.Size()-1))
			x = min(d.Lo+k*step, d.Hi) // the sum may round beyond the end
		}
		v = x
	}
	v, err := d.Check(v)
	return v, err == nil
}
