package data

import (
	"io"
	"math"
)

// valueTable numbers the values of inputs that have few different ones, as pixels
// of a byte, tokens and categories have, so that a byte is enough for each.
type valueTable struct {
	value  [256]float32
	bits   [512]uint32 // open addressing: the values' bits
	number [512]int16  // of the value in a slot, + 1; 0: the slot is free
	n      int
}

// newTable is the table of all inputs of some sets; nil if they have more than 256
// different values.
func newTable(sets []*Set) *valueTable {
	t := &valueTable{}
	for _, s := range sets {
		if s == nil {
			continue
		}
		for _, v := range s.X {
			if _, ok := t.find(v); !ok {
				return nil
			}
		}
	}
	return t
}

// find is the number of a value, which is new if there is room for it.
func (t *valueTable) find(v float32) (number byte, ok bool) {
	bits := math.Float32bits(v)
	for at := bits * 0x9e3779b1 >> 23; ; at = (at + 1) % uint32(len(t.bits)) {
		switch n := t.number[at]; {
		case n > 0 && t.bits[at] == bits:
			return byte(n - 1), true
		case n == 0 && t.n == len(t.value):
			return 0, false
		case n == 0:
			t.bits[at], t.value[t.n] = bits, v
			t.n++
			t.number[at] = int16(t.n)
			return byte(t.n - 1), true
		}
	}
}

// write writes the number of each value.
func (t *valueTable) write(w io.Writer, x []float32) {
	var room [4096]byte
	for len(x) > 0 {
		b := room[:min(len(x), len(room))]
		for i := range b {
			b[i], _ = t.find(x[i])
		}
		w.Write(b) // an error comes back with Flush
		x = x[len(b):]
	}
}
