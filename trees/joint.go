package trees

// Columns of few bins that stand in one pack, as columns of 0 and 1 do, have joint bins: one for each combination, as
// long as these are at most 256. A row then counts once for four columns, and the sums of each column are those of
// the joint bins. Since sums are exact, their bits are the same either way.

// jointCopies is how many rows in a row count in histograms of their own: most rows of columns of 0 and 1 have the same
// bin, and would wait for each other.
const jointCopies = 4

// joint is the joint bins of a pack; nil if there are too many.
func (b *binned) joint(pack int) (bins []uint8, count int) {
	first, count := 4*pack, 1
	n := min(len(b.columns)-first, 4)
	for _, c := range b.columns[first : first+n] {
		if count *= max(c.width(), 1); count > 256 {
			return nil, 0
		}
	}
	bins = make([]uint8, b.rows)
	for i, v := range b.packs[pack] {
		at := 0
		for k := n - 1; k >= 0; k-- {
			at = at*b.columns[first+k].width() + int(uint8(v>>(8*k)))
		}
		bins[i] = uint8(at)
	}
	return bins, count
}

// buildJoint is build by joint bins.
func (b *binned) buildJoint(h histogram, pack int, rows []int32, grads []grad) {
	var sums [jointCopies][256]sum
	bins := b.joints[pack]
	if rows == nil {
		buildAll(&sums, bins, grads)
	} else {
		buildSome(&sums, bins, rows, grads)
	}
	first := 4 * pack
	columns := b.columns[first:min(first+4, len(b.columns))]
	for at := range b.combinations[pack] {
		s := sums[0][at]
		for k := 1; k < jointCopies; k++ {
			s = s.plus(sums[k][at])
		}
		if s == (sum{}) {
			continue
		}
		rest := at
		for j := range columns {
			c := &columns[j]
			w := max(c.width(), 1)
			to := &h[c.at+rest%w]
			to.g += s.g
			to.h += s.h
			rest /= w
		}
	}
}

func (s *sum) add(p grad) {
	s.g += float64(p.g)
	s.h += float64(p.h)
}

func buildAll(sums *[jointCopies][256]sum, bins []uint8, grads []grad) {
	bins = bins[:len(grads)]
	i := 0
	for ; i+jointCopies <= len(grads); i += jointCopies {
		sums[0][bins[i]].add(grads[i])
		sums[1][bins[i+1]].add(grads[i+1])
		sums[2][bins[i+2]].add(grads[i+2])
		sums[3][bins[i+3]].add(grads[i+3])
	}
	for ; i < len(grads); i++ {
		sums[0][bins[i]].add(grads[i])
	}
}

func buildSome(sums *[jointCopies][256]sum, bins []uint8, rows []int32, grads []grad) {
	rows = rows[:len(grads)]
	i := 0
	for ; i+jointCopies <= len(grads); i += jointCopies {
		sums[0][bins[rows[i]]].add(grads[i])
		sums[1][bins[rows[i+1]]].add(grads[i+1])
		sums[2][bins[rows[i+2]]].add(grads[i+2])
		sums[3][bins[rows[i+3]]].add(grads[i+3])
	}
	for ; i < len(grads); i++ {
		sums[0][bins[rows[i]]].add(grads[i])
	}
}
