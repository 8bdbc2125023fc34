package data

import "fmt"

// Set is a data set: rows of inputs, and for each row a class, or one for each step
// of a sequence, or a row of targets. The inputs are in memory, or else are read
// from [Rows].
type Set struct {
	Shape   Shape     // of one row of X
	X       []float32 // Len() × Shape.Size(), row-major; nil if Rows has the inputs
	Rows    Rows      // nil if X has them
	Class   []int32   // classification: one a row, or the same number for each, row-major; 0 ≤ class < Classes; nil for regression
	Classes int       // number of classes; 0 for regression
	Target  []float32 // regression: Len() × Outputs, row-major
	Outputs int       // width of Target; 0 for classification
	Soft    []float32 // for distillation: a teacher's logits, as many a row as the network has outputs; nil for none
}

// Len is the number of rows.
func (s *Set) Len() int {
	if s.Rows != nil {
		return s.Rows.Len()
	}
	if n := s.Shape.Size(); n > 0 {
		return len(s.X) / n
	}
	return 0
}

// Labels is the number of classes of a row.
func (s *Set) Labels() int { return len(s.Class) / max(s.Len(), 1) }

// Head is the first n rows (all of them if there are fewer). It shares memory
// with the set.
func (s *Set) Head(n int) *Set { return s.Slice(0, min(max(n, 0), s.Len())) }

// Slice is rows lo up to hi, sharing memory.
func (s *Set) Slice(lo, hi int) *Set {
	t := *s
	w, k := s.Shape.Size(), s.Labels()
	if s.Rows != nil {
		t.Rows = span{s.Rows, lo, hi - lo}
	} else {
		t.X = s.X[lo*w : hi*w]
	}
	if s.Class != nil {
		t.Class = s.Class[lo*k : hi*k]
	}
	if s.Soft != nil {
		n := len(s.Soft) / max(s.Len(), 1)
		t.Soft = s.Soft[lo*n : hi*n]
	}
	if s.Target != nil {
		t.Target = s.Target[min(lo*s.Outputs, len(s.Target)):min(hi*s.Outputs, len(s.Target))]
	}
	return &t
}

// Read copies inputs to x, from the given row on: as many rows as x has room for.
func (s *Set) Read(x []float32, row int) {
	if s.Rows != nil {
		s.Rows.Read(x, row)
		return
	}
	copy(x, s.X[row*s.Shape.Size():])
}

// Select is a set of the rows with these numbers, in their order. It shares no
// memory with s; inputs that [Set.Rows] has stay where they are.
func (s *Set) Select(rows []int) *Set {
	t := *s
	n := max(s.Len(), 1)
	if s.Rows != nil {
		order := make([]int32, len(rows))
		for i, r := range rows {
			order[i] = int32(r)
		}
		t.Rows = picked{s.Rows, order, s.Shape.Size()}
	}
	t.X = pick(s.X, rows, s.Shape.Size())
	t.Class = pick(s.Class, rows, len(s.Class)/n)
	t.Target = pick(s.Target, rows, len(s.Target)/n)
	t.Soft = pick(s.Soft, rows, len(s.Soft)/n)
	return &t
}

// pick copies rows of a width; nil stays nil.
func pick[T any](from []T, rows []int, width int) []T {
	if from == nil {
		return nil
	}
	out := make([]T, 0, len(rows)*width)
	for _, r := range rows {
		out = append(out, from[r*width:(r+1)*width]...)
	}
	return out
}

// Check reports whether the set is consistent: sizes agree, classes are in range,
// and it is either for classification or for regression.
func (s *Set) Check() error {
	w, n := s.Shape.Size(), s.Len()
	switch {
	case w == 0:
		return fmt.Errorf("data set: shape %v has no values", s.Shape)
	case n == 0:
		return fmt.Errorf("data set: no rows")
	case s.Rows != nil && s.X != nil:
		return fmt.Errorf("data set: has inputs in X and in Rows; give one of them")
	case s.Rows == nil && len(s.X) != n*w:
		return fmt.Errorf("data set: %d inputs are not a multiple of shape %v", len(s.X), s.Shape)
	case s.Classes < 0 || s.Outputs < 0 || (s.Classes > 0) == (s.Outputs > 0):
		return fmt.Errorf("data set: give either classes (%d) or outputs (%d)", s.Classes, s.Outputs)
	case s.Classes > 0 && (len(s.Class) == 0 || len(s.Class)%n != 0):
		return fmt.Errorf("data set: %d classes for %d rows", len(s.Class), n)
	case s.Outputs == 0 && len(s.Target) > 0 || s.Classes == 0 && len(s.Class) > 0:
		return fmt.Errorf("data set: has both classes and targets")
	case s.Outputs > 0 && (len(s.Target)%s.Outputs != 0 || len(s.Target)/s.Outputs != n):
		return fmt.Errorf("data set: %d targets for %d rows of %d", len(s.Target), n, s.Outputs)
	case len(s.Soft)%n != 0:
		return fmt.Errorf("data set: %d logits of a teacher for %d rows", len(s.Soft), n)
	}
	for i, c := range s.Class {
		if c < 0 || int(c) >= s.Classes {
			return fmt.Errorf("data set: row %d has class %d of %d", i/s.Labels(), c, s.Classes)
		}
	}
	return nil
}
