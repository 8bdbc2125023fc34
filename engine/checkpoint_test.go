package engine

import (
	"bytes"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

// Whatever Load reads, it does not panic, and on an error nothing has changed;
// what it accepts can be saved and loaded again.
func FuzzLoad(f *testing.F) {
	fresh := func(tb testing.TB) *Trainer {
		n := mustCompile(tb, Seq{Dense{Out: 3}, BatchNorm{}, Dense{Out: 2}}, data.Shape{2}, Config{Batch: 4})
		return mustTrain(tb, n, TrainConfig{Schedule: optim.Plateau{}, EMA: 0.9, LossScale: &LossScale{}})
	}
	s := &data.Set{Shape: data.Shape{2}, X: make([]float32, 20), Class: make([]int32, 10), Classes: 2}
	tr := fresh(f)
	for range 4 {
		if _, err := tr.Step(s); err != nil {
			f.Fatal(err)
		}
	}
	tr.KeepBest()
	var b bytes.Buffer
	if err := tr.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(bytes.Replace(b.Bytes(), []byte(`\"rows\":4`), []byte(`\"rows\":9`), 1))
	f.Add(b.Bytes()[:b.Len()/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := fresh(t)
		before := slices.Clone(tr.net.params)
		if err := tr.Load(bytes.NewReader(b)); err != nil {
			if !slices.Equal(before, tr.net.params) || tr.cursor != (cursor{}) {
				t.Errorf("changed by a Load that failed: %v", err)
			}
			return
		}
		var again bytes.Buffer
		if err := tr.Save(&again); err != nil {
			t.Fatal(err)
		}
		if err := fresh(t).Load(&again); err != nil {
			t.Errorf("what was loaded cannot be loaded again: %v", err)
		}
		_, _ = tr.Step(s) // an error, perhaps, for a cursor beyond the set
	})
}
