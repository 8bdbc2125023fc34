package layout

import "math"

// group is a set of lanes that add or gather together: n in all, k of them on each
// machine.
type group struct{ n, k int }

// tensorGroup and dataGroup follow from the order of lanes: tensor fastest, then
// data, then pipeline. A group with k members on a machine uses k of its cards.
func (c Cluster) tensorGroup(p Plan) group { return group{p.Tensor, min(p.Tensor, c.PerNode)} }

func (c Cluster) dataGroup(p Plan) group {
	here := p.Data
	if c.Nodes > 1 {
		here = gcd(p.Data, max(1, c.PerNode/p.Tensor))
	}
	return group{p.Data / p.Threads, max(1, here/p.Threads)}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// scatter is the seconds in which a group adds s bytes of every member to one piece
// each, or gathers the pieces: (n−1)/n·s bytes go through every link on the way.
func (k *Constants) scatter(c Cluster, g group, s float64) float64 {
	if g.n <= 1 || s == 0 {
		return 0
	}
	sent := float64(g.n-1) / float64(g.n) * s
	steps := math.Ceil(math.Log2(float64(g.n)))
	t := 0.0
	if g.k > 1 {
		t = sent / (c.Inside * k.Inside)
	}
	if g.n > g.k { // other machines are reached through as many cards as there are members here
		t = max(t, sent/(float64(g.k)*c.Between*k.Between))
	}
	if t == 0 { // free links
		return 0
	}
	return t + steps*latency
}

// reduce is the seconds in which every member of a group gets the sum of s bytes.
func (k *Constants) reduce(c Cluster, g group, s float64) float64 { return 2 * k.scatter(c, g, s) }

// send is the seconds in which the stage of piece q passes s bytes of a micro-batch
// on to that of the next, each lane of a tensor group its share. All lanes of a
// machine do so at once.
func (k *Constants) send(c Cluster, p Plan, q int, s float64) float64 {
	lanes := p.Data * p.Tensor
	from, to := q%p.Pipeline*lanes, (q+1)%p.Pipeline*lanes
	rate := c.Inside * k.Inside
	if from/c.PerNode != (to+lanes-1)/c.PerNode {
		rate = c.Between * k.Between
	}
	if s == 0 || p.Pipeline == 1 || math.IsInf(rate, 1) {
		return 0
	}
	return s/float64(p.Tensor)/rate + latency
}
