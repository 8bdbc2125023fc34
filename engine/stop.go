package engine

// RequestStop asks that training stop, from any goroutine. The request travels with the
// next step, so that all ranks know of it after the same one: see
// [Trainer.StopRequested].
func (t *Trainer) RequestStop() { t.stopAsked.Store(true) }

// StopRequested reports whether any rank had asked for a stop when it took its part in
// the last step. It is the same for all ranks. Training may go on all the same.
func (t *Trainer) StopRequested() bool { return t.stopSeen }
