package trials

import (
	"cmp"
	"fmt"
	"slices"

	"budwood/engine/kernel"
	"budwood/trials/segment"
)

// resumed notes what trained the trial before. It goes on with the same
// instruction set if the machine has it, so that not a bit changes.
func (t *Trial) resumed(c *Checkpoint) {
	t.kernels = cmp.Or(t.task.Kernels, kernel.Best(false))
	if c == nil || c.progress.Epoch == 0 {
		return
	}
	t.before = c.progress
	t.mesh = c.progress.Mesh
	if t.before.From == t.task.From && t.before.Epoch > t.task.From { // within the segment
		t.notes = slices.Clone(t.before.Notes)
	}
	switch was := t.before.Kernels; {
	case was == "" || was == t.kernels:
	case t.task.Kernels != "" && above(was, t.task.Kernels):
		t.before.Kernels = t.task.Kernels
		t.notes = append(t.notes, fmt.Sprintf("from epoch %d on %s instead of %s, which not all ranks of its gang have: last bits may differ", t.before.Epoch+1, t.kernels, was))
	case kernel.Has(was):
		t.kernels = was
	default:
		t.notes = append(t.notes, fmt.Sprintf("from epoch %d on %s instead of %s, which this machine lacks: last bits may differ", t.before.Epoch+1, t.kernels, was))
	}
}

// Kernels is the instruction set of the engine that the trial's networks are to use,
// which depends on the precision of their products. A trial that was trained before
// keeps the one with which it was.
func (t *Trial) Kernels(bfloat16 bool) string {
	if t.before.Kernels == "" {
		t.kernels = cmp.Or(t.task.Kernels, kernel.Best(bfloat16))
	}
	return t.kernels
}

// TrainedBy says which version trains the trial. Its record tells if another one
// has begun.
func (t *Trial) TrainedBy(v segment.Version) {
	if v.ID() == "" {
		return
	}
	t.version = v
	if changed := t.before.Version.Changed(v); len(changed) > 0 {
		t.notes = append(t.notes, segment.VersionNote(t.before.Epoch, v.ID(), t.before.Version.ID())+": "+segment.HasChanged(changed))
	}
}
