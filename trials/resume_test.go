package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"budwood/search"
)

// What a training function calls trouble of the machine is no failure of its own: the
// segment is trained again, from the checkpoint that was saved by hand.
func TestMachineErrorIsRetried(t *testing.T) {
	r, c := testRunner(t), &counter{}
	trouble := errors.New("the disk is away")
	_, err := r.Run(t.Context(), testTask(0, 3), func(_ context.Context, tr *Trial) error {
		c.N = 40
		if err := tr.Keep(c); err != nil {
			return err
		}
		tr.Remember(Facts{Inherited: .5})
		if err := tr.Save(); err != nil {
			return err
		}
		return fmt.Errorf("read the parent: %w", &MachineError{trouble})
	}, nil)
	var failure *ObjectiveError
	if !errors.Is(err, trouble) || errors.As(err, &failure) {
		t.Fatalf("%v", err)
	}
	c.N = 0
	out := mustRun(t, r, testTask(0, 3), func(_ context.Context, tr *Trial) error {
		if err := tr.Keep(c); err != nil {
			return err
		}
		if c.N != 40 || !tr.Resumed() || tr.Facts().Inherited != .5 {
			t.Errorf("it goes on at %d with %+v", c.N, tr.Facts())
		}
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	})
	if len(out.Curve) != 3 {
		t.Errorf("trained %v", budgets(out.Curve))
	}
}

// A trial that cannot be trained further ends where its checkpoint is; one that has
// measured nothing does not end so.
func TestStopWhereItIs(t *testing.T) {
	r, c := testRunner(t), &counter{}
	stop := func(_ context.Context, tr *Trial) error {
		if !tr.Stop("no room") {
			return ErrInfeasible
		}
		for range tr.Epochs() {
			t.Error("it is trained")
		}
		return nil
	}
	first := mustRun(t, r, testTask(0, 3), counting(c))
	out := mustRun(t, r, testTask(3, 9), stop)
	if out.State != search.Stopped || out.Reason != "no room" || out.Budget != 3 || out.Final.Metrics["loss"] != first.Final.Metrics["loss"] {
		t.Errorf("%s at %d: %s %v", out.State, out.Budget, out.Reason, out.Final)
	}
	if out := mustRun(t, testRunner(t), testTask(0, 3), stop); out.State != search.Infeasible {
		t.Errorf("without a checkpoint %s", out.State)
	}
}

// Epochs that are skipped count, except for the last, and the last epoch counts if the
// training function says so.
func TestSkipAndCountLast(t *testing.T) {
	values := map[int]float64{7: 1, 8: 2, 9: 3}
	for last, want := range map[bool]float64{false: 1, true: 3} {
		out := mustRun(t, testRunner(t), testTask(0, 9), func(_ context.Context, tr *Trial) error {
			if last {
				tr.CountLast()
			}
			tr.Skip(6)
			for epoch := range tr.Epochs() {
				tr.Report(values[epoch])
			}
			return nil
		})
		if fmt.Sprint(budgets(out.Curve)) != "[7 8 9]" || out.Final.Metrics["loss"] != want {
			t.Errorf("epochs %v, %v, want %v", budgets(out.Curve), out.Final, want)
		}
	}
	out := mustRun(t, testRunner(t), testTask(0, 9), func(_ context.Context, tr *Trial) error {
		tr.Skip(100)
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	})
	if fmt.Sprint(budgets(out.Curve)) != "[9]" {
		t.Errorf("epochs %v", budgets(out.Curve))
	}
}

// The facts stand in the header of a checkpoint under the names that they always had.
func TestFactsOfOlderCheckpoints(t *testing.T) {
	r, c, task := testRunner(t), &counter{}, testTask(0, 3)
	err := r.Blobs.Put(t.Context(), partKey(task), func(w io.Writer) error {
		_, err := io.WriteString(w, "{\"from\":0,\"epoch\":1,\"inherited\":0.5,\"bank\":true}\n{\"N\":1}")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, r, task, func(_ context.Context, tr *Trial) error {
		if err := tr.Keep(c); err != nil {
			return err
		}
		if c.N != 1 || tr.Facts() != (Facts{Inherited: .5, Shared: true}) {
			t.Errorf("%d, %+v", c.N, tr.Facts())
		}
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	})
	f, err := r.Blobs.Get(t.Context(), out.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || !strings.Contains(string(b), `"inherited":0.5,"bank":true`) {
		t.Errorf("it writes %s, %v", b, err)
	}
}
