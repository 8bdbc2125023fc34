package study

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"budwood/data"
	"budwood/trials/blob"
)

const goodFile = `name: toy
data: {csv: toy.csv, target: y, split: {valid: 0.25, test: 0.25, seed: 1}}
objective: {metric: valid_accuracy, goal: maximize}
search: {sampler: random, scheduler: asha}
budget: {trials: 4, epochs: 3, time: 1m}
space:
  - {name: lr, float: [1e-3, 0.1], log: true}
  - name: optimizer
    choice: [adamw, {value: sgd, space: [{name: momentum, float: [0, 0.99]}]}]
start_with: [{lr: 1e-2, optimizer: sgd, momentum: 0.5}]
`

// writeStudy writes a study file and its data into a new directory.
func writeStudy(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	var csv strings.Builder
	csv.WriteString("a,b,y\n")
	for i := range 40 {
		csv.WriteString([]string{"1,2.5,yes\n", "2,0.5,no\n"}[i%2])
	}
	for name, text := range map[string]string{"toy.csv": csv.String(), "study.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "study.yaml")
}

func TestLoad(t *testing.T) {
	path := writeStudy(t, goodFile)
	s, d, err := Load(context.Background(), path, &data.Cache{}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 20 || s.Outputs != 2 || s.Data.CSV != filepath.Join(filepath.Dir(path), "toy.csv") {
		t.Errorf("%d rows, %d outputs, data at %s", d.Train.Len(), s.Outputs, s.Data.CSV)
	}
	if got := s.StartWith[0].String(); got != "lr=0.01 momentum=0.5 optimizer=sgd" {
		t.Errorf("start_with is %s", got)
	}
	// It travels to the workflow as JSON.
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Spec
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(b), string(again)); diff != "" {
		t.Error(diff)
	}
	if err := CanContinue(b, s); err != nil {
		t.Errorf("the same study cannot go on: %v", err)
	}
}

// A study goes on with the data that it began with, wherever that is by now.
func TestContinueWithData(t *testing.T) {
	ctx := t.Context()
	load := func(path string) *Spec {
		t.Helper()
		s, _, err := Load(ctx, path, &data.Cache{}, FileOptions{})
		if err == nil {
			err = s.KeepData(ctx, &blob.DataFiles{Blobs: blob.Dir(t.TempDir())})
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	path := writeStudy(t, goodFile)
	was := load(path)
	stored, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	if err := CanContinue(stored, load(writeStudy(t, goodFile))); err != nil {
		t.Errorf("the same file elsewhere: %v", err)
	}
	other := *was
	d := *was.Data
	d.Digests, other.Data = nil, &d
	if err := CanContinue(stored, &other); err != nil {
		t.Errorf("from a program that tells no digests: %v", err)
	}
	if b, err := json.Marshal(other); err != nil || CanContinue(b, was) != nil {
		t.Errorf("a study of an older version: %v", CanContinue(b, was))
	}
	d.Rows = 5
	if err := CanContinue(stored, &other); err == nil {
		t.Error("other settings are not noticed")
	}
	f, err := os.OpenFile(was.Data.CSV, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("9,9,yes\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := CanContinue(stored, load(path)); err == nil || !strings.Contains(err.Error(), "its data (a file or how it is used) differs") {
		t.Errorf("with another row: %v", err)
	}
}

// Each mistake gives one line that says where and what.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"misspelt key", "budget: {trials", "budget: {trails", `study.yaml:5:10: unknown key "trails" (did you mean "trials"?)`},
		{"misspelt top key", "objective:", "objectve:", `study.yaml:3:1: unknown key "objectve" (did you mean "objective"?)`},
		{"misspelt parameter key", "log: true", "lgo: true", `study.yaml:7:36: unknown key "lgo" (did you mean "log"?)`},
		{"wrong type", "trials: 4", "trials: four", `study.yaml:5:18: expected a whole number, found "four"`},
		{"text for a number", "trials: 4", `trials: "4"`, `study.yaml:5:18: expected a whole number, found "4"`},
		{"fraction for a count", "trials: 4", "trials: 2.5", `study.yaml:5:18: expected a whole number, found 2.5`},
		{"list for a text", "name: toy", "name: [toy]", `study.yaml:1:7: expected a text, found a list`},
		{"list for a variable", "space:", "command: {args: [x], env: {A: [b]}}\nspace:", `A: expected a text`},
		{"not a duration", "time: 1m", "time: soon", `"soon" is not a duration`},
		{"empty range", "[1e-3, 0.1]", "[0.1, 1e-3]", `study.yaml:7:6: space[0]: lr: the range [0.1, 0.001] is empty`},
		{"log from zero", "[1e-3, 0.1]", "[0, 0.1]", `study.yaml:7:6: space[0]: lr: a log range must start above 0`},
		{"one bound", "[1e-3, 0.1]", "[1e-3]", `study.yaml:7:6: space[0]: lr: float needs two bounds`},
		{"unknown hyperparameter", "name: lr", "name: lrate", `study.yaml:7:12: space[0].name: there is no "lrate"`},
		{"impossible value", "[adamw,", "[rmsprob,", `study.yaml:8:5: space[1]: optimizer: rmsprob is none of adamw, adam, amsgrad, sgd, nesterov, rmsprop, adagrad, adabound: did you mean rmsprop?`},
		{"unknown sampler", "sampler: random", "sampler: radnom", `study.yaml:4:19: search.sampler: there is no "radnom" (did you mean "random"?)`},
		{"unknown cost", "sampler: random", "sampler: tpe, cost: enrgy", `study.yaml:4:30: search.cost: there is no "enrgy" (did you mean "energy"?); there are energy, time`},
		{"cost for a sampler without", "sampler: random", "sampler: random, cost: energy", `search.cost: the sampler random does not weigh costs; auto, gp, tpe, motpe and ehvi do`},
		{"one objective for a sampler", "search: {sampler: random", "also: [{metric: params}]\nsearch: {sampler: cmaes", `study.yaml:5:19: search.sampler: cmaes uses the first objective only, and 'also' names more: remove it, or choose one of auto, nsga2, motpe, ehvi, random, grid, sobol, quasi`},
		{"one objective for a scheduler", "search: {sampler: random, scheduler: asha", "also: [{metric: params}]\nsearch: {scheduler: median", `study.yaml:5:21: search.scheduler: median uses the first objective only, and 'also' names more: remove it, or choose one of asha, hyperband, halving, none`},
		{"objective again", "search: {", "also: [{metric: params}, {metric: valid_accuracy}]\nsearch: {", `study.yaml:4:35: also[1].metric: valid_accuracy is an objective already: remove one of them`},
		{"objective twice", "search: {", "also: [{metric: params}, {metric: params}]\nsearch: {", `study.yaml:4:35: also[1].metric: params is an objective already`},
		{"unknown metric", "metric: valid_accuracy", "metric: accuracy", `study.yaml:3:21: objective.metric: there is no "accuracy"`},
		{"metric of another task", "metric: valid_accuracy, goal: maximize", "metric: valid_rmse", `study.yaml:3:21: objective.metric: valid_rmse is a metric of regression, but "y" is a class with 2 values`},
		{"error of a class", "metric: valid_accuracy, goal: maximize", "metric: valid_mae", `study.yaml:3:21: objective.metric: valid_mae is a metric of regression, but "y" is a class with 2 values`},
		{"wrong goal", "goal: maximize", "goal: max", `study.yaml:3:43: objective.goal: there is no "max"`},
		{"missing data file", "csv: toy.csv", "csv: toi.csv", `study.yaml:2:13: data.csv: read toi.csv: no such file or directory`},
		{"data elsewhere", "csv: toy.csv", "csv: ../toy.csv", `study.yaml:2:13: data.csv: ../toy.csv is outside the study file's directory`},
		{"no such target", "target: y", "target: z", `study.yaml:2:30: data.target: read toy.csv: there is no column "z"; the columns are a, b, y`},
		{"bad split", "valid: 0.25", "valid: 1.5", `study.yaml:2:48: data.split.valid: 1.5 is not a share of the rows`},
		{"start_with outside", "lr: 1e-2", "lr: 1", `study.yaml:10:15: start_with[0]: lr: 1 is outside [0.001, 0.1]`},
		{"start_with in the wrong branch", "optimizer: sgd, momentum: 0.5", "optimizer: adamw, momentum: 0.5", `momentum: no such parameter in this branch`},
		{"misspelt in a constraint", "start_with", "constraints: [lr < 1, ls < 1]\nstart_with", `study.yaml:10:23: constraints[1]: "ls < 1", column 1: there is no parameter "ls" (did you mean "lr"?)`},
		{"unsatisfiable constraint", "start_with", "constraints: [lr > 1]\nstart_with", `study.yaml:10:15: constraints[0]: "lr > 1": no point of the space was found that satisfies it`},
		{"start_with against a constraint", "start_with", "constraints: [lr < 0.005]\nstart_with", `start_with[0]: it breaks the constraint "lr < 0.005"`},
		{"default outside", "log: true}", "log: true, default: 1}", `study.yaml:7:6: space[0]: the default of lr: 1 is outside [0.001, 0.1]`},
		{"name twice", "name: optimizer", "name: lr", `lr: the name stands twice`},
		{"no name", "name: toy", "name: Toy Study", `study.yaml:1:7: name: "Toy Study" is not a name`},
		{"tabs", "  - {name: lr", "\t- {name: lr", `study.yaml:7:`},
		{"duplicate key", "search:", "name: x\nsearch:", `study.yaml:4:1: `},
		{"no budget", "trials: 4", "trials: 0x", `expected a whole number, found "0x"`},
		{"mesh and parallel", "search:", "parallel: 4\nsearch:", `study.yaml:4:11: parallel: there is no such key: mesh trains one trial on many cores, search.parallel is how many trials run at once`},
		{"mesh of nothing", "search:", "mesh: {}\nsearch:", `study.yaml:4:1: mesh: it says nothing: write threads, data, micro_batches, recompute or ranks`},
		{"mesh of zero above 3", "search:", "mesh: {ranks: 2, zero: 5}\nsearch:", `study.yaml:4:24: mesh.zero: 5: there are 0, 1, 2 and 3`},
		{"mesh of zero and one rank", "search:", "mesh: {zero: 1}\nsearch:", `study.yaml:4:14: mesh.zero: a trial has one rank, which has nobody to share the optimizer's state with: leave it out, or write ranks`},
		{"mesh of 0 threads", "search:", "mesh: {threads: 0}\nsearch:", `study.yaml:4:17: mesh.threads: 0 sets nothing: write another value, or leave the key out, which means 1`},
		{"mesh of an unknown key", "search:", "mesh: {stages: 2}\nsearch:", `study.yaml:4:8: unknown key "stages"; there are data, micro_batches, tensor, pipeline, threads, auto, zero, recompute, ranks`},
		{"mesh that recomputes what there is not", "search:", "mesh: {recompute: some}\nsearch:", `study.yaml:4:1: mesh: with batch 64 and accumulate 1: recompute "some": there are blocks and all`},
		{"mesh of too many threads", "search:", "mesh: {data: 2, threads: 4}\nsearch:", `study.yaml:4:1: mesh: with batch 64 and accumulate 1: threads 4 are more than the 2 shards of data: use at most 2 threads, or data 4`},
		{"mesh of too many shards", "search:", "train: {batch: 8}\nmesh: {data: 16}\nsearch:", `study.yaml:5:1: mesh: with batch 8 and accumulate 1: data 16 is more than the 8 rows of a step: use at most 8`},
		{"mesh of too few processors", "search:", "mesh: {threads: 4}\nresources: {cpu: 2}\nsearch:", `study.yaml:5:18: resources.cpu: 2 is less than the 4 threads of mesh: use at least 4, or leave it out`},
		{"negative budget", "trials: 4", "trials: -4", `study.yaml:5:18: budget.trials: -4 is outside [1, 1000000]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodFile, c.old) {
				t.Fatalf("the good file has no %q", c.old)
			}
			path := writeStudy(t, strings.Replace(goodFile, c.old, c.new, 1))
			_, _, err := Load(context.Background(), path, &data.Cache{}, FileOptions{})
			var file *FileError
			if !errors.As(err, &file) {
				t.Fatalf("got %v, want a FileError", err)
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "")
			if !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if file.Line > 0 && file.Excerpt == "" {
				t.Error("no excerpt of the source")
			}
		})
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "- a\n", "just words\n", "{}\n", "a: *b\n", "? {}\n", "name: !!binary x\n", "\xff\xfe"} {
		_, _, err := Load(context.Background(), writeStudy(t, text), &data.Cache{}, FileOptions{})
		var file *FileError
		if !errors.As(err, &file) {
			t.Errorf("%q: got %v, want a FileError", text, err)
		}
	}
}

// What is written as nothing is no way to ask for a default: each is told with its
// place. Only where nothing is what the key would mean without a value may it stand.
func TestNothingIsNoValue(t *testing.T) {
	const network = "architecture: {family: mlp}"
	good := strings.Replace(goodFile, "space:\n", network+"\nspace:\n", 1)
	good = strings.Replace(strings.Replace(good, "sampler: random", "sampler: evolution", 1), "start_with: [{lr: 1e-2, optimizer: sgd, momentum: 0.5}]\n", "", 1)
	for _, c := range []struct{ old, new, want string }{
		{"objective: {metric: valid_accuracy, goal: maximize}", "objective:", `study.yaml:3:1: objective has no value: write one, or leave the key out`},
		{"trials: 4", "trials: ~", `study.yaml:5:10: trials has no value`},
		{"trials: 4", "trials: null", `study.yaml:5:10: trials has no value`},
		{"trials: 4", "trials: 0", `study.yaml:5:18: budget.trials: 0 sets nothing: write another value, or leave the key out, which means 30`},
		{"epochs: 3", "epochs: 0.0", `budget.epochs: 0 sets nothing`},
		{"sampler: evolution", `sampler: ""`, `study.yaml:4:19: sampler is an empty text: write a value, or leave the key out`},
		{"sampler: evolution", "sampler: evolution, parallel: 0", `search.parallel: 0 sets nothing: write another value, or leave the key out, which means 2`},
		{"valid: 0.25", "valid: 0", `study.yaml:2:48: data.split.valid: 0 sets nothing: write another value, or leave the key out, which means 0.2`},
		{"seed: 1}", "seed: 1, group: ''}", `group is an empty text`},
		{"target: y", "target: y, rows: 0", `data.rows: 0 sets nothing: write another value, or leave the key out, which means all of them`},
		{"space:", "resources: {mem: 0}\nspace:", `resources.mem: 0 sets nothing: write another value, or leave the key out, which means a share of the worker's`},
		{"space:", "resources: {mem: 0.5}\nspace:", `"0.5" is not an amount of memory`},
		{"target: y", "target: y, image: []", `data.image: [] sets nothing: write another value, or leave the key out, which means no image`},
		{"target: y", "target: y, target_encode: {columns: []}", `data.target_encode.columns: [] sets nothing`},
		{"target: y", "target: y, ignore: [~]", `there is no value here: write one, or take this entry out`},
		{"goal: maximize", "goal: ''", `goal is an empty text`},
		{"family: mlp", "family: mlp, ops: []", `study.yaml:6:29: architecture.ops: is empty: choose from [dense residual relu leaky_relu gelu silu tanh sigmoid], or leave the key out`},
		{"family: mlp", "family: mlp, depth: []", `architecture.depth: is empty: write [lo, hi], or leave the key out`},
		{"family: mlp", "family: mlp, norm: []", `architecture.norm: is empty`},
		{"family: mlp", "family: mlp, dropout: []", `architecture.dropout: is empty`},
		{"family: mlp", "family: mlp, width: ~", `width has no value`},
		{"family: mlp", "family: mlp, limits: {params: ~}", `params has no value`},
		{"family: mlp", "grammar: [{op: dense, out: ~}]", `out has no value`},
		{"space:", "retrain: {best: 2, epochs: 0}\nspace:", `retrain.epochs: 0 sets nothing: write another value, or leave the key out, which means budget.epochs`},
		{"space:", "max_failed: 0\nspace:", `max_failed: 0 sets nothing`},
		{"space:", "keep: 0\nspace:", `keep: 0 sets nothing`},
		{"space:", "train: {dropout: ~}\nspace:", `dropout has no value`},
		{"space:", "start_with: [{lr: ~}]\nspace:", `lr has no value`},
		{"space:", "start_with: [~]\nspace:", `there is no value here`},
		{"space:", "also: [~]\nspace:", `there is no value here`},
		{"space:", "constraints: [~]\nspace:", `there is no value here`},
		{"choice: [adamw,", "choice: [~,", `there is no value here`},
		{"float: [1e-3, 0.1]", "float: []", `lr: float needs two bounds`},
		{"name: lr", "name: ''", `name is an empty text`},
		{"- {name: lr, float: [1e-3, 0.1], log: true}", "- {}", `space[0]: a parameter has no name`},
		// What is nothing stays nothing.
		{"space:", "also: []\nconstraints: []\nstart_with: []\ntrain: {}\nresources: {tags: []}\nspace:", ""},
		{"target: y", "target: y, ignore: []", ""},
		{"family: mlp", "family: mlp, limits: {}", ""},
		{"seed: 1}", "seed: 0, cv: 0}", ""},
		{"time: 1m", "time: 0s", ""},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("the good file has no %q", c.old)
		}
		path := writeStudy(t, strings.Replace(good, c.old, c.new, 1))
		_, _, err := Load(t.Context(), path, &data.Cache{}, FileOptions{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got  %v\nwant %s", c.new, err, c.want)
		}
	}
}

// A mistake is told in one line that can be read, however large what is wrong is.
func TestErrorsAreBrief(t *testing.T) {
	long, list := strings.Repeat("x", 30_000), strings.TrimSuffix(strings.Repeat("lr < 1 and ", 3000), " and ")
	for name, c := range map[string]struct{ old, new, want string }{
		"name":       {"name: toy", "name: " + long, `is not a name: use 1 to 64`},
		"key":        {"budget:", long + ": 1\nbudget:", `xxx…"; there are name, data`},
		"sampler":    {"sampler: random", "sampler: " + long, `xxx…"; there are auto, gp`},
		"constraint": {"space:", "constraints: [\"" + list + " and q\"]\nspace:", `there is no parameter "q"`},
		"deep":       {"space:", "constraints: [\"" + strings.Repeat("(", 30_000) + "\"]\nspace:", `constraints[0]: "((((`},
		"value":      {"float: [1e-3, 0.1]", "float: [1e-3, " + long + "]", `expected a number, found "xxx`},
		"deep network": {"search: {sampler: random, scheduler: asha}", "architecture: {family: mlp, depth: [100], limits: {params: 10}}",
			`dense 16 relu | dense 16 relu`},
		"limit of little": {"search: {sampler: random, scheduler: asha}", "architecture: {family: mlp, depth: [0], limits: {joules: .0000001}}",
			` the limit of 0.0000001`},
	} {
		text := strings.Replace(goodFile, c.old, c.new, 1)
		if strings.Contains(c.new, "architecture") {
			text = strings.Replace(text, "start_with: [{lr: 1e-2, optimizer: sgd, momentum: 0.5}]\n", "", 1)
		}
		_, _, err := Load(t.Context(), writeStudy(t, text), &data.Cache{}, FileOptions{})
		var file *FileError
		if !errors.As(err, &file) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v", name, err)
			continue
		}
		if n := len(err.Error()) - len(file.File); n > 700 || len(file.Excerpt) > 1500 {
			t.Errorf("%s: %d bytes and an excerpt of %d: %v", name, n, len(file.Excerpt), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(goodFile)
	f.Add("space: [{name: a, choice: [1, {value: 2, space: [{name: b, int: [1, 2]}]}]}]")
	f.Add("architecture: {family: cnn, stages: [1, 2], limits: {params: 1000}}")
	f.Fuzz(func(t *testing.T, text string) {
		s, root, err := parse([]byte(text))
		if err == nil {
			err = s.Complete()
		}
		if err == nil {
			return
		}
		// The place of every mistake can be found, and it is told in one line that can be read.
		if said := fileError("study.yaml", root, err).Error(); strings.Contains(said, "\n") || utf8.RuneCountInString(said) > mostMessage+50 {
			t.Errorf("%q", said)
		}
	})
}
