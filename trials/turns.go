package trials

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// turns lets a trial train while no other does.
type turns struct {
	once sync.Once
	all  *semaphore.Weighted
}

const everyTurn = 1 << 30

// take waits for a turn, or for all of them, unless ctx ends before.
func (t *turns) take(ctx context.Context, alone bool) (release func()) {
	t.once.Do(func() { t.all = semaphore.NewWeighted(everyTurn) })
	n := int64(1)
	if alone {
		n = everyTurn
	}
	if t.all.Acquire(ctx, n) != nil { // nothing will be trained
		return func() {}
	}
	return func() { t.all.Release(n) }
}
