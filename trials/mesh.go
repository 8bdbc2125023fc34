package trials

import (
	"runtime"
	"time"

	"budwood/engine"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// Mesh is the study's, for the trainer of the trial's network:
//
//	tr, err := engine.NewTrainer(net, engine.TrainConfig{Mesh: t.Mesh()})
//
// What its threads spend counts as the trial's.
func (t *Trial) Mesh() engine.Mesh { return t.Metered(t.task.Mesh) }

// Metered is a mesh whose lanes are on the trial's account. One that the program is to
// choose is chosen for this machine, and what of it decides numbers is kept: a trial that
// was trained before goes on with it.
func (t *Trial) Metered(m engine.Mesh) engine.Mesh {
	m.Lane, m.Idle, m.Machine = t.lane, t.team, t.runner.Machine
	m.Who = t.runner.Name
	if t.gang != nil {
		m.World = t.gang.world
	}
	if !m.Auto {
		return m
	}
	if k := t.before.Mesh; k.Data > 0 {
		m.Data, m.MicroBatches = k.Data, k.MicroBatches
	}
	m.Chosen = t.Chosen
	return m
}

// Chosen keeps what was chosen for the trial, and tells of it in its record: once, and
// again where it goes on in another way.
func (t *Trial) Chosen(c *engine.Choice) {
	m := c.Best.Mesh
	now := chosenMesh{m.Data, m.MicroBatches, m.Threads}
	if now != t.mesh && now != t.before.Mesh {
		t.notes = append(t.notes, "mesh: "+c.String())
	}
	t.mesh = now
}

// Measured tells in the trial's record what the steps of its trainer have taken on several
// ranks or threads, beside what was predicted (nil: nothing was). All ranks of a gang call
// it, behind the last epoch of the segment.
func (t *Trial) Measured(tr *engine.Trainer, predicted *engine.Prediction) {
	if t.machine != nil || t.err != nil { // the other ranks may be elsewhere
		return
	}
	m, err := tr.Measured()
	if err != nil || m.Steps == 0 { // a link that ended is noticed by what comes next
		return
	}
	t.notes = append(t.notes, segment.MeasuredNote(m.Beside(predicted)))
}

// chosenMesh is what the program has chosen. The threads decide no number.
type chosenMesh struct {
	Data         int `json:"data"`
	MicroBatches int `json:"micro_batches"`
	Threads      int `json:"threads"`
}

// ThreadTime is the processor time of the calling thread so far.
func ThreadTime() time.Duration { return energy.ThreadTime() }

// lane does the work of a lane on a thread of its own, which is busy then, and counts its
// processor time.
func (t *Trial) lane(work func()) {
	defer t.runner.Cores.Enter(1)()
	t.metered(work)
}

// metered does work on a thread of its own and counts its processor time.
func (t *Trial) metered(work func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := energy.ThreadTime()
	defer func() { t.beside.Add(int64(energy.ThreadTime() - began)) }()
	work()
}
