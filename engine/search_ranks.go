package engine

import "slices"

// gangs are the meshes of all numbers of ranks of a range: the ranks share the data, stages
// of the network, and parts of its layers, and with zero what the optimizer needs.
func (p *planner) gangs(given Mesh, lanes int, memory int64) (list []candidate, err error) {
	for _, n := range given.Ranks.tried() {
		for _, cut := range given.cuts(n) {
			mesh := given
			mesh.Ranks, mesh.Pipeline, mesh.Tensor = Ranks{}, cut[0], cut[1]
			if n > 1 {
				mesh.Ranks, mesh.World = Ranks{n, n}, &World{Ranks: n}
			}
			k := n / (cut[0] * cut[1])
			if n%(cut[0]*cut[1]) > 0 { // each computes all parts in turn
				k = n
			}
			for _, zero := range given.zeros(n, k, cut[0]) {
				mesh.Zero = zero
				more, _, err := p.onLanes(mesh.tidy(), k, lanes, memory)
				if err != nil { // no network of so many stages or parts
					if cut == [2]int{1, max(given.Tensor, 1)} {
						return nil, err
					}
					break
				}
				list = append(list, more...)
			}
		}
	}
	return list, nil
}

// mostTried bounds the numbers of ranks that are priced.
const mostTried = 12

// tried are the smallest and the largest number of a range, and between them those that can
// be cut in most ways.
func (r Ranks) tried() []int {
	all := []int{r.Min, r.Max}
	for _, step := range []int{32, 16, 8, 4, 2, 1} {
		for n := step; n < r.Max && len(all) < mostTried; n += step {
			if n > r.Min && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// mostCut bounds the stages and parts that are priced.
const mostCut = 16

// cuts are the numbers of stages and of parts of layers that n ranks can share out.
func (m *Mesh) cuts(n int) (all [][2]int) {
	for stages := 1; stages <= min(n, mostCut); stages++ {
		for parts := 1; parts <= min(n/stages, mostCut); parts++ {
			if n%(stages*parts) == 0 && (m.Tensor < 2 || m.Tensor == parts) {
				all = append(all, [2]int{stages, parts})
			}
		}
	}
	if len(all) == 0 {
		all = append(all, [2]int{1, m.Tensor})
	}
	return all
}

// zeros are the stages of ZeRO for n ranks, k of which share the data.
func (m *Mesh) zeros(n, k, stages int) []int {
	switch {
	case m.Zero > 0:
		return []int{m.Zero}
	case n == 1 || k == 1:
		return []int{0}
	case stages > 1:
		return []int{0, 1}
	}
	return []int{0, 1, 2, 3}
}

// tidy is the mesh without what is its default.
func (m Mesh) tidy() Mesh {
	if m.Pipeline == 1 {
		m.Pipeline = 0
	}
	if m.Tensor == 1 {
		m.Tensor = 0
	}
	return m
}
