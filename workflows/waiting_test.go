package workflows

import (
	"errors"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// Trials of a queue make way for a gang that waits for it, unless they are more urgent.
func TestTrialsMakeWay(t *testing.T) {
	urgent := map[string]int{}
	for _, text := range []string{waits(0, "budwood-train"), waits(2, "budwood-train:cpu=2"), waits(4, "budwood-train:cpu=2")} {
		p, err := converter.GetDefaultDataConverter().ToPayload(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := readWaits(&commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{attrWaits.GetName(): p}}, urgent); err != nil {
			t.Fatal(err)
		}
	}
	if err := readWaits(&commonpb.SearchAttributes{}, urgent); err != nil || len(urgent) != 2 {
		t.Errorf("%v, %v", urgent, err)
	}
	w := &waiting{}
	w.set(urgent)
	for _, c := range []struct {
		queue    string
		priority int
		held     bool
	}{
		{"budwood-train", 0, true}, {"budwood-train", 3, true}, {"budwood-train", 4, true}, {"budwood-train", 2, false},
		{"budwood-train:cpu=2", 2, true}, {"budwood-train:cpu=2", 1, false}, {"budwood-train:cpu=4", 5, false},
	} {
		err := w.held(activity.Info{TaskQueue: c.queue, Priority: temporal.Priority{PriorityKey: c.priority}})
		var app *temporal.ApplicationError
		if (err != nil) != c.held || c.held && (!errors.As(err, &app) || app.NonRetryable() || app.NextRetryDelay() != heldPause) {
			t.Errorf("priority %d of %s: %v", c.priority, c.queue, err)
		}
	}
	w.set(nil)
	if err := w.held(activity.Info{TaskQueue: "budwood-train"}); err != nil {
		t.Errorf("nothing waits: %v", err)
	}
}
