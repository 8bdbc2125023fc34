package engine

import "time"

// pace finds out whether the lanes of a step take less time at once or one after the
// other, which depends on who else wants the cores. The numbers are the same.
type pace struct {
	steps int        // since it was found out last
	took  [2]float64 // the least time of a row at once, and in turn, while it is found out
	turn  bool       // one after the other
}

// Of each paceEvery steps the first paceProbes find out: a bad choice costs them alone.
const (
	paceEvery  = 256
	paceProbes = 6
)

// next says whether the next step's lanes take turns.
func (p *pace) next() bool {
	if p.steps == 0 {
		p.took = [2]float64{}
	}
	if p.steps < paceProbes {
		return p.steps%2 == 1
	}
	return p.turn
}

// done takes in how long a step of so many rows took.
func (p *pace) done(took time.Duration, rows int) {
	if p.steps < paceProbes {
		each := took.Seconds() / float64(rows)
		if of := &p.took[p.steps%2]; *of == 0 || each < *of {
			*of = each
		}
		p.turn = p.took[1] < p.took[0]
	}
	p.steps = (p.steps + 1) % paceEvery
}
