package trees

import "slices"

// binned is a table in bins: what trees are grown from. Four columns stand beside each
// other in one uint32 a row, so that growing a histogram reads a row's place once for four
// columns.
type binned struct {
	rows    int
	columns []binning
	packs   [][]uint32 // by column/4, a row each: the bins of four columns, the first in the lowest byte
	total   int        // bins of all columns together

	joints       [][]uint8 // by pack: the joint bins of its columns; nil where there are too many
	combinations []int     // and how many they are
}

// binning is how the values of a column become bins.
type binning struct {
	Column
	cuts    []float32 // numbers: x is in the first bin whose cut is not below x; the last bin has no cut
	bin     []int16   // categories: of each level; −1: it had too few rows to have one, or none
	bins    int       // without that of missing values
	missing bool      // bin number bins is that of missing values: the training rows have some
	at      int       // its first bin among those of all columns
}

// width is the number of bins with that of missing values.
func (b *binning) width() int {
	if b.missing {
		return b.bins + 1
	}
	return b.bins
}

// fitBins finds the bins of all columns, at most most of each, and sorts the table into them.
func fitBins(t *Table, most int) *binned {
	n, w := t.Rows(), len(t.Columns)
	b := &binned{rows: n, columns: make([]binning, w)}
	values := make([]float32, n)
	spare := make([]uint32, 2*n)
	for j := range b.columns {
		c := &b.columns[j]
		c.Column, c.at = t.Columns[j], b.total
		for i := range values {
			values[i] = t.X[i*w+j]
		}
		if c.Levels > 0 {
			c.fitLevels(values, most)
		} else {
			c.fitNumbers(values, most, spare)
		}
		b.total += c.width()
	}
	b.packs = b.sort(t)
	for k := range b.packs {
		bins, count := b.joint(k)
		b.joints, b.combinations = append(b.joints, bins), append(b.combinations, count)
	}
	return b
}

// fitNumbers puts cuts in the middle between values, so that the bins have about equally
// many rows, a value with more than that a bin of its own.
func (b *binning) fitNumbers(values []float32, most int, spare []uint32) {
	sorted := sortNumbers(values, spare)
	b.missing = len(sorted) < len(values)
	distinct, count := sorted[:0:0], []int(nil)
	for lo := 0; lo < len(sorted); {
		hi := lo + 1
		for hi < len(sorted) && sorted[hi] == sorted[lo] {
			hi++
		}
		distinct, count = append(distinct, sorted[lo]), append(count, hi-lo)
		lo = hi
	}
	left, bins, in := len(sorted), most, 0 // rows and bins that are left, rows in the bin so far
	for k := range distinct {
		in += count[k]
		if k+1 == len(distinct) {
			break
		}
		if len(distinct) > most { // else each value has its own
			goal := float64(left) / float64(bins)
			next := float64(count[k+1])
			if float64(in) < goal && !(next >= goal && float64(in)+next > 1.5*goal && in > 0) || bins == 1 {
				continue
			}
		}
		b.cuts = append(b.cuts, between(distinct[k], distinct[k+1]))
		left, bins, in = left-in, bins-1, 0
	}
	b.bins = len(b.cuts) + 1
}

// between is a number in the middle: not below lo, and below hi.
func between(lo, hi float32) float32 {
	mid := float32(float64(lo)/2 + float64(hi)/2)
	if mid >= hi || mid < lo {
		return lo
	}
	return mid
}

// fitLevels gives the most frequent categories bins.
func (b *binning) fitLevels(values []float32, most int) {
	count := make([]int, b.Levels)
	for _, v := range values {
		if k := b.level(v); k >= 0 {
			count[k]++
		} else {
			b.missing = true
		}
	}
	order := make([]int, 0, b.Levels)
	for k, n := range count {
		if n > 0 {
			order = append(order, k)
		}
	}
	if len(order) > most {
		slices.SortStableFunc(order, func(i, j int) int { return count[j] - count[i] })
		order, b.missing = order[:most], true
		slices.Sort(order)
	}
	b.bin = make([]int16, b.Levels)
	for k := range b.bin {
		b.bin[k] = -1
	}
	for i, k := range order {
		b.bin[k] = int16(i)
	}
	b.bins = max(len(order), 1)
}

// of is the bin of a value. A missing one of a column that had none in training is in
// bin 255, which no histogram has.
func (b *binning) of(x float32) uint8 {
	if b.Levels > 0 {
		if k := b.level(x); k >= 0 && b.bin[k] >= 0 {
			return uint8(b.bin[k])
		}
		return b.absent()
	}
	if x != x {
		return b.absent()
	}
	lo, n := 0, len(b.cuts) // the first cut that is not below x is among n from lo on
	for n > 0 {
		half := n >> 1
		if b.cuts[lo+half] < x {
			lo += n - half
		}
		n = half
	}
	return uint8(lo)
}

// absent is the bin of a missing value.
func (b *binning) absent() uint8 {
	if b.missing {
		return uint8(b.bins)
	}
	return 255
}

// sort puts the cells of a table into their bins.
func (b *binned) sort(t *Table) [][]uint32 {
	n, w := t.Rows(), len(b.columns)
	packs := make([][]uint32, (w+3)/4)
	for g := range packs {
		pack := make([]uint32, n)
		for j := 4 * g; j < min(4*g+4, w); j++ {
			c, shift := &b.columns[j], 8*(j%4)
			for i, x := 0, j; i < n; i, x = i+1, x+w {
				pack[i] |= uint32(c.of(t.X[x])) << shift
			}
		}
		packs[g] = pack
	}
	return packs
}
