package trials

import (
	"runtime"

	"budwood/engine"
	"budwood/trials/energy"
)

// Mesh is the study's, for the trainer of the trial's network:
//
//	tr, err := engine.NewTrainer(net, engine.TrainConfig{Mesh: t.Mesh()})
//
// What its threads spend counts as the trial's.
func (t *Trial) Mesh() engine.Mesh { return t.Metered(t.task.Mesh) }

// Metered is a mesh whose lanes are on the trial's account.
func (t *Trial) Metered(m engine.Mesh) engine.Mesh {
	m.Lane = t.lane
	if t.gang != nil {
		m.World = t.gang.world
	}
	return m
}

// lane does the work of a lane on a thread of its own and counts its processor time.
func (t *Trial) lane(work func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := energy.ThreadTime()
	defer func() { t.beside.Add(int64(energy.ThreadTime() - began)) }()
	work()
}
