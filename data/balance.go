package data

// BalancedWeights are class weights for cross-entropy with which every class counts
// the same in all: rows/(classes·rows of the class), 0 for a class without rows.
func (s *Set) BalancedWeights() []float32 {
	count := make([]int, s.Classes)
	for _, c := range s.Class {
		count[c]++
	}
	w := make([]float32, s.Classes)
	for i, n := range count {
		if n > 0 {
			w[i] = float32(len(s.Class)) / float32(s.Classes*n)
		}
	}
	return w
}
