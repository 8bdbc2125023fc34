package searchtest

import (
	"math"
	"strconv"

	"budwood/search"
)

// Odd are problems of kinds on which samplers get stuck.
func Odd() []Problem { return []Problem{Needle(), Plateau(), Rough(), Seeded()} }

// Needle is a bowl in two dimensions beside a choice of 50 options, of which one is
// better than all others.
func Needle() Problem {
	values := make([]string, 50)
	for i := range values {
		values[i] = "o" + strconv.Itoa(i)
	}
	x, y, c := search.Float("x", 0, 1), search.Float("y", 0, 1), search.Choice("c", values...)
	return Problem{
		Name: "needle", Space: search.Space{c, x, y}, Min: 0, Typical: .86,
		F: func(p search.Params) float64 {
			a, b := (x.In(p)-.3)/.25, (y.In(p)-.6)/.25
			bowl := math.Exp(-(a*a + b*b) / 2)
			if c.In(p) != "o37" {
				bowl *= .5
			}
			return 1 - bowl
		},
	}
}

// Plateau is 1 nearly everywhere in four dimensions, with a basin in 4 % of them.
func Plateau() Problem {
	space, vars := box("x", 4, 0, 1)
	at := []float64{.34, .63, .41, .58}
	return Problem{
		Name: "plateau", Space: space, Min: 0, Typical: 1,
		F: func(p search.Params) float64 {
			d := 0.
			for i, v := range vars {
				d += (v.In(p) - at[i]) * (v.In(p) - at[i])
			}
			return min(d/.09, 1)
		},
	}
}

// Rough is a bowl in three dimensions under noise of its own size that belongs to
// the point: the nearest points differ as much as any. Its minimum is that of the
// bowl.
func Rough() Problem {
	space, vars := box("x", 3, 0, 1)
	return Problem{
		Name: "rough", Space: space, Min: 0, Typical: .75,
		F: func(p search.Params) float64 {
			d := 0.
			seed := splitMix(7)
			for _, v := range vars {
				d += (v.In(p) - .4) * (v.In(p) - .4)
				seed = splitMix(math.Float64bits(v.In(p)) ^ seed.next())
			}
			return 2*d + seed.uni()
		},
	}
}

// Seeded is a log learning rate beside an int of 2³¹ values that says nothing.
func Seeded() Problem {
	lr, seed := search.LogFloat("lr", 1e-5, 1), search.Int("random_state", 0, 1<<31-1)
	return Problem{
		Name: "seeded", Space: search.Space{seed, lr}, Min: 0, Typical: 1.6,
		F: func(p search.Params) float64 {
			l := math.Log10(lr.In(p)) + 1.7
			s := splitMix(uint64(seed.In(p)))
			return l*l + .05*s.uni()
		},
	}
}
