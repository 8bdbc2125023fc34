package layout

import (
	"fmt"
	"slices"
	"strings"
)

// check returns an error that says which cut of a plan is impossible, and which
// would do.
func (c *costs) check(p Plan) error {
	if p.Lanes() != c.Cluster.Devices() {
		return &FieldError{"data", fmt.Errorf("%d × tensor %d × pipeline %d are %d lanes, and there are %d devices: %s",
			p.Data, p.Tensor, p.Pipeline, p.Lanes(), c.Cluster.Devices(), c.lanes(p))}
	}
	if err := c.tensor(p.Tensor); err != nil {
		return err
	}
	atoms := len(c.atoms) - 1
	switch {
	case p.Pipeline > atoms:
		return &FieldError{"pipeline", fmt.Errorf("%d stages: the network can be cut into at most %d", p.Pipeline, atoms)}
	case c.Model.Even && atoms%p.Pipeline != 0:
		return &FieldError{"pipeline", fmt.Errorf("%d does not divide the %d equal layers: use %s", p.Pipeline, atoms, choices(divisors(atoms), p.Pipeline))}
	case p.Chunks > 1 && (!c.Model.Chunks || p.Pipeline == 1):
		return &FieldError{"chunks", fmt.Errorf("%d: a stage has one chunk here: use 1", p.Chunks)}
	case p.Chunks > 1 && atoms/p.Pipeline%p.Chunks != 0:
		return &FieldError{"chunks", fmt.Errorf("%d does not divide the %d layers of a stage: use %s", p.Chunks, atoms/p.Pipeline, choices(divisors(atoms/p.Pipeline), p.Chunks))}
	case p.Data > c.Model.Batch:
		return &FieldError{"data", fmt.Errorf("%d shards of a batch of %d: use no more than it has samples", p.Data, c.Model.Batch)}
	case p.Data*p.MicroBatches > c.Model.Batch:
		return &FieldError{"micro_batches", fmt.Errorf("%d of a shard of %d samples: use no more than those", p.MicroBatches, c.Model.Batch/p.Data)}
	case p.Chunks > 1 && p.MicroBatches%p.Pipeline != 0:
		return &FieldError{"micro_batches", fmt.Errorf("%d is not a multiple of pipeline %d, which chunks need: use %d", p.MicroBatches, p.Pipeline, (p.MicroBatches/p.Pipeline+1)*p.Pipeline)}
	case p.Zero > 3:
		return &FieldError{"zero", fmt.Errorf("%d: there are 0, 1, 2 and 3", p.Zero)}
	case !slices.Contains(recomputes, p.Recompute):
		return &FieldError{"recompute", fmt.Errorf("%q: there are none, blocks and all", p.Recompute)}
	}
	return c.threads(p)
}

// threads returns an error if a rank cannot compute so many lanes.
func (c *costs) threads(p Plan) error {
	if most := min(p.Data, max(1, c.Cluster.PerNode/p.Tensor), c.Cluster.threads()); p.Threads > most || p.Data%p.Threads != 0 {
		return &FieldError{"threads", fmt.Errorf("%d: use a divisor of data %d up to %d", p.Threads, p.Data, most)}
	}
	return nil
}

// divides returns an error if the devices cannot be divided by what is fixed.
func (c *costs) divides(fixed Cuts) error {
	n := c.Cluster.Devices()
	whole := Plan{Data: fixed.Data, Tensor: fixed.Tensor, Pipeline: fixed.Pipeline}.complete()
	if err := c.tensor(whole.Tensor); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		n    int
	}{{"data", whole.Data}, {"tensor", whole.Tensor}, {"pipeline", whole.Pipeline}} {
		if n%f.n != 0 {
			return &FieldError{f.name, fmt.Errorf("%d does not divide the %d devices: use %s", f.n, n, choices(divisors(n), f.n))}
		}
	}
	if n%whole.Lanes() != 0 {
		return c.check(whole)
	}
	return nil
}

// lanes says how a plan could have as many lanes as there are devices.
func (c *costs) lanes(p Plan) string {
	n := c.Cluster.Devices()
	if rest := p.Tensor * p.Pipeline; rest <= n && n%rest == 0 {
		return fmt.Sprintf("use data %d", n/rest)
	}
	return fmt.Sprintf("tensor × pipeline has to divide %d, and %d does not", n, p.Tensor*p.Pipeline)
}

// tensor returns an error if layers cannot be cut so, or machines would be.
func (c *costs) tensor(t int) error {
	per := c.Cluster.PerNode
	for i, l := range c.Model.Layers {
		if l.Heads > 0 && l.Heads%t != 0 {
			return &FieldError{"tensor", fmt.Errorf("%d does not divide the %d heads of layer %d %s: use %s", t, l.Heads, i, l.Name, choices(divisors(l.Heads), t))}
		}
	}
	if per%t != 0 && t%per != 0 {
		return &FieldError{"tensor", fmt.Errorf("%d neither divides the %d devices of a machine nor is a multiple: use %s", t, per, choices(divisors(per), t))}
	}
	if t > 1 && !slices.ContainsFunc(c.Model.Layers, func(l Layer) bool { return l.Heads > 0 }) {
		return &FieldError{"tensor", fmt.Errorf("%d: no layer of this network can be cut: use 1", t)}
	}
	return nil
}

// divisors are those of n, in order.
func divisors(n int) (out []int) {
	for i := 1; i*i <= n; i++ {
		if n%i == 0 {
			out = append(out, i)
			if i*i != n {
				out = append(out, n/i)
			}
		}
	}
	slices.Sort(out)
	return out
}

// choices are the few of a sorted list that are next to x, as "1, 2 or 4".
func choices(list []int, x int) string {
	i, _ := slices.BinarySearch(list, x)
	from := max(0, min(i-2, len(list)-4))
	list = list[from:min(from+4, len(list))]
	text := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(list)), ", "), "[]")
	if k := strings.LastIndex(text, ", "); k >= 0 {
		text = text[:k] + " or" + text[k+1:]
	}
	return text
}
