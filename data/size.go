package data

// Bytes is the memory that the data set takes, copies of its rows for the folds
// of a cross-validation included.
func (d *Data) Bytes() (n int64) {
	for _, s := range []*Set{d.Train, d.Valid, d.Test} {
		n += setBytes(s)
	}
	for _, f := range d.Folds {
		n += setBytes(f.Train) + setBytes(f.Valid)
	}
	return n
}

func setBytes(s *Set) int64 {
	if s == nil {
		return 0
	}
	return 4 * int64(len(s.X)+len(s.Class)+len(s.Target)+len(s.Soft))
}
