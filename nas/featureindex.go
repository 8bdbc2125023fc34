package nas

// featureIndex numbers features in the order in which they are added: a map that
// is looked into very often (open addressing with linear probing).
type featureIndex struct {
	features []uint32
	slots    []int32 // one more than the number; at least twice as many as features
}

// of is the number of a feature, -1 if it has none.
func (x *featureIndex) of(f uint32) int32 {
	if len(x.slots) == 0 {
		return -1
	}
	for at := f; ; at++ {
		switch n := x.slots[at&uint32(len(x.slots)-1)]; {
		case n == 0:
			return -1
		case x.features[n-1] == f:
			return n - 1
		}
	}
}

// add is the number of a feature, which gets one if it has none.
func (x *featureIndex) add(f uint32) int32 {
	if n := x.of(f); n >= 0 {
		return n
	}
	x.features = append(x.features, f)
	if 2*len(x.features) > len(x.slots) {
		x.slots = make([]int32, max(2*len(x.slots), 256))
		for n, f := range x.features {
			x.put(f, int32(n))
		}
	} else {
		x.put(f, int32(len(x.features)-1))
	}
	return int32(len(x.features) - 1)
}

func (x *featureIndex) put(f uint32, n int32) {
	at := f
	for x.slots[at&uint32(len(x.slots)-1)] != 0 {
		at++
	}
	x.slots[at&uint32(len(x.slots)-1)] = n + 1
}
