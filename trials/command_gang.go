package trials

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Why the other processes of a gang are told to stop.
var (
	errRankFailed = errors.New("another rank of the gang has failed")
	errRankZero   = errors.New("rank 0 has ended")
)

// gang runs all ranks of a command here: rank 0 as the trial's own process, the others
// beside it.
func (c *Command) gang(ctx context.Context, t *Trial, output func(*Trial, []byte)) error {
	n := c.Ranks.Here(c.CPU)
	port, err := freePort()
	if err != nil {
		return err
	}
	work, end := context.WithCancelCause(ctx)
	defer end(nil)
	failures, printed := make([]error, n), make([][]byte, n)
	var others sync.WaitGroup
	for rank := 1; rank < n; rank++ {
		side, err := t.runner.rankTrial(ctx, t.task)
		if err == nil && side == nil {
			err = fmt.Errorf("trial %s: its segment ends while it is trained", t.Name())
		}
		if err != nil {
			end(err)
			others.Wait()
			return err
		}
		side.outside = t.outside
		others.Go(func() {
			place := Place{Rank: rank, Ranks: n, Local: rank, Locals: n, Addr: "127.0.0.1", Port: port}
			failures[rank] = c.At(place).accompany(work, side, func(_ *Trial, b []byte) { printed[rank] = MarkOutput(rank, b) })
			if failures[rank] != nil {
				end(errRankFailed)
			}
		})
	}
	first := c.At(Place{Ranks: n, Locals: n, Addr: "127.0.0.1", Port: port})
	failures[0] = first.process(work, t, func(_ *Trial, b []byte) { printed[0] = b }, (*commandRun).follow)
	if failures[0] == nil {
		end(errRankZero)
	} else {
		end(errRankFailed)
	}
	others.Wait()
	if output != nil {
		var all []byte
		for _, b := range printed {
			all = append(all, b...)
		}
		output(t, all)
	}
	if failures[0] == nil { // it has what the trial came to, whatever the others did then
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return firstFailure(failures)
}

// freePort is a port of this machine that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("a port for the ranks of a gang: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
