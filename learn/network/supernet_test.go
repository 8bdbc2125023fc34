package network

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
)

// two is weights that two networks share, which p["op"] tells apart; package nas has
// the real ones.
type two struct{ Weights map[string][]float32 }

func (n *two) Alternatives() int { return 2 }

func (n *two) Paths(r *rand.Rand) func() search.Params {
	return func() search.Params { return search.Params{"op": []string{"relu", "tanh"}[r.IntN(2)]} }
}

func (n *two) Lend(p search.Params, net *engine.Net, tr *engine.Trainer) error {
	copy(net.Params(), n.Weights[p["op"].(string)])
	if tr != nil {
		return tr.Swap(net, nil)
	}
	return nil
}

func (n *two) Return(p search.Params, tr *engine.Trainer) error {
	n.Weights[p["op"].(string)] = slices.Clone(tr.Net().Params())
	return nil
}

func (n *two) Save(w io.Writer, _ bool) error { return json.NewEncoder(w).Encode(n) }

func (n *two) Load(r io.Reader) error {
	n.Weights = nil
	return json.NewDecoder(r).Decode(n)
}

func sharing() Supervised {
	s := supervised(false)
	s.Build = func(p search.Params, _ data.Shape, _ int) (engine.Layer, error) {
		var act engine.Layer = engine.ReLU{}
		if p["op"] == "tanh" {
			act = engine.Tanh{}
		}
		return engine.Seq{engine.Dense{Out: 8}, engine.BatchNorm{}, act, engine.Dense{Out: 2}}, nil
	}
	s.Supernet = func() Supernet { return &two{map[string][]float32{}} }
	return s
}

func sharedTask(trial, to int) trials.Task {
	task := childTask(trial, to, search.Params{"op": []string{"relu", "tanh"}[trial%2], "lr": 0.02, "batch": 8.})
	task.Inherit, task.Supernet, task.Total = false, true, to
	return task
}

// weightsOf are the shared weights that a runner judges candidates with.
func weightsOf(t *testing.T, r *trials.Runner, s Supervised) map[string][]float32 {
	t.Helper()
	var weights map[string][]float32
	runTask(t, r, sharedTask(99, 4), func(_ context.Context, tr *trials.Trial) error {
		n, epochs, err := s.sharedWeights(tr)
		if err != nil || epochs != 4 {
			t.Fatalf("%d epochs, %v", epochs, err)
		}
		weights = n.(*two).Weights
		return trials.ErrInfeasible
	})
	if err := r.Blobs.DeleteAll(t.Context(), trials.TrialKey("s", 99)); err != nil { // so that it can ask again
		t.Fatal(err)
	}
	return weights
}

// Shared weights that are interrupted after any epoch end as those that never were,
// and candidates are evaluated the same, at the budget of their training.
func TestSupernet(t *testing.T) {
	s := sharing()
	whole := newRunner(t)
	first := runTask(t, whole, sharedTask(trials.SupernetTrial, 4), s.Train)
	want := weightsOf(t, whole, s)
	if len(want) != 2 || len(first.Curve) != 4 || first.Final.Metrics["valid_loss"] != first.Curve[3].Metrics["valid_loss"] {
		t.Fatalf("%d networks, %+v", len(want), first)
	}
	evaluated := runTask(t, whole, sharedTask(1, 4), s.Train)
	if evaluated.State != search.Completed || len(evaluated.Curve) != 1 || evaluated.Final.Budget != 4 || evaluated.Final.Metrics["shared"] != 4 || evaluated.Final.Metrics["valid_accuracy"] < .8 {
		t.Errorf("evaluated: %+v", evaluated)
	}
	same := runTask(t, whole, sharedTask(2, 4), s.Train) // the network of the first trial
	if a, b := same.Final.Metrics["valid_loss"], first.Final.Metrics["valid_loss"]; a != b {
		t.Errorf("the same network has a loss of %v and %v", a, b)
	}
	for trial, r := range []segment.Result{first, evaluated} { // what it leaves is its network
		got, err := s.Test(t.Context(), whole.Blobs, r.Checkpoint, sharedTask(trial, 4).Trial.Params, 1)
		if err != nil || got["test_accuracy"] < .8 {
			t.Errorf("trial %d: test %v, %v", trial, got, err)
		}
	}

	for stop := range 4 {
		r := newRunner(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		alive := func(m search.Measurement) {
			if m.Budget == stop {
				cancel(trials.ErrInterrupted)
			}
		}
		if stop == 0 {
			cancel(trials.ErrInterrupted)
		}
		if _, err := r.Run(ctx, sharedTask(trials.SupernetTrial, 4), s.Train, alive); !errors.Is(err, trials.ErrInterrupted) {
			t.Fatal(err)
		}
		again := runTask(t, r, sharedTask(trials.SupernetTrial, 4), s.Train)
		if again.Final.Metrics["valid_loss"] != first.Final.Metrics["valid_loss"] {
			t.Errorf("interrupted after epoch %d: a loss of %v, not %v", stop, again.Final.Metrics, first.Final.Metrics)
		}
		for op, w := range weightsOf(t, r, s) {
			if !slices.Equal(w, want[op]) {
				t.Errorf("interrupted after epoch %d: other weights of %s", stop, op)
			}
		}
	}
}

// Candidates are evaluated with the weights that are there, not with those that were;
// without any it is an error of the study that no retry heals.
func TestSupernetWeights(t *testing.T) {
	s, r := sharing(), newRunner(t)
	var failure *trials.ObjectiveError
	if _, err := r.Run(t.Context(), sharedTask(1, 4), s.Train, nil); !errors.As(err, &failure) || !strings.Contains(err.Error(), "not there") {
		t.Errorf("no weights: %v", err)
	}
	runTask(t, r, sharedTask(trials.SupernetTrial, 4), s.Train)
	old := weightsOf(t, r, s)
	if again := weightsOf(t, r, s); &again["relu"][0] != &old["relu"][0] {
		t.Error("they were read twice")
	}
	if err := r.Blobs.DeleteAll(t.Context(), trials.StudyKey("s")); err != nil {
		t.Fatal(err)
	}
	other := sharedTask(trials.SupernetTrial, 4)
	other.Seed++ // a study of the same name
	runTask(t, r, other, s.Train)
	if slices.Equal(weightsOf(t, r, s)["relu"], old["relu"]) {
		t.Error("the weights are of the study before")
	}
	err := r.Blobs.Put(t.Context(), trials.EndKey("s", trials.SupernetTrial, 4), func(w io.Writer) error {
		_, err := w.Write([]byte("{\"bank\":true}\n" + strings.Repeat("\xff", 20)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), sharedTask(3, 4), s.Train, nil); !errors.As(err, &failure) {
		t.Errorf("damaged weights: %v", err)
	}
	cv := supervised(true)
	cv.Supernet = s.Supernet
	if _, err := newRunner(t).Run(t.Context(), sharedTask(trials.SupernetTrial, 4), cv.Train, nil); err == nil {
		t.Error("cross-validation: no error")
	}
}

// A part behind its length is read and no more; a length that cannot be is an
// error before anything is read.
func TestPartBehindItsLength(t *testing.T) {
	for _, b := range [][]byte{nil, {1}, bytes.Repeat([]byte{255}, 12), {9, 0, 0, 0, 0, 0, 0, 0, 'a'}} {
		if part, err := partOf(bytes.NewReader(b)); err == nil {
			t.Errorf("%v has a part of %d bytes", b, part.Len())
		}
	}
	var b bytes.Buffer
	err := writeBehindLength(&b, func(w io.Writer) error { _, err := io.WriteString(w, "ab"); return err })
	b.WriteByte('c')
	if err != nil || !bytes.Equal(b.Bytes(), []byte{2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'}) {
		t.Fatalf("wrote %v, %v", b.Bytes(), err)
	}
	r := bytes.NewReader(b.Bytes())
	part, err := partOf(r)
	if err != nil || part.Len() != 2 {
		t.Fatalf("%v, %v", part, err)
	}
	own, _ := io.ReadAll(part)
	rest, _ := io.ReadAll(r)
	if string(own) != "ab" || string(rest) != "c" || part.Len() != 0 {
		t.Errorf("cut into %s and %s", own, rest)
	}
}
