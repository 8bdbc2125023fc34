package study

import (
	"slices"

	"budwood/engine"
)

// completePipeline checks the stages that networks are cut into. The number of
// micro-batches that follows from them is written down, where it is one: it decides
// numbers, and the stages do not.
func (s *Spec) completePipeline() error {
	m := &s.Mesh
	switch {
	case m.Pipeline < 2:
		return nil
	case s.autoRanks():
		return wrong("mesh.pipeline", "auto chooses the stages, too: leave one of them out")
	case m.Auto:
		return wrong("mesh.pipeline", "auto chooses no pipeline: leave one of them out")
	case m.Zero >= 2:
		return wrong("mesh.zero", "%d shares out the gradients and weights of all layers, of which a stage of a pipeline has a part anyway: use 0 or 1, or leave mesh.pipeline out", m.Zero)
	case s.Data == nil:
		return nil // its objective knows the batch
	}
	if of := s.ends("accumulate"); m.MicroBatches == 0 && slices.Min(of) == slices.Max(of) {
		m.MicroBatches = m.Micro(of[0])
	}
	return nil
}

// meshes are what the mesh may come to: with every number of ranks of a gang.
func (s *Spec) meshes() (list []engine.Mesh) {
	m := s.Mesh
	if m.Auto {
		m.Threads = min(m.Threads, m.Data)
	}
	if m.Pipeline < 2 || !m.Ranks.Several() {
		return []engine.Mesh{m}
	}
	for n := m.Ranks.Min; n <= m.Ranks.Max; n++ {
		m.World = &engine.World{Ranks: n}
		list = append(list, m)
	}
	return list
}
