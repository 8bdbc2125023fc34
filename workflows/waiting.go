package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

const (
	patience  = time.Minute     // after which a gang that waits has others make way
	heldPause = 2 * time.Second // between two looks whether it still waits
	normal    = 3               // the priority of who has none
)

// waits is a gang's priority and the queue that it waits for, as its search attribute.
func waits(priority int, queue string) string {
	if priority == 0 {
		priority = normal
	}
	return fmt.Sprintf("%d %s", priority, queue)
}

// readWaits adds what a listed gang waits for to the most urgent priority of each queue.
func readWaits(a *commonpb.SearchAttributes, urgent map[string]int) error {
	p := a.GetIndexedFields()[attrWaits.GetName()]
	if p == nil {
		return nil
	}
	var text string
	if err := converter.GetDefaultDataConverter().FromPayload(p, &text); err != nil {
		return err
	}
	number, queue, _ := strings.Cut(text, " ")
	priority, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if now, ok := urgent[queue]; !ok || priority < now {
		urgent[queue] = priority
	}
	return nil
}

// waiting are the gangs that have waited for long, as a worker knows them.
type waiting struct {
	mu     sync.Mutex
	urgent map[string]int // the most urgent priority of those that wait for a queue
}

func (w *waiting) set(urgent map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.urgent = urgent
}

// held is an error by which an activity is tried again a little later, if a gang of the
// same queue has waited for long which is at least as urgent: what ends now makes room
// for it.
func (w *waiting) held(info activity.Info) error {
	if w == nil {
		return nil
	}
	own := info.Priority.PriorityKey
	if own == 0 {
		own = normal
	}
	w.mu.Lock()
	urgent, ok := w.urgent[info.TaskQueue]
	w.mu.Unlock()
	if !ok || urgent > own {
		return nil
	}
	return busy(errors.New("it makes way for a gang that has waited for its workers"))
}

// busy is an error by which an activity is tried again a little later, perhaps elsewhere.
func busy(err error) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), busyError, temporal.ApplicationErrorOptions{NextRetryDelay: heldPause, Category: temporal.ApplicationErrorCategoryBenign})
}
