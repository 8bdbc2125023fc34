package engine

import "fmt"

// inside is the number of lanes of this process that have a stage each of one network; 1:
// a lane has all of it.
func (m *Mesh) inside() int {
	if m.Pipeline > 1 && m.all() == 1 && m.Threads >= m.Pipeline {
		return m.Pipeline
	}
	return 1
}

// pipeable is an error for stages that cannot be.
func (m *Mesh) pipeable() error {
	switch p := m.Pipeline; {
	case p < 0 || p > MaxPipeline:
		return fmt.Errorf("mesh: pipeline %d is outside [1, %d]", p, MaxPipeline)
	case p < 2:
	case m.Auto:
		return fmt.Errorf("mesh: auto chooses no pipeline: leave pipeline out, or write data, micro_batches and threads in its place")
	case m.Zero >= 2:
		return fmt.Errorf("mesh: zero %d has a rank bring and send pieces of all layers, which stages of a pipeline do not: use zero 0 or 1, or leave pipeline out", m.Zero)
	case m.all() == 1 && m.Threads > 1 && m.Threads%p > 0:
		return fmt.Errorf("mesh: %d threads cannot share %d stages out: use 1 thread or a multiple of %d", m.Threads, p, p)
	}
	return nil
}

// tensorWords names the parts of layers, if there are any.
func (m *Mesh) tensorWords() string {
	if m.Tensor < 2 {
		return ""
	}
	return fmt.Sprintf(", tensor %d", m.Tensor)
}
