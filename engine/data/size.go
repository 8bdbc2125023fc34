package data

import "budwood/engine"

// Bytes is the memory that the data set takes, copies of its rows for the folds
// of a cross-validation included.
func (d *Data) Bytes() (n int64) {
	for _, s := range []*engine.Set{d.Train, d.Valid, d.Test} {
		n += setBytes(s)
	}
	for _, f := range d.Folds {
		n += setBytes(f.Train) + setBytes(f.Valid)
	}
	return n
}

func setBytes(s *engine.Set) int64 {
	if s == nil {
		return 0
	}
	return 4 * int64(len(s.X)+len(s.Class)+len(s.Target)+len(s.Soft))
}
