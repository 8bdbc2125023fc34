package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
)

// rankEnd is how a rank came home.
type rankEnd struct {
	rankResult
	lost  string // why it is lost; "": it is not
	epoch int    // the last one of rank 0, if it is lost
}

// train runs all ranks in their places until all have ended. It returns what came of
// the segment, or nil and why if a rank was lost: then the trial goes on from its last
// checkpoint.
//
// When the trial is to stop, rank 0 is cancelled, which tells its program. However rank
// 0 ends, the others are told to end, and when one of them fails or is lost all are.
func (g *gang) train(ctx workflow.Context, leases []lease) (*segment.Result, string) {
	rest, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	ends := make([]*rankEnd, len(leases))
	home := 0
	peers, err := g.peers(leases)
	if err != nil {
		g.giveUp(ctx, leases)
		return &segment.Result{State: search.Failed, Reason: err.Error(), Budget: g.Train.Tasks[0].From}, ""
	}
	for rank, place := range places(leases) {
		on := rest
		if rank == 0 {
			on = ctx
		}
		f := workflow.ExecuteActivity(onRank(on, leases[rank], g.summary(rank, len(leases))), rankType, rankInput{Train: g.Train, Place: place, Lease: leases[rank].ID, Peers: peers, Attempt: g.State.Attempt})
		workflow.Go(rest, func(ctx workflow.Context) {
			end := &rankEnd{}
			if err := f.Get(ctx, &end.rankResult); err != nil {
				end.fail(rank, leases[rank].Worker, err)
			}
			ends[rank] = end
			home++
		})
	}
	wrong := func(e *rankEnd) bool { return e != nil && (e.lost != "" || e.Failed != "") }
	_ = workflow.Await(rest, func() bool {
		return ends[0] != nil || slices.ContainsFunc(ends, wrong)
	})
	if ends[0] == nil || home < len(leases) {
		g.endOthers(rest, leases, ends)
	}
	_ = workflow.Await(rest, func() bool { return home == len(leases) })
	return g.outcome(ends)
}

// peers is the table of ranks that train a network, nil for others. They compute on the
// instruction set that all have.
func (g *gang) peers(leases []lease) ([]trials.Peer, error) {
	if g.Train.Model == nil {
		return nil, nil
	}
	named := map[string]string{} // hosts, by the names that people have for them
	for _, l := range leases {
		if name, _, _ := strings.Cut(l.Host, " "); named[name] == "" || named[name] == l.Host {
			named[name] = l.Host
		} else {
			named[name] = "several"
		}
	}
	var out []trials.Peer
	for _, l := range leases {
		if l.Peer == nil {
			return nil, fmt.Errorf("worker %s is of a version that joins no gang of a network", l.Worker)
		}
		peer := *l.Peer
		if name, _, _ := strings.Cut(l.Host, " "); named[name] == l.Host {
			peer.Machine = name
		}
		out = append(out, peer)
	}
	if err := trials.AllPlain(out); err != nil {
		return nil, err
	}
	task := &g.Train.Tasks[0]
	var err error
	task.Kernels, err = trials.LowestLevel(out)
	return out, err
}

// endOthers tells the ranks that have not come home to end.
func (g *gang) endOthers(ctx workflow.Context, leases []lease, ends []*rankEnd) {
	why := releaseInput{Why: "rank 0 has ended", Done: ends[0] != nil && ends[0].lost == "" && ends[0].Failed == ""}
	for rank, e := range ends {
		switch {
		case e == nil:
		case e.lost != "":
			why.Why = fmt.Sprintf("rank %d was lost", rank)
		case e.Failed != "":
			why.Why = fmt.Sprintf("rank %d has failed", rank)
		}
	}
	var left []lease
	for rank, e := range ends {
		if e == nil {
			left = append(left, leases[rank])
		}
	}
	giveBack(ctx, left, why)
}

// fail takes the error of a rank's activity: it is lost, unless it was cancelled before
// it began.
func (e *rankEnd) fail(rank int, worker string, err error) {
	var app *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case temporal.IsCanceledError(err):
		e.lost = fmt.Sprintf("rank %d on worker %s was cancelled", rank, worker)
	case errors.As(err, &timeout):
		e.lost = fmt.Sprintf("rank %d on worker %s shows no sign of life", rank, worker)
		if timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START {
			e.lost = fmt.Sprintf("rank %d did not begin: worker %s has gone", rank, worker)
		}
		if !timeout.HasLastHeartbeatDetails() {
			return
		}
		if rank > 0 {
			var last rankBeat
			if timeout.LastHeartbeatDetails(&last) == nil {
				e.Energy = last.Energy
			}
			return
		}
		var last lastEpoch
		if timeout.LastHeartbeatDetails(&last) == nil {
			e.epoch = last.At.Budget
		}
	default:
		e.lost = message(err)
		var detail lostRank
		if errors.As(err, &app) && app.HasDetails() && app.Details(&detail) == nil {
			e.epoch, e.Energy = detail.Epoch, detail.Energy
		}
	}
}

// outcome is what the ends of all ranks come to.
func (g *gang) outcome(ends []*rankEnd) (*segment.Result, string) {
	var lost *rankEnd
	failed := -1
	for rank, e := range ends {
		if rank > 0 {
			g.State.Spent = g.State.Spent.Add(e.Energy)
		}
		if e.lost != "" && lost == nil {
			lost = e
		}
		if e.Failed != "" && (failed < 0 || e.At.Before(ends[failed].At)) { // the others only missed it
			failed = rank
		}
	}
	zero := ends[0]
	switch {
	case zero.Segment != nil && !zero.Left && zero.Failed == "": // it has what the trial came to, whatever the others did then
		return zero.Segment, ""
	case lost != nil:
		return nil, g.lose(lost.lost, zero)
	case failed < 0:
		return nil, g.lose("its ranks have ended without a result", zero)
	}
	r := zero.Segment
	if r == nil {
		r = &segment.Result{}
	}
	r.State, r.Reason, r.Budget = search.Failed, ends[failed].Failed, g.Train.Tasks[0].From
	r.Curve, r.Final, r.Checkpoint = nil, search.Measurement{}, ""
	return r, ""
}

// lose counts a rank that was lost.
func (g *gang) lose(why string, zero *rankEnd) string {
	if epoch := max(zero.epoch, zero.Epoch); epoch > g.State.Epoch {
		g.State.Epoch, g.State.Row = epoch, 0
	}
	g.State.Row++
	return why
}

// summary is an activity's in the Temporal UI.
func (g *gang) summary(rank, ranks int) string {
	return fmt.Sprintf("rank %d of %d trains %s", rank, ranks, segmentNames(g.Train.Tasks))
}

// places are those of the ranks that have these leases.
func places(leases []lease) []trials.Place {
	locals := map[string]int{}
	for _, l := range leases {
		locals[l.Host]++
	}
	addr := leases[0].Address
	if len(locals) == 1 {
		addr = "127.0.0.1"
	}
	next := map[string]int{}
	out := make([]trials.Place, len(leases))
	for i, l := range leases {
		out[i] = trials.Place{Rank: i, Ranks: len(leases), Local: next[l.Host], Locals: locals[l.Host], Addr: addr, Port: leases[0].Port}
		next[l.Host]++
	}
	return out
}

// onRank is how a rank runs on the worker that holds its place. It is not repeated:
// the gang gathers again.
func onRank(ctx workflow.Context, l lease, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              l.Queue,
		ScheduleToStartTimeout: 10 * time.Second,
		StartToCloseTimeout:    30 * 24 * time.Hour,
		HeartbeatTimeout:       5 * time.Second,
		WaitForCancellation:    true,
		Summary:                search.Clip(summary, 200),
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}
