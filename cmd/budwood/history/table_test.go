package history

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

// A table of one row a trial: what is not known is guessed and said.
func TestTable(t *testing.T) {
	dir := write(t, map[string]string{"old.csv": "lr,layers,act,loss\n0.001,2,relu,0.5\n0.1,4,tanh,0.7\n0.01,3,relu,0.4\n"})
	h := must(t, filepath.Join(dir, "old.csv"), Options{})
	if h.Name != "old" || h.Objectives[0] != (search.Objective{Metric: "loss", Goal: search.Minimize}) || len(h.Trials) != 3 || h.last(2) != .4 {
		t.Fatalf("%+v", h)
	}
	d := h.Space.Dims()
	if d[0].Kind != search.KindFloat || !d[0].Log || d[0].Lo != .001 || d[0].Hi != .1 || d[1].Kind != search.KindInt || d[1].Log || d[2].Kind != search.KindChoice || len(d[2].Options) != 2 {
		t.Errorf("%+v %+v %+v", d[0], d[1], d[2])
	}
	if !noted(h, `the result is taken from the column "loss"`) || !noted(h, "lr: the file does not say its range; taken for float from 0.001 to 0.1 on a logarithmic scale") {
		t.Errorf("%q", h.Notes)
	}
	if p := h.Trials[1].Params; p["lr"] != .1 || p["layers"] != 4 || p["act"] != "tanh" {
		t.Errorf("%v", p)
	}
}

// A table as Optuna's trials_dataframe writes it.
func TestTableOfOptuna(t *testing.T) {
	text := "number,value,datetime_start,duration,params_beta,params_lr,params_momentum,params_opt,state\n" +
		"0,0.8,2026-12-01 16:56:50,0 days,,0.001,0.9,sgd,COMPLETE\n" +
		"1,0.7,2026-12-01 16:56:51,0 days,0.99,0.002,,adam,COMPLETE\n" +
		"2,,2026-12-01 16:56:51,0 days,0.98,0.003,,adam,FAIL\n" +
		"3,,2026-12-01 16:56:51,,0.97,0.003,,adam,RUNNING\n"
	dir := write(t, map[string]string{"o.csv": text})
	h := must(t, filepath.Join(dir, "o.csv"), Options{Metrics: []string{"accuracy"}, Goal: search.Maximize})
	if h.Tool != "optuna" || h.Objectives[0] != (search.Objective{Metric: "accuracy", Goal: search.Maximize}) || len(h.Trials) != 3 {
		t.Fatalf("%+v", h)
	}
	if h.Trials[2].State != search.Failed || !noted(h, "1 trials are left out: they have not ended") || !noted(h, `accuracy is what the column "value" holds`) {
		t.Errorf("%v, %q", h.Trials[2].State, h.Notes)
	}
	if got := names(h.Space); !slices.Equal(got, []string{"lr", "opt"}) {
		t.Errorf("top of the space: %v", got)
	}
	opt := h.Space.Dims()[slices.IndexFunc(h.Space.Dims(), func(d *search.Dim) bool { return d.Name == "opt" })]
	for _, o := range opt.Options {
		want := map[any]string{"sgd": "momentum", "adam": "beta"}[o.Value]
		if got := names(o.Space); len(got) != 1 || got[0] != want {
			t.Errorf("below %v: %v, want %s", o.Value, got, want)
		}
	}
}

// One row an epoch: the rows of a trial are its curve.
func TestTableOfCurves(t *testing.T) {
	dir := write(t, map[string]string{"c.csv": "trial;epoch;lr;val_loss\n7;1;0.1;0.9\n7;2;0.1;0.6\n3;1;0.2;0.8\n"})
	h := must(t, filepath.Join(dir, "c.csv"), Options{Metrics: []string{"val_loss"}})
	m := h.Trials[0].Measurements
	if len(h.Trials) != 2 || len(m) != 2 || m[0].Budget != 1 || m[1].Budget != 2 || m[1].Metrics["val_loss"] != .6 {
		t.Errorf("%+v", h.Trials)
	}
}

// The folders of Ray Tune and Syne Tune.
func TestFolders(t *testing.T) {
	report := func(lr, acc string, i string) string {
		return `{"config": {"lr": ` + lr + `, "net": {"width": 8}}, "training_iteration": ` + i + `, "acc": ` + acc + `, "time_total_s": 2.5}` + "\n"
	}
	ray := write(t, map[string]string{
		"train_1/result.json": report("0.1", "0.5", "1") + report("0.1", "0.75", "2"),
		"train_2/result.json": report("0.2", "NaN", "1"),
		"train_3/result.json": "",
	})
	h := must(t, ray, Options{Metrics: []string{"acc"}, Goal: search.Maximize})
	if len(h.Trials) != 2 || h.last(0) != .75 || len(h.Trials[0].Measurements) != 2 || h.Trials[0].Params["net/width"] != 8 || h.Trials[0].Seconds != 2.5 ||
		h.Trials[1].State != search.Diverged || !noted(h, "train_3 is left out") {
		t.Errorf("%+v, %q", h.Trials, h.Notes)
	}
	if _, err := Read(ray, Options{Metrics: []string{"accuracy"}}); err == nil || !strings.Contains(err.Error(), `no metric "accuracy"; it has [acc config`) {
		t.Error(err)
	}

	syne := write(t, map[string]string{"metadata.json": `{"metric_names": ["acc"], "metric_mode": "max"}`})
	f, err := os.Create(filepath.Join(syne, "results.csv.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("results.csv")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("acc,epoch,trial_id,config_lr,st_worker_time,st_status\n0.5,1,0,0.1,1.5,InProgress\n0.6,2,0,0.1,3,Completed\n0.4,1,1,0.3,1,Stopped\n"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	h = must(t, syne, Options{})
	if h.Tool != "syne tune" || h.Objectives[0] != (search.Objective{Metric: "acc", Goal: search.Maximize}) || len(h.Trials) != 2 || h.last(0) != .6 ||
		h.Trials[0].State != search.Completed || h.Trials[1].State != search.Stopped || h.Trials[0].Seconds != 3 {
		t.Errorf("%+v", h)
	}
}

// What cannot be read is one line that says where and what to do.
func TestMistakes(t *testing.T) {
	dir := write(t, map[string]string{
		"none.csv":  "lr,speed\n1,2\n",
		"cell.csv":  "lr,loss\n1,2\n2,high\n",
		"short.csv": "lr,loss\n1,2\n2\n",
		"twice.csv": "trial,lr,loss\n1,2,3\n1,2,3\n",
		"state.csv": "lr,loss,state\n1,2,sleeping\n",
		"text.txt":  "hello\n",
		"empty.csv": "lr,loss\n",
	})
	for file, want := range map[string]string{
		"none.csv":   "which column is the result? say --metric NAME; it has lr, speed",
		"cell.csv":   `line 3: loss is "high", which is no number`,
		"short.csv":  "line 3 has 1 cells, the first line has 2",
		"twice.csv":  "line 3: trial 1 stands twice, and no column tells its epochs",
		"state.csv":  `line 2: "sleeping" is not a state of a trial`,
		"text.txt":   "not a history that is read here",
		"empty.csv":  "it has no rows",
		"absent.csv": "no such file or directory",
		".":          "there is no results.csv.zip",
	} {
		if _, err := Read(filepath.Join(dir, file), Options{}); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}
