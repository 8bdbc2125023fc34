package mesh

import "fmt"

// Shape is how many lanes a mesh has along its three axes, each at least 1.
type Shape struct{ Data, Tensor, Pipeline int }

// Coord is the place of a lane: its data shard, tensor part and pipeline stage.
type Coord struct{ D, T, P int }

// Axis is a direction in which lanes form groups.
type Axis int

// The axes of a mesh.
const (
	Data Axis = iota
	Tensor
	Pipeline
)

// Lanes is Data·Tensor·Pipeline.
func (s Shape) Lanes() int { return s.Data * s.Tensor * s.Pipeline }

// Lane is the number of the lane at c. Tensor runs fastest, so that tensor groups,
// which talk most, lie in one process or on one machine; then data, then pipeline.
func (s Shape) Lane(c Coord) int { return c.T + s.Tensor*(c.D+s.Data*c.P) }

// At is the place of a lane.
func (s Shape) At(lane int) Coord {
	return Coord{T: lane % s.Tensor, D: lane / s.Tensor % s.Data, P: lane / (s.Tensor * s.Data)}
}

// Line is the group of lanes that differ from c along one axis only, in the order of
// that axis, and its name, such as "data(t0,p1)".
func (s Shape) Line(axis Axis, c Coord) (name string, lanes []int) {
	n := [...]int{s.Data, s.Tensor, s.Pipeline}[axis]
	switch axis {
	case Data:
		name = fmt.Sprintf("data(t%d,p%d)", c.T, c.P)
	case Tensor:
		name = fmt.Sprintf("tensor(d%d,p%d)", c.D, c.P)
	case Pipeline:
		name = fmt.Sprintf("pipeline(d%d,t%d)", c.D, c.T)
	}
	for i := range n {
		*[...]*int{&c.D, &c.T, &c.P}[axis] = i
		lanes = append(lanes, s.Lane(c))
	}
	return name, lanes
}

// Place spreads lanes over ranks: it gives the rank of every lane. Each rank has a
// contiguous block, as even as can be. It needs 1 ≤ ranks ≤ lanes.
func Place(lanes, ranks int) []int {
	out := make([]int, lanes)
	for rank := range ranks {
		for lane := rank * lanes / ranks; lane < (rank+1)*lanes/ranks; lane++ {
			out[lane] = rank
		}
	}
	return out
}

// Holders are the ranks that hold a line of lanes, in its order, and how many of the
// lanes each one holds: what the [Members] of its group are made of.
func Holders(lanes []int, rankOf []int) (ranks, leaves []int) {
	for _, lane := range lanes {
		if rank := rankOf[lane]; len(ranks) > 0 && ranks[len(ranks)-1] == rank {
			leaves[len(leaves)-1]++
		} else {
			ranks, leaves = append(ranks, rank), append(leaves, 1)
		}
	}
	return ranks, leaves
}
