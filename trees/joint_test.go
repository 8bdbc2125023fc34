package trees

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// Histograms by joint bins are those by single ones, to the bit.
func TestJointBins(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	const rows = 1003
	table := &Table{Columns: make([]Column, 10)}
	for range rows {
		for j := range table.Columns {
			v := r.IntN(2)
			if j == 5 {
				v = r.IntN(7)
			}
			if j == 9 {
				v = r.IntN(200)
			}
			table.X = append(table.X, float32(v))
		}
	}
	b := fitBins(table, maxBins)
	if b.joints[0] == nil || b.joints[1] == nil || b.joints[2] != nil {
		t.Fatalf("joint bins of the packs: %v", b.combinations)
	}
	grads := make([]grad, rows)
	for i := range grads {
		grads[i] = grad{float32(r.NormFloat64()), r.Float32()}
	}
	exact(grads)
	var some []int32
	for i := range int32(rows) {
		if i%3 > 0 {
			some = append(some, i)
		}
	}
	for _, list := range [][]int32{nil, some} {
		n := rows
		if list != nil {
			n = len(list)
		}
		got, want := b.histogram(), b.histogram()
		for k := range b.packs {
			b.build(got, k, list, grads[:n])
		}
		plain := *b
		plain.joints = make([][]uint8, len(b.packs))
		for k := range b.packs {
			plain.build(want, k, list, grads[:n])
		}
		if !reflect.DeepEqual(got[:b.total], want[:b.total]) {
			t.Errorf("%d rows: the histograms differ", n)
		}
	}
}
