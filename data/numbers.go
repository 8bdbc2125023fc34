package data

// Numbers says which rows of the source's files the three sets hold, in their order:
// counted from 0, those of test files behind the others; of a text its pieces. Two
// sources that differ only in their split and encoding number the same rows alike.
type Numbers struct{ Train, Valid, Test []int }

// Numbers are the numbers of the rows. Data has them right after [Load] alone: they
// are not kept with what was decoded.
func (d *Data) Numbers() (n Numbers, ok bool) {
	if d.numbers == nil {
		return n, false
	}
	return *d.numbers, true
}

// Taught is the data with a teacher's outputs for each training row, also in the
// folds. It shares all else.
func (d *Data) Taught(soft []float32) *Data {
	t := *d
	train := *d.Train
	train.Soft = soft
	t.Train, t.Folds = &train, nil
	width := len(soft) / max(train.Len(), 1)
	k := 0
	for _, f := range d.Folds {
		for !d.hasFold(k) {
			k++
		}
		var others []int
		for i, at := range d.fold {
			if at != k {
				others = append(others, i)
			}
		}
		own := *f.Train
		own.Soft = pick(soft, others, width)
		t.Folds = append(t.Folds, Fold{Train: &own, Valid: f.Valid})
		k++
	}
	return &t
}

// hasFold reports whether a fold has rows, and leaves others some: see [foldsOf].
func (d *Data) hasFold(k int) bool {
	n := 0
	for _, at := range d.fold {
		if at == k {
			n++
		}
	}
	return n > 0 && n < len(d.fold)
}
