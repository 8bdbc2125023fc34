package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"budwood/search"
)

// readFolder reads the folder of an experiment: Syne Tune's (results.csv.zip, or
// results.csv, beside metadata.json) or Ray Tune's (a folder a trial with result.json).
func readFolder(dir string, o *Options) ([]*foreign, error) {
	for _, name := range []string{"results.csv.zip", "results.csv"} {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err != nil {
			continue
		}
		told := *o
		goal, err := metadata(filepath.Join(dir, "metadata.json"), &told)
		if err != nil {
			return nil, err
		}
		told.Goal = goal
		studies, err := read(file, &told)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		o.Metrics = told.Metrics
		studies[0].name = filepath.Base(dir)
		return studies, nil
	}
	f, err := readRay(dir, o)
	if err != nil {
		return nil, err
	}
	return []*foreign{f}, nil
}

// metadata reads what Syne Tune says of its metrics, and fills in what is not given.
func metadata(file string, o *Options) (search.Goal, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return o.Goal, nil
	}
	var m struct {
		Names []string        `json:"metric_names"`
		Mode  json.RawMessage `json:"metric_mode"` // a word, or one a metric
	}
	if err == nil {
		err = json.Unmarshal(lenient(b), &m)
	}
	if err != nil {
		return "", fmt.Errorf("metadata.json: %w", bare(err))
	}
	if o.Metrics == nil {
		o.Metrics = m.Names
	}
	var modes []string
	var mode string
	if json.Unmarshal(m.Mode, &mode) != nil && json.Unmarshal(m.Mode, &modes) == nil && len(modes) > 0 {
		mode = modes[0]
	}
	if o.Goal == "" && mode == "max" {
		return search.Maximize, nil
	}
	return o.Goal, nil
}

// readRay reads Ray Tune's folder of an experiment: result.json of each trial has a line
// for each report, with the trial's config in it.
func readRay(dir string, o *Options) (*foreign, error) {
	files, err := filepath.Glob(filepath.Join(escape(dir), "*", "result.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no results.csv.zip (of Syne Tune) and no */result.json (of Ray Tune) in it")
	}
	if len(o.Metrics) == 0 {
		return nil, errors.New("which metric is the result? say --metric NAME")
	}
	slices.Sort(files)
	f := &foreign{name: filepath.Base(dir), tool: "ray tune", metrics: o.Metrics, goals: make([]search.Goal, len(o.Metrics))}
	f.goals[0] = o.Goal
	for _, file := range files {
		t, err := f.rayTrial(file, o)
		if err != nil {
			name, _ := filepath.Rel(dir, file)
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if t == nil {
			f.note("%s is left out: the trial has reported nothing", filepath.Base(filepath.Dir(file)))
			continue
		}
		t.number = len(f.trials)
		f.trials = append(f.trials, t)
	}
	return f, nil
}

func escape(dir string) string {
	var out []rune
	for _, c := range dir {
		if c == '*' || c == '?' || c == '[' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// rayTrial reads the reports of a trial; nil if there is none.
func (f *foreign) rayTrial(file string, o *Options) (*attempt, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, bare(err)
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	t := &attempt{params: map[string]any{}, state: search.Completed}
	n := 0
	for lines.Scan() {
		n++
		var all map[string]any
		if err := json.Unmarshal(lenient(lines.Bytes()), &all); err != nil {
			return nil, fmt.Errorf("line %d: %v", n, err)
		}
		config, _ := all["config"].(map[string]any)
		f.flat("", config, t.params)
		step := n
		if v, ok := search.Number(all["training_iteration"]); ok && v > 0 {
			step = int(v)
		}
		if s, ok := search.Number(all["time_total_s"]); ok {
			t.seconds = s
		}
		t.values = nil
		for i, m := range o.Metrics {
			v, ok := search.Number(all[m])
			if _, there := all[m]; !there {
				return nil, fmt.Errorf("line %d: it has no metric %q; it has %v", n, m, sortedKeys(all))
			}
			if !ok {
				v = orNaN(nil)
			}
			t.values = append(t.values, v)
			if i == 0 {
				t.reported(step-1, v)
			}
		}
	}
	if n == 0 {
		return nil, lines.Err()
	}
	return t, lines.Err()
}

// flat adds the parameters of a config; those of a config inside it have a path as name.
func (f *foreign) flat(prefix string, config map[string]any, into map[string]any) {
	for _, k := range sortedKeys(config) {
		if inner, ok := config[k].(map[string]any); ok {
			f.flat(prefix+k+"/", inner, into)
			continue
		}
		f.see(prefix + k)
		into[prefix+k], _ = scalar(config[k])
	}
}
