package trees

// grad are the first and the second derivative of the loss of a row.
type grad struct{ g, h float32 }

// sum is a sum of them. Gradients are multiples of a power of 2 ([exact]), such that sums
// have no rounding error: whatever the order, their bits are the same.
type sum struct{ g, h float64 }

func (s sum) minus(t sum) sum { return sum{s.g - t.g, s.h - t.h} }
func (s sum) plus(t sum) sum  { return sum{s.g + t.g, s.h + t.h} }

// histogram is a sum for each bin of all columns. 256 more behind it make that
// every column can be seen as an array of 256.
type histogram []sum

func (b *binned) histogram() histogram { return make(histogram, b.total+256) }

func (h histogram) column(at int) *[256]sum { return (*[256]sum)(h[at:]) }

// build sums the gradients of some rows into the bins of four columns; of a nil list of
// rows those of all rows. grads has one for each of the rows, in their order.
func (b *binned) build(h histogram, pack int, rows []int32, grads []grad) {
	j := 4 * pack
	n := min(len(b.columns)-j, 4)
	clear(h[b.columns[j].at : b.columns[j+n-1].at+b.columns[j+n-1].width()])
	if b.joints[pack] != nil && len(grads) >= max(b.combinations[pack], 128) { // of a few rows the sums of joint bins are more work
		b.buildJoint(h, pack, rows, grads)
		return
	}
	// Columns that are not there have bin 0 in the packs: it is counted behind all bins.
	var at [4]*[256]sum
	for k := range at {
		at[k] = h.column(b.total)
		if k < n {
			at[k] = h.column(b.columns[j+k].at)
		}
	}
	bins := b.packs[pack]
	if n == 1 {
		build1(at[0], bins, rows, grads)
		return
	}
	build4(at[0], at[1], at[2], at[3], bins, rows, grads)
}

func build1(a *[256]sum, bins []uint32, rows []int32, grads []grad) {
	for i, p := range grads {
		r := i
		if rows != nil {
			r = int(rows[i])
		}
		s := &a[uint8(bins[r])]
		s.g += float64(p.g)
		s.h += float64(p.h)
	}
}

func build4(a, b, c, d *[256]sum, bins []uint32, rows []int32, grads []grad) {
	if rows == nil {
		bins = bins[:len(grads)]
		for i, p := range grads {
			v := bins[i]
			g, h := float64(p.g), float64(p.h)
			s := &a[uint8(v)]
			s.g += g
			s.h += h
			s = &b[uint8(v>>8)]
			s.g += g
			s.h += h
			s = &c[uint8(v>>16)]
			s.g += g
			s.h += h
			s = &d[uint8(v>>24)]
			s.g += g
			s.h += h
		}
		return
	}
	rows = rows[:len(grads)]
	for i, p := range grads {
		v := bins[rows[i]]
		g, h := float64(p.g), float64(p.h)
		s := &a[uint8(v)]
		s.g += g
		s.h += h
		s = &b[uint8(v>>8)]
		s.g += g
		s.h += h
		s = &c[uint8(v>>16)]
		s.g += g
		s.h += h
		s = &d[uint8(v>>24)]
		s.g += g
		s.h += h
	}
}

// subtract takes the sums of one child away from those of the parent, which become those of
// the other child.
func (b *binned) subtract(parent, child histogram, pack int) {
	j := 4 * pack
	last := &b.columns[min(j+4, len(b.columns))-1]
	p := parent[b.columns[j].at : last.at+last.width()]
	c := child[b.columns[j].at:][:len(p)]
	for i := range p {
		p[i].g -= c[i].g
		p[i].h -= c[i].h
	}
}
