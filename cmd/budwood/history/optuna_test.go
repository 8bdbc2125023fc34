package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

// Files that Optuna itself has written are read, and it reads what is written here.
const optunaProgram = `
import sys, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
def objective(t):
    lr = t.suggest_float("lr", 1e-5, 1e-1, log=True)
    width = t.suggest_int("width", 16, 256, step=16)
    opt = t.suggest_categorical("optimizer", ["sgd", "adam"])
    m = t.suggest_float("momentum", 0, .99) if opt == "sgd" else t.suggest_float("beta", .8, .999)
    norm = t.suggest_categorical("norm", [None, True, "layer"])
    if t.number == 3: raise ValueError("no")
    for e in range(4 if t.number != 4 else 0):
        t.report(lr + 1 / (e + 1), e)
        if t.should_prune(): raise optuna.TrialPruned()
    if t.number == 4: return float("inf")
    return lr + .25
storages = ["sqlite:///o.db"]
if hasattr(optuna.storages, "JournalFileStorage"):
    storages.append(optuna.storages.JournalStorage(optuna.storages.JournalFileStorage("o.log")))
for s in storages:
    st = optuna.create_study(study_name="digits", storage=s, sampler=optuna.samplers.RandomSampler(seed=1), pruner=optuna.pruners.MedianPruner(n_startup_trials=2))
    st.optimize(objective, n_trials=12, catch=(ValueError,))
    st.ask()
    two = optuna.create_study(study_name="two", storage=s, directions=["minimize", "maximize"], sampler=optuna.samplers.RandomSampler(seed=1))
    two.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1, step=.25)), n_trials=3)
`

const optunaReads = `
import optuna
s = optuna.load_study(study_name="digits", storage="sqlite:///back.db")
for t in s.trials: print(t.number, t.state.name, sorted(t.params.items(), key=lambda p: p[0]), t.value, sorted(t.intermediate_values.items()))
print(s.direction.name, s.best_trial.number)
`

func python(t *testing.T, dir, program string) string {
	t.Helper()
	const debian = "/usr/bin/python3"
	if exec.Command(debian, "-c", "import optuna").Run() != nil {
		t.Skip("no python3 with optuna")
	}
	c := exec.Command(debian, "-c", program)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return string(out)
}

func TestOptuna(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Optuna for seconds")
	}
	dir := t.TempDir()
	python(t, dir, optunaProgram)
	o := Options{Study: "digits", Metrics: []string{"loss"}}
	db := must(t, filepath.Join(dir, "o.db"), o)
	if db.Tool != "optuna" || db.Name != "digits" || len(db.Trials) != 12 || !noted(db, "1 trials are left out") || !noted(db, `the choice null is kept as the text "None"`) {
		t.Errorf("%d trials, %q", len(db.Trials), db.Notes)
	}
	if got := names(db.Space); !slices.Equal(got, []string{"lr", "width", "optimizer", "norm"}) {
		t.Errorf("space %v", got)
	}
	d := db.Space[1].Dim()
	if lr := db.Space[0].Dim(); !lr.Log || lr.Lo != 1e-5 || lr.Hi != .1 || d.Kind != search.KindInt || d.Step != 16 || d.Hi != 256 {
		t.Errorf("%+v %+v", lr, d)
	}
	if db.Trials[3].State != search.Failed || db.Trials[4].State != search.Diverged || db.Trials[0].State != search.Completed || len(db.Trials[0].Measurements) != 4 {
		t.Errorf("%v %v %+v", db.Trials[3].State, db.Trials[4].State, db.Trials[0])
	}
	if !slices.ContainsFunc(db.Trials, func(r search.Record) bool { return r.State == search.Stopped && len(r.Measurements) < 4 }) {
		t.Error("no trial was pruned")
	}
	if two := must(t, filepath.Join(dir, "o.db"), Options{Study: "two"}); len(two.Objectives) != 2 || two.Objectives[1].Goal != search.Maximize || len(two.Trials) != 3 {
		t.Errorf("%+v", two)
	}
	if _, err := Read(filepath.Join(dir, "o.db"), Options{}); err == nil || !strings.Contains(err.Error(), "it has 2 studies; choose one with --from: digits, two") {
		t.Error(err)
	}
	if journal, err := Read(filepath.Join(dir, "o.log"), o); err == nil {
		for i := range journal.Trials {
			journal.Trials[i].Seconds = db.Trials[i].Seconds
		}
		if a, b := fmt.Sprintf("%+v %q", journal.Trials, journal.Notes), fmt.Sprintf("%+v %q", db.Trials, db.Notes); a != b || !sameSpace(t, journal.Space, db.Space) { // with NaN
			t.Errorf("the journal and the database differ:\n%s\n%s", a, b)
		}
	}
	if err := db.WriteOptuna(filepath.Join(dir, "back.db")); err != nil {
		t.Fatal(err)
	}
	said := python(t, dir, optunaReads)
	if lines := strings.Split(strings.TrimSpace(said), "\n"); len(lines) != 13 || !strings.HasPrefix(lines[12], "MINIMIZE ") || !strings.Contains(lines[0], "COMPLETE [('") || !strings.Contains(lines[3], "FAIL") {
		t.Error(said)
	}
}

// A journal with numbers that JSON does not have, a trial that is added as a whole, a
// deleted study, and a last line that is cut off.
func TestJournal(t *testing.T) {
	text := `{"op_code": 0, "study_name": "gone", "directions": [1]}
{"op_code": 0, "study_name": "s", "directions": [2]}
{"op_code": 1, "study_id": 0}
{"op_code": 3, "study_id": 1, "system_attr": {"study:metric_names": ["auc \" NaN"]}}
{"op_code": 4, "study_id": 1, "datetime_start": "2026-12-01T16:00:00.5"}
{"op_code": 5, "trial_id": 0, "param_name": "x", "param_value_internal": 0.5, "distribution": "{\"name\": \"UniformDistribution\", \"attributes\": {\"low\": 0, \"high\": 1}}"}
{"op_code": 7, "trial_id": 0, "step": 0, "intermediate_value": -Infinity}
{"op_code": 6, "trial_id": 0, "state": 1, "values": [0.75], "datetime_complete": "2026-12-01T16:00:02"}
{"op_code": 4, "study_id": 1, "state": 1, "params": {"x": 0.25}, "distributions": {"x": "{\"name\": \"FloatDistribution\", \"attributes\": {\"low\": 0, \"high\": 2, \"step\": null, \"log\": false}}"}, "value": NaN, "values": null}
{"op_code": 4, "study_id`
	dir := write(t, map[string]string{"j.log": text})
	h := must(t, filepath.Join(dir, "j.log"), Options{})
	if h.Name != "s" || h.Objectives[0] != (search.Objective{Metric: `auc " NaN`, Goal: search.Maximize}) || len(h.Trials) != 2 || h.last(0) != .75 || h.Trials[0].Seconds != 1.5 {
		t.Errorf("%+v", h)
	}
	if h.Trials[1].State != search.Diverged || h.Space[0].Dim().Hi != 2 || !noted(h, "cut off") || !noted(h, "the widest one counts") {
		t.Errorf("%v, %+v, %q", h.Trials[1].State, h.Space[0].Dim(), h.Notes)
	}
}

// What is written is read back.
func TestWriteOptuna(t *testing.T) {
	dir := write(t, map[string]string{"h.csv": "lr,act,units,epoch,trial,loss\n0.001,relu,,1,0,0.5\n0.001,relu,,2,0,0.25\n0.1,tanh,12,1,1,nan\n0.5,tanh,14,1,2,0.75\n"})
	h := must(t, filepath.Join(dir, "h.csv"), Options{})
	h.Notes = nil
	path := filepath.Join(dir, "h.db")
	if err := h.WriteOptuna(path); err != nil {
		t.Fatal(err)
	}
	if err := h.WriteOptuna(path); err == nil {
		t.Error("the file was overwritten")
	}
	back := must(t, path, Options{})
	if !sameSpace(t, back.Space, h.Space) || !reflect.DeepEqual(back.Objectives, h.Objectives) || len(back.Trials) != 3 {
		t.Fatalf("%+v\n%+v", back, h)
	}
	for i, r := range back.Trials {
		want := h.Trials[i]
		if !reflect.DeepEqual(r.Params, want.Params) || i != 1 && (r.State != want.State || !reflect.DeepEqual(r.Measurements, want.Measurements)) {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	if back.Trials[1].State != search.Failed {
		t.Errorf("a trial that diverged is %s", back.Trials[1].State)
	}
}

func sameSpace(t *testing.T, a, b search.Space) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, second := json.Marshal(b)
	if err != nil || second != nil || !bytes.Equal(x, y) {
		t.Logf("%s\n%s", x, y)
		return false
	}
	return true
}

// Choices below choices are found, and what no choice explains is left out and said.
func TestNestedChoices(t *testing.T) {
	text := "a,b,c,odd,loss\nx,p,1,,1\nx,q,,3,2\ny,,,,3\ny,,,4,4\nx,p,2,,5\n"
	dir := write(t, map[string]string{"n.csv": text})
	h := must(t, filepath.Join(dir, "n.csv"), Options{})
	var lines []string
	var walk func(string, search.Space)
	walk = func(at string, s search.Space) {
		for _, p := range s {
			lines = append(lines, at+p.Dim().Name)
			for _, o := range p.Dim().Options {
				walk(at+p.Dim().Name+"="+o.Value.(string)+"/", o.Space)
			}
		}
	}
	walk("", h.Space)
	if want := []string{"a", "a=x/b", "a=x/b=p/c"}; !slices.Equal(lines, want) || !noted(h, "odd is left out: only some trials have it") || len(h.Trials) != 5 {
		t.Errorf("%v, %d trials, %q", lines, len(h.Trials), h.Notes)
	}
}

// No file makes a reader panic or hang, and a history that is read holds together.
func FuzzRead(f *testing.F) {
	f.Add([]byte("lr,layers,loss\n0.1,2,3\n"))
	f.Add([]byte("number,value,params_a,state\n0,1,x,COMPLETE\n"))
	f.Add([]byte(`{"op_code": 0, "study_name": "s", "directions": [1]}` + "\n" + `{"op_code": 4, "study_id": 0, "state": 1, "values": [NaN], "params": {"x": 1}, "distributions": {"x": "{\"name\": \"IntUniformDistribution\", \"attributes\": {\"low\": 0, \"high\": 4}}"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Read(filepath.Join(write(t, map[string]string{"f": string(b)}), "f"), Options{})
		if err != nil {
			return
		}
		for _, r := range h.Trials {
			if _, err := h.Space.Check(r.Params); err != nil || !r.State.Ended() {
				t.Errorf("%v: %v, %s", r.Params, err, r.State)
			}
		}
	})
}
