package trials

import "budwood/search"

// Task is the segment that is trained.
func (t *Trial) Task() Task { return t.task }

// Resumed reports whether the trial was trained before, so that [Trial.Keep] loads
// what was saved.
func (t *Trial) Resumed() bool { return t.restored != nil }

// Stop ends a trial that was resumed where its checkpoint is, with what it came to
// there, and reports whether it did: a trial that has measured nothing cannot end so.
// It is called instead of [Trial.Keep].
func (t *Trial) Stop(reason string) bool {
	if t.restored == nil || t.restored.progress.Best.Budget == 0 {
		return false
	}
	t.progress = t.restored.progress
	t.stopped, t.reason = search.Stopped, reason
	return true
}

// Skip counts the epochs up to one as done, though nothing was trained or reported in
// them. The last epoch of the segment is not skipped.
func (t *Trial) Skip(epoch int) {
	t.progress.Epoch = max(t.progress.Epoch, min(epoch, t.task.To-1))
}

// CountLast makes the last epoch count instead of the best one: of a model that keeps
// none of its earlier states.
func (t *Trial) CountLast() { t.newest = true }

// Remember has every later checkpoint of the trial say something of the model in it.
func (t *Trial) Remember(f Facts) { t.progress.Facts = f }

// Facts are what the trial remembers: see [Trial.Remember].
func (t *Trial) Facts() Facts { return t.progress.Facts }

// Save saves a checkpoint now: what the trial begins with, if it could not begin so a
// second time. Between epochs the runner saves by itself.
func (t *Trial) Save() error {
	t.machine = t.runner.save(t.ctx, t, partKey(t.task))
	return t.machine
}
