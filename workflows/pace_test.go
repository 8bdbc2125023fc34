package workflows

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// Brief trials run within the study's workflow, and are the trials that have
// workflows of their own: one at a time, in every respect.
func TestBriefTrials(t *testing.T) {
	for _, scheduler := range []string{"hyperband", "none"} {
		t.Run(scheduler, func(t *testing.T) {
			t.Parallel()
			spec := studytest.Toy(t, "brief")
			spec.Search.Scheduler = scheduler
			brief := newBench(t, studytest.Quadratic)
			children := brief.children()
			brief.twin(t, spec, newBench(t, studytest.Quadratic))
			if n := len(*children); n != 1 {
				t.Errorf("%d trials had workflows, want the first alone", n)
			}
		})
	}
}

// Where nothing learns from results, a slot is given many brief trials at once;
// each is trained once all the same, and as many at a time as the study says.
func TestBriefTrialsAhead(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	spec := studytest.Toy(t, "ahead")
	spec.Search.Sampler, spec.Search.Scheduler, spec.Search.Parallel = "random", "none", 4
	spec.Budget.Trials = 600
	var mu sync.Mutex
	now, most, trained := 0, 0, map[int]int{}
	b := newBench(t, func(ctx context.Context, t *trials.Trial) error {
		mu.Lock()
		now++
		most, trained[t.ID] = max(most, now), trained[t.ID]+1
		mu.Unlock()
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		return studytest.Quadratic(ctx, t)
	})
	activities := 0
	b.env.SetOnActivityCompletedListener(func(a *activity.Info, _ converter.EncodedValue, _ error) {
		if a.ActivityType.Name == trainSegments {
			activities++
		}
	})
	_, records := b.run(t, spec)
	if len(records) != 600 || len(trained) != 600 || most > 4 {
		t.Errorf("%d trials recorded, %d trained, %d at a time", len(records), len(trained), most)
	}
	for id, n := range trained {
		if n != 1 {
			t.Errorf("t%04d was trained %d times", id, n)
		}
	}
	if activities > 120 {
		t.Errorf("%d activities for 600 trials: they do not share them", activities)
	}
	for i, r := range records {
		if r.ID != i || !r.State.Ended() {
			t.Errorf("%s at place %d is %s", r.Name(), i, r.State)
		}
	}
}

// A trial that runs within the study's workflow is stopped by its own name.
func TestStopBriefTrial(t *testing.T) {
	spec := studytest.Toy(t, "brief-stop")
	spec.Search.Scheduler, spec.Budget.Trials = "none", 4
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second) // of the workflow's time: the training itself is as brief as ever
	b.env.RegisterDelayedCallback(func() {
		b.env.UpdateWorkflowNoRejection(StopTrialUpdate, "1", t, StopTrialRequest{Trial: 2, Reason: "it is ugly"})
	}, 2500*time.Millisecond)
	_, records := b.run(t, spec)
	if r := records[2]; r.State != search.Stopped || r.Reason != "it is ugly" {
		t.Errorf("%s is %s: %q", r.Name(), r.State, r.Reason)
	}
	if len(records) != 4 || records[3].State == search.Stopped {
		t.Errorf("the study did not go on: %v", records)
	}
}

func TestBatches(t *testing.T) {
	segments := func(n int) (out []search.Segment) {
		for i := range n {
			out = append(out, search.Segment{Trial: i, To: 10})
		}
		return out
	}
	for _, c := range []struct {
		name    string
		epoch   float64 // seconds
		sampler string
		batch   int
		want    []int
	}{
		{"nothing is known", 0, "random", 0, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"long", 1, "random", 0, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"asked for", 1e-4, "random", 5, []int{5, 5, 2}},
		{"brief, a model learns", 1e-3, "tpe", 0, []int{2, 2, 2, 2, 2, 2}},
		{"brief, shared by the idle slots", 1e-3, "random", 0, []int{6, 6}},
		{"brief as a blink", 1e-5, "tpe", 0, []int{12}},
	} {
		spec := studytest.Toy(t, "batches")
		spec.Search.Sampler, spec.Search.Batch, spec.Search.Scheduler, spec.Search.Parallel = c.sampler, c.batch, "none", 2
		s := &studyRun{Progress: &study.Progress{Loop: &search.Loop{}}, in: studyInput{Spec: *spec}}
		if c.epoch > 0 {
			s.Throughput.Add(10, 10*c.epoch)
		}
		var got []int
		for _, b := range s.batches(segments(12), make([]search.Trial, 12)) {
			got = append(got, len(b.segments))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	var p study.Throughput
	p.Add(0, 3) // a failure
	if p.Segments != 0 {
		t.Error("a segment without epochs counts")
	}
	for range 1000 {
		p.Add(2, 4)
	}
	if p.Epoch != 2 {
		t.Errorf("%v s an epoch, want 2", p.Epoch)
	}
	for range 100 { // the network has grown
		p.Add(1, 5)
	}
	if math.Abs(p.Epoch-5) > .2 {
		t.Errorf("%v s an epoch, want about 5", p.Epoch)
	}
}

// Long candidates are batched as far as they fit into a message.
func TestBatchesFitIntoMessages(t *testing.T) {
	spec := studytest.Toy(t, "brief")
	spec.Space = append(spec.Space, search.Choice("text", strings.Repeat("x", 50_000), "short"))
	spec.Search.Sampler, spec.Search.Scheduler, spec.Budget.Epochs = "random", "none", 1
	if err := spec.Complete(); err != nil {
		t.Fatal(err)
	}
	s := &studyRun{Progress: &study.Progress{Loop: &search.Loop{}, Throughput: study.Throughput{Segments: 100, Epoch: 1e-6}}, in: studyInput{Spec: *spec}}
	if n := s.ahead(); n*spec.Search.Parallel*50_000 > study.MaxMessage || n < 2 {
		t.Errorf("%d ahead", n)
	}
}
