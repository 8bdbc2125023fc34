package study_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/segment"
	"budwood/trials/store"
)

func TestDescribeChange(t *testing.T) {
	old, now := segment.Version{"train.py": "1", "model.py": "1"}, segment.Version{"train.py": "2", "model.py": "1"}
	older := segment.Version{"train.py": "1", "model.py": "0"}
	list := []store.Trained{{Version: older, ID: older.ID(), Trials: []int{0}}, {Version: old, ID: old.ID(), Trials: []int{1, 2, 3, 5}}, {Version: now, ID: now.ID(), Trials: []int{3, 4}}}
	if got := study.DescribeChange("s", list[2:], now); got != "" {
		t.Error(got)
	}
	if got := study.DescribeChange("s", list, nil); got != "" {
		t.Errorf("nobody knows what it is now: %s", got)
	}
	want := "train.py has changed: 4 trials (t0001-t0003,t0005) are of the version before (" + old.ID() + ", now " + now.ID() +
		"); to leave them out: budwood trial drop s t0001-t0003,t0005 --why 'train.py has changed'"
	if got := study.DescribeChange("s", list[1:], now); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	want = "model.py and train.py have changed: 5 trials (t0000-t0003,t0005) are of versions before ("
	if got := study.DescribeChange("s", list, now); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	want = "t0000 of version " + older.ID() + ", t0001-t0003,t0005 of version " + old.ID() + ", t0003-t0004 of version " + now.ID() +
		" (model.py and train.py have changed); to leave those before out: budwood trial drop s t0000-t0003,t0005 --why 'model.py and train.py have changed'"
	if got := study.DescribeVersions("s", list); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if !slices.Equal(list[1].Trials, []int{1, 2, 3, 5}) {
		t.Errorf("it changed what it describes: %v", list)
	}
}

// A study goes on with another command, whose versions tell its trials apart.
func TestCommandMayChange(t *testing.T) {
	spec := studytest.Toy(t, "cmd")
	spec.Command = &study.Command{Args: []string{"sh", "train.sh", "{x}"}, Env: map[string]string{"SCALE": "1"}}
	stored, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	was := spec.Version()
	spec.Command = &study.Command{Args: spec.Command.Args, Env: map[string]string{"SCALE": "2"}}
	if err := study.CanContinue(stored, spec); err != nil {
		t.Error(err)
	}
	if study.SameCommand(stored, spec) {
		t.Error("the same command")
	}
	if got := was.Changed(spec.Version()); !slices.Equal(got, []string{"env SCALE"}) {
		t.Errorf("changed: %v", got)
	}
	spec.Command = nil
	if err := study.CanContinue(stored, spec); err == nil {
		t.Error("a study of a command goes on without one")
	}
}
