package budwood

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"budwood/study"
	"budwood/workflows"
)

// Compress makes the best network of an ended study smaller: a durable study whose trials
// are plans, each of which is compared with the original. The zero value of every field
// except From is a default.
type Compress struct {
	From     string             // an ended study with data
	Name     string             // "" means that of From with -c behind
	Target   map[string]float64 // by size, latency, energy, macs or params, how many times less it has to cost; nil: the whole front
	MaxDrop  float64            // what may be lost: share of the rows, or of the RMSE; 0 means 0.005
	Methods  []string           // of prune, rank and int8; nil: all of them
	Trial    *int               // another trial of From than its best
	Strict   bool               // it binds the upper end of the 95 % interval
	Protect  []string           // layers that stay as they are, by patterns of their paths
	Trials   int                // plans; 0 means 24
	Epochs   int                // most epochs that a plan is trained; 0 means 9
	Parallel int                // plans at the same time; 0 means 1: then the decisions depend on nothing else
	Seed     uint64
	Time     time.Duration // 0: no limit

	Home string         // state directory; "" means [Home]
	Log  zerolog.Logger // the zero value is silent
}

func (c Compress) spec(ctx context.Context, st *State) (*study.Spec, error) {
	for name, times := range c.Target {
		if err := study.ParseTarget(fmt.Sprintf("%s=%gx", name, times), map[string]float64{}); err != nil {
			return nil, fmt.Errorf("Compress.Target: %w", err)
		}
	}
	return study.Compression(ctx, st.Store, study.CompressOptions{
		Name: c.Name, From: c.From, Target: c.Target, MaxDrop: c.MaxDrop, Strict: c.Strict, Methods: c.Methods, Trial: c.Trial, Protect: c.Protect,
		Trials: c.Trials, Epochs: c.Epochs, Parallel: c.Parallel, Seed: c.Seed, Time: study.Duration(c.Time),
	})
}

// Local runs the compression on goroutines of this process: see [Study.Local].
func (c Compress) Local(ctx context.Context) (*Result, error) {
	st, err := OpenState(c.Home, nil, c.Log)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	spec, err := c.spec(ctx, st)
	if err != nil {
		return nil, err
	}
	if _, err := study.Local(ctx, spec, st.Recorder(), st.runner(), nil); err != nil {
		return nil, err
	}
	return ReadResult(ctx, st.Store, spec.Name)
}

// Run runs the compression durably: see [Study.Run].
func (c Compress) Run(ctx context.Context) (*Result, error) {
	st, err := OpenState(c.Home, nil, c.Log)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	spec, err := c.spec(ctx, st)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, c.Log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, end := conn.watch(ctx)
	defer end()
	queue := "go-" + spec.Name
	workers, err := workflows.StartWorkers(conn.Client, conn.namespace, queue, st.Recorder(), st.TrainActivities(nil), study.Offer{CPU: spec.Search.Parallel})
	if err != nil {
		return nil, err
	}
	defer workers.Stop()
	if _, err := workflows.Submit(ctx, conn.Client, spec, queue); err != nil {
		return nil, err
	}
	if err := workflows.Wait(ctx, conn.Client, spec.Name); err != nil {
		return nil, orLost(ctx, err)
	}
	return ReadResult(ctx, st.Store, spec.Name)
}
