package mesh_test

import (
	"fmt"
	"sync"

	"budwood/engine/mesh"
)

// Two lanes of one process add their gradients.
func Example() {
	var lanes sync.WaitGroup
	for _, lane := range mesh.Local(2) {
		lanes.Go(func() {
			group, err := mesh.NewGroup(lane, mesh.Members{Ranks: []int{0, 1}, Name: "data"})
			if err != nil {
				panic(err)
			}
			gradient := []float32{1, 2, float32(lane.Rank())}
			if err := group.AllReduce([][]float32{gradient}); err != nil {
				panic(err)
			}
			if lane.Rank() == 1 {
				fmt.Println(gradient)
			}
		})
	}
	lanes.Wait()
	// Output: [2 4 1]
}

// Five shards on two processes: the first computes three of them in turn. It hands the
// collective the sums of two whole trees, as they would be on any other placement.
func ExampleMerges() {
	const shards = 5
	mine := mesh.Span{From: 0, To: 3}
	var sums []string
	for u := mine.From; u < mine.To; u++ {
		sums = append(sums, fmt.Sprint(u))
		for range mesh.Merges(shards, mine, u) {
			last := len(sums) - 2
			sums = append(sums[:last], "("+sums[last]+"+"+sums[last+1]+")")
		}
	}
	fmt.Println(sums, mesh.Trees(shards, mine))
	// Output: [(0+1) 2] [{0 2} {2 3}]
}

// A mesh of 2 data shards, each cut into 2 tensor parts, on three ranks.
func ExampleShape_Line() {
	shape := mesh.Shape{Data: 2, Tensor: 2, Pipeline: 1}
	rankOf := mesh.Place(shape.Lanes(), 3)
	name, lanes := shape.Line(mesh.Data, mesh.Coord{T: 1})
	ranks, leaves := mesh.Holders(lanes, rankOf)
	fmt.Println(name, lanes, "on ranks", ranks, "with leaves", leaves)
	// Output: data(t1,p0) [1 3] on ranks [1 2] with leaves [1 1]
}
