package nas

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"budwood/search"
)

// candidate is a genome with its hyperparameters, and where it comes from.
type candidate struct {
	genome Genome
	point  search.Params
	origin Origin
	trial  int // of a parent: its own number
}

func sampled(r *rand.Rand, s *Space, hyper search.Space) candidate {
	return candidate{genome: s.Sample(r), point: hyper.Sample(r)}
}

// reading is what a trial's params say of its network, once it was asked for.
type reading struct {
	done, ok bool
	genome   Genome
	features []uint32 // see encode; nil if not asked for
}

// candidate is an individual's, if its genome belongs to the space.
func (s *Space) candidate(i *individual) (candidate, bool) {
	n := i.net
	if !n.done {
		var err error
		n.genome, err = FromParams(i.params)
		n.done, n.ok = true, err == nil && s.Check(n.genome) == nil
	}
	return candidate{genome: n.genome, point: i.params, trial: i.trial}, n.ok
}

// child mutates the genome, a hyperparameter, or both, each with the same
// probability; known reports whether it kept the genome.
func (s *Space) child(r *rand.Rand, parent candidate, hyper search.Space) (c candidate, known bool) {
	o := bred(r, &parent, hyper, s.mutate)
	return o.candidate(), o.known
}

// offspring is a child of which nobody has said in words where it comes from.
type offspring struct {
	parent  *candidate // nil: it has none
	genome  Genome
	changes []change
	point   search.Params
	known   bool // the genome is the parent's
}

func bred(r *rand.Rand, parent *candidate, hyper search.Space, mutate func(*rand.Rand, Genome) (Genome, []change)) offspring {
	what := r.IntN(3)
	if hyper.Size() == 1 {
		what = 0
	}
	o := offspring{parent: parent, genome: parent.genome, known: what == 1}
	if what != 1 {
		o.genome, o.changes = mutate(r, parent.genome)
	}
	if what == 0 {
		o.point = kept(r, hyper, parent.point)
	} else {
		o.point = nearby(r, hyper, parent.point)
	}
	return o
}

func (o *offspring) candidate() candidate {
	if o.parent == nil {
		return candidate{genome: o.genome, point: o.point}
	}
	c := *o.parent
	c.genome, c.point = o.genome, o.point
	if len(c.origin.Parents) == 0 { // no crossing came before
		c.origin.Parents = []int{c.trial}
	}
	c.origin.Change = joinWords(c.origin.Change, words(o.changes), moved(o.parent.point, o.point))
	return c
}

// mixed crosses genomes and hyperparameters.
func (s *Space) mixed(r *rand.Rand, a, b candidate, hyper search.Space) candidate {
	point := hyper.Fill(func(d *search.Dim) any {
		for _, p := range []search.Params{coin(r, a.point, b.point), a.point, b.point} {
			if v, err := d.Check(p.Value(d.Name)); err == nil {
				return v
			}
		}
		return d.Decode(r.Float64())
	})
	return candidate{genome: s.cross(r, a.genome, b.genome), point: point, origin: Origin{Parents: []int{a.trial, b.trial}, Change: "crossed"}}
}

// moved says which hyperparameters of two points differ.
func moved(from, to search.Params) string {
	var out []string
	for _, name := range to.Names() {
		if was, ok := from[name]; ok && name != search.ArchitectureKey && short(was) != short(to[name]) {
			out = append(out, fmt.Sprintf("%s %s→%s", name, short(was), short(to[name])))
		}
	}
	return strings.Join(out, ", ")
}

// short is a value in a few digits, without what has a meaning in an origin.
func short(v any) string {
	if x, ok := search.Number(v); ok {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strings.NewReplacer("~", "", "#", "").Replace(fmt.Sprint(v))
}

func joinWords(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
