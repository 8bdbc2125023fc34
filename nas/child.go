package nas

import (
	"math/rand/v2"

	"budwood/search"
)

// candidate is a genome with its hyperparameters.
type candidate struct {
	genome Genome
	point  search.Params
}

func sampled(r *rand.Rand, s *Space, hyper search.Space) candidate {
	return candidate{s.Sample(r), hyper.Sample(r)}
}

// candidate is an individual's, if its genome belongs to the space.
func (s *Space) candidate(i individual) (candidate, bool) {
	g, err := FromParams(i.params)
	if err != nil || s.Check(g) != nil {
		return candidate{}, false
	}
	return candidate{g, i.params}, true
}

// child mutates the genome, a hyperparameter, or both, each with the same
// probability; known tells that it kept the genome.
func (s *Space) child(r *rand.Rand, parent candidate, hyper search.Space) (c candidate, known bool) {
	what := r.IntN(3)
	if hyper.Size() == 1 {
		what = 0
	}
	c = parent
	if what != 1 {
		c.genome = s.mutate(r, parent.genome)
	}
	if what == 0 {
		c.point = kept(r, hyper, parent.point)
	} else {
		c.point = nearby(r, hyper, parent.point)
	}
	return c, what == 1
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
	return candidate{s.cross(r, a.genome, b.genome), point}
}
