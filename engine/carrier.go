package engine

import "budwood/engine/mesh"

// carrier takes units between the ranks, one after the other, on a stream of the link
// and, while lanes compute, a goroutine of its own. What it does next is the same for
// all ranks. Its methods are for the first lane.
type carrier struct {
	t     *Trainer
	group *mesh.Group
	unit  *unit // that is on its way

	jobs             chan job
	done             chan error // of each job, in their order
	work             func()
	running          bool
	posted, finished int

	training bool // passes go backward, too
	summing  int  // the number of the last job that sums gradients up
	coming   int  // the place in a pass whose weights are on their way before they are needed; −1: none
	came     int  // the number of that job
}

// job is one journey of a unit.
type job struct {
	what  int
	unit  int
	round int
}

const (
	sumUp       = iota // the ranks' gradients, each in its own piece
	bringUnit          // the weights from the ranks' pieces
	endCarrying        // no more of them
)

// underway is the most jobs that wait at once.
const underway = 4

func newCarrier(link mesh.Link, m mesh.Members) (*carrier, error) {
	c := &carrier{jobs: make(chan job, underway), done: make(chan error, underway), coming: -1}
	c.work = c.carry
	m.Name, m.Stream = "units", 1
	m.Cut = func(_, _, i int) (from, to int) { return c.unit.cuts[i] - c.unit.lo, c.unit.cuts[i+1] - c.unit.lo }
	var err error
	c.group, err = mesh.NewGroup(link, m)
	return c, err
}

// start lets the goroutine begin; stop lets it end, and waits for all jobs.
func (c *carrier) start(training bool) {
	c.running, c.training, c.coming = true, training, -1
	go c.work()
}

func (c *carrier) stop() {
	c.wait(c.posted)
	c.jobs <- job{what: endCarrying}
	c.running = false
}

// carry is the goroutine.
func (c *carrier) carry() {
	for j := range c.jobs {
		if j.what == endCarrying {
			return
		}
		c.done <- c.do(j)
	}
}

// post orders a job, which is done at once if the goroutine does not run, and returns
// its number.
func (c *carrier) post(j job) int {
	if c.running {
		c.wait(c.posted + 1 - underway)
		c.jobs <- j
		c.posted++
	} else {
		c.posted++
		c.finished++
		c.t.ranks.fail(c.do(j))
	}
	return c.posted
}

// wait waits for all jobs up to a number.
func (c *carrier) wait(number int) {
	for c.finished < number {
		c.t.ranks.fail(<-c.done)
		c.finished++
	}
}

func (c *carrier) do(j job) error {
	t := c.t
	u := &t.units[j.unit]
	c.unit = u
	if j.what == bringUnit {
		w := stretch{0, u.size()}.of(t.net.buffers.weights[j.unit%2])
		copy(w[u.own.lo-u.lo:], t.weightsOf(u))
		return c.group.AllGather(w)
	}
	if err := c.group.ReduceScatter(u.trees); err != nil {
		return err
	}
	sum := u.trees[0][u.own.lo-u.lo : u.own.hi-u.lo]
	if t.addRound(sum, u.at, j.round); j.round+1 == t.deal.rounds {
		copy(t.gradientOf(u), sum)
	}
	return nil
}

// sum sums the gradient of a unit up, while those of the next one are computed in the
// other buffer.
func (c *carrier) sum(k, round int) {
	if c.over() {
		return
	}
	before := c.summing
	c.summing = c.post(job{sumUp, k, round})
	switch {
	case k == 0:
		c.wait(c.summing)
	case c.t.total != nil:
		c.wait(before)
	}
	c.over()
}

// over reports whether the link has ended. If so it waits for what is left to do: lanes go
// on to the end of the step, in the same buffers.
func (c *carrier) over() bool {
	if c.t.ranks.lost == nil {
		return false
	}
	c.wait(c.posted)
	return true
}

// bring brings the weights of the unit that comes at a place in a pass: forward all
// units in turn, then backward. The last one is still there when the pass turns back.
// The ones after it come meanwhile.
func (c *carrier) bring(place int) {
	n := len(c.t.units)
	if c.over() {
		return
	}
	if place != n {
		if c.coming != place {
			c.came = c.post(job{what: bringUnit, unit: min(place, 2*n-1-place)})
		}
		if c.wait(c.came); c.over() {
			return
		}
	}
	next, end := place+1, n
	if c.training {
		end = 2 * n
	}
	if next == n {
		next++
	}
	if c.running && next < end && c.coming != next {
		c.coming = next
		c.came = c.post(job{what: bringUnit, unit: min(next, 2*n-1-next)})
	}
}
