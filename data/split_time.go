package data

import (
	"math"
	"slices"
)

// byTime divides rows in the order of their time: the first ones are for training, then come
// those for validation and for the test. Rows without a time come first. Rows of the same time
// may come into two parts.
func (s Split) byTime(time []float64) func(rows []int, own, keep int, l labels, group []int32, testFiles bool) parts {
	return func(rows []int, own, keep int, _ labels, _ []int32, testFiles bool) parts {
		valid, test := s.shares()
		if testFiles {
			test = 0
		}
		r := s.rand()
		cut, _ := slices.BinarySearch(rows, own)
		drawn := draw(r, rows[:cut], keep)
		slices.Sort(drawn)
		slices.SortStableFunc(drawn, func(a, b int) int {
			x, y := time[a], time[b]
			switch {
			case math.IsNaN(x) || math.IsNaN(y):
				return boolCompare(math.IsNaN(y), math.IsNaN(x))
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		n := float64(len(drawn))
		last := len(drawn) - int(math.Round(test*n))
		first := last - int(math.Round(valid*n))
		p := parts{train: drawn[:first:first], valid: drawn[first:last:last], test: drawn[last:], noTest: s.NoTest}
		p.shuffle(r)
		if testFiles {
			p.test = draw(r, rows[cut:], keep)
		}
		return p
	}
}

// boolCompare orders false before true.
func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
