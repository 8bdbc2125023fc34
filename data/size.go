package data

// Bytes is the memory that the data set takes in this process, copies of its rows
// for the folds of a cross-validation included. Inputs that lie in a file which
// processes share are not counted.
func (d *Data) Bytes() (n int64) {
	for _, s := range []*Set{d.Train, d.Valid, d.Test} {
		n += setBytes(s)
	}
	for _, f := range d.Folds {
		n += setBytes(f.Train) + setBytes(f.Valid)
	}
	return n
}

// inputs is the bytes of the inputs of the three sets.
func (d *Data) inputs() (n int64) {
	for _, s := range []*Set{d.Train, d.Valid, d.Test} {
		if s != nil {
			n += 4 * int64(s.Len()*s.Shape.Size())
		}
	}
	return n
}

func setBytes(s *Set) int64 {
	if s == nil {
		return 0
	}
	return 4 * int64(len(s.X)+len(s.Class)+len(s.Target)+len(s.Soft))
}
