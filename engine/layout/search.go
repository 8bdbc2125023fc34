package layout

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Answer is the plan of the least predicted time that fits, and what came next.
type Answer struct {
	Best   *Estimate `json:"best"`
	Next   []Next    `json:"next"`             // the best plans of other meshes, the fastest first
	Larger *Next     `json:"larger,omitempty"` // a plan that would be faster, if it fitted
	Plans  int       `json:"plans"`            // that are possible
	Fit    int       `json:"fit"`              // of these, that fit
}

// Next is a plan that lost, and why.
type Next struct {
	*Estimate
	Slower float64 `json:"slower"` // time / the best's − 1
	Why    string  `json:"why"`
}

// mostNext is the number of plans that are told beside the best.
const mostNext = 5

// ErrNoFit is the error of a search without a plan that fits.
var ErrNoFit = errors.New("no plan fits")

// Search finds the plan of the least predicted time that fits the memory of every
// rank. Every possible plan is priced except for the time of its schedule, for which
// there is a bound; schedules are simulated in the order of the bounds, until no
// other can be among the best. Of plans with equal times the simpler one wins. The
// error of a fixed cut that is impossible says what would do; if nothing fits, it
// wraps [ErrNoFit] and says what is nearest.
func (p *Problem) Search() (*Answer, error) {
	c, err := p.costs()
	if err != nil {
		return nil, err
	}
	var fit, large []*draft
	least := &draft{}
	why := c.each(p.Fixed, func(plan Plan) {
		d := c.draft(plan)
		if least.memory == 0 || d.memory/float64(d.plan.Threads) < least.memory/float64(least.plan.Threads) {
			least = d
		}
		if d.memory <= c.room(plan) {
			fit = append(fit, d)
		} else {
			large = append(large, d)
		}
	})
	if len(fit) == 0 && least.memory == 0 {
		return nil, why
	}
	if len(fit) == 0 {
		return nil, fmt.Errorf("%w: the smallest, %s, takes %s of the %s that a rank may use: devices with %s each would do, or more of them",
			ErrNoFit, least.plan, Bytes(least.memory), Bytes(c.room(least.plan)), Bytes(least.memory/float64(least.plan.Threads)/usable))
	}
	best, err := c.fastest(fit, mostNext+1)
	if err != nil {
		return nil, err
	}
	a := &Answer{Best: best[0], Plans: len(fit) + len(large), Fit: len(fit)}
	for _, e := range best[1:] {
		a.Next = append(a.Next, Next{e, e.Time.Step/a.Best.Time.Step - 1, c.why(a.Best, e)})
	}
	a.Larger, err = c.larger(large, a.Best)
	return a, err
}

// larger is, of the plans that do not fit and would be faster, the one that needs
// least memory; nil if there is none.
func (c *costs) larger(of []*draft, best *Estimate) (*Next, error) {
	of = slices.DeleteFunc(of, func(d *draft) bool { return d.bound >= best.Time.Step })
	slices.SortFunc(of, func(x, y *draft) int {
		return cmp.Or(cmp.Compare(x.memory/c.room(x.plan), y.memory/c.room(y.plan)), cmp.Compare(x.bound, y.bound))
	})
	for i := range of[:min(len(of), 20)] {
		e, err := c.exact(of[i])
		if err != nil {
			return nil, err
		}
		if e.Time.Step < best.Time.Step*(1-tie) {
			return &Next{e, e.Time.Step/best.Time.Step - 1, fmt.Sprintf("takes %s of the %s that a rank may use", Bytes(of[i].memory), Bytes(c.room(e.Plan)))}, nil
		}
	}
	return nil, nil
}

// fastest are the fastest plans of different meshes (data, tensor, pipeline).
func (c *costs) fastest(of []*draft, most int) ([]*Estimate, error) {
	slices.SortFunc(of, func(x, y *draft) int { return cmp.Or(cmp.Compare(x.bound, y.bound), x.plan.compare(y.plan)) })
	var best []*Estimate // in order, one a mesh
	for i := range of {
		d := of[i]
		if len(best) >= most && d.bound > best[most-1].Time.Step {
			break
		}
		mesh := slices.IndexFunc(best, func(e *Estimate) bool { return e.Plan.mesh() == d.plan.mesh() })
		if mesh >= 0 && d.bound > best[mesh].Time.Step*(1+tie) {
			continue
		}
		e, err := c.exact(d)
		if err != nil {
			return nil, err
		}
		switch {
		case mesh < 0:
			best = append(best, e)
		case e.faster(best[mesh]):
			best[mesh] = e
		}
		slices.SortFunc(best, func(x, y *Estimate) int {
			if x.faster(y) {
				return -1
			}
			return 1
		})
	}
	return best[:min(most, len(best))], nil
}

// tie is the share by which times may differ that are taken for equal.
const tie = 1e-9

// faster reports whether a plan is better than another: faster, or as fast and
// simpler.
func (e *Estimate) faster(o *Estimate) bool {
	if x, y := e.Time.Step, o.Time.Step; x < y*(1-tie) || x > y*(1+tie) {
		return x < y
	}
	return e.Plan.compare(o.Plan) < 0
}

func (p Plan) mesh() [3]int { return [3]int{p.Data, p.Tensor, p.Pipeline} }

// compare orders plans from simple to complicated.
func (p Plan) compare(o Plan) int {
	return cmp.Or(cmp.Compare(p.Tensor*p.Pipeline, o.Tensor*o.Pipeline), cmp.Compare(p.Tensor, o.Tensor), cmp.Compare(p.Chunks, o.Chunks),
		cmp.Compare(p.Zero, o.Zero), cmp.Compare(slices.Index(recomputes, p.Recompute), slices.Index(recomputes, o.Recompute)),
		cmp.Compare(p.MicroBatches, o.MicroBatches), cmp.Compare(p.Threads, o.Threads))
}

// each calls f with every possible plan that agrees with the fixed one. If there is
// none, it returns why.
func (c *costs) each(fixed Cuts, f func(Plan)) error {
	devices, atoms := c.Cluster.Devices(), len(c.atoms)-1
	var why error
	refused := func(err error) bool {
		if err != nil && why == nil {
			why = err
		}
		return err != nil
	}
	if err := c.divides(fixed); err != nil {
		return err
	}
	for _, t := range pick(fixed.Tensor, divisors(devices)) {
		if refused(c.tensor(t)) {
			continue
		}
		for _, p := range pick(fixed.Pipeline, divisors(devices)) {
			for _, d := range pick(fixed.Data, divisors(devices)) {
				if t*p*d != devices && (fixed.Tensor == 0 || fixed.Pipeline == 0 || fixed.Data == 0) {
					continue
				}
				for _, v := range c.chunks(fixed.Chunks, atoms, p) {
					for _, m := range c.micro(fixed, d, p, v) {
						base := Plan{Data: d, Tensor: t, Pipeline: p, Chunks: v, MicroBatches: m, Threads: max(1, fixed.Threads), Recompute: RecomputeNone}
						if refused(c.check(base)) {
							continue
						}
						c.states(base, fixed, f)
					}
				}
			}
		}
	}
	if why == nil {
		why = &FieldError{"data", fmt.Errorf("data × tensor × pipeline must be the %d devices", devices)}
	}
	return why
}

// states calls f with a plan for each choice of threads, zero and recompute.
func (c *costs) states(base Plan, fixed Cuts, f func(Plan)) {
	for _, threads := range pick(fixed.Threads, divisors(c.Cluster.threads())) {
		base.Threads = threads
		if c.threads(base) != nil {
			continue
		}
		for _, base.Zero = range fixed.zeros(base.Data / threads) {
			for _, base.Recompute = range recomputes {
				if fixed.Recompute == "" || fixed.Recompute == base.Recompute {
					f(base)
				}
			}
		}
	}
}

// pick is the fixed value alone, or all of a list.
func pick(fixed int, all []int) []int {
	if fixed > 0 {
		return []int{fixed}
	}
	return all
}

// chunks are the chunks that a stage may have.
func (c *costs) chunks(fixed, atoms, pipeline int) []int {
	switch {
	case fixed > 0:
		return []int{fixed}
	case !c.Model.Chunks || pipeline == 1 || atoms%pipeline != 0:
		return []int{1}
	}
	return divisors(atoms / pipeline)
}

// micro are the numbers of micro-batches: divisors of a shard, or, where the batch
// cannot be divided evenly, powers of two. Of very many, neighbours are left out.
func (c *costs) micro(fixed Cuts, data, pipeline, chunks int) (out []int) {
	if fixed.MicroBatches > 0 {
		return []int{fixed.MicroBatches}
	}
	shard := c.Model.Batch / data
	if c.Model.Batch%data == 0 {
		out = divisors(shard)
	} else {
		for m := 1; m <= shard; m *= 2 {
			out = append(out, m)
		}
	}
	if chunks > 1 {
		out = slices.DeleteFunc(out, func(m int) bool { return m%pipeline != 0 })
	}
	if len(out) <= mostMicro {
		return out
	}
	thin := out[:1]
	for _, m := range out[1:] {
		if float64(m) > 1.4*float64(thin[len(thin)-1]) {
			thin = append(thin, m)
		}
	}
	return thin
}

// mostMicro is how many numbers of micro-batches are all tried.
const mostMicro = 48
