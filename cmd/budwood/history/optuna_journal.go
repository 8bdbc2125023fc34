package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"budwood/search"
)

// The operations of Optuna's journal (optuna/storages/_journal/storage.py).
const (
	opCreateStudy       = 0
	opDeleteStudy       = 1
	opSystemAttribute   = 3
	opCreateTrial       = 4
	opParam             = 5
	opState             = 6
	opIntermediateValue = 7
)

// operation is a line of the journal.
type operation struct {
	Op            int                        `json:"op_code"`
	StudyName     string                     `json:"study_name"`
	Directions    []int                      `json:"directions"`
	Study         int                        `json:"study_id"`
	Trial         int                        `json:"trial_id"`
	State         *int                       `json:"state"`
	Start         string                     `json:"datetime_start"`
	Complete      string                     `json:"datetime_complete"`
	Param         string                     `json:"param_name"`
	Internal      *float64                   `json:"param_value_internal"`
	Distribution  string                     `json:"distribution"`
	Values        []*float64                 `json:"values"`
	Value         *float64                   `json:"value"`
	Step          int                        `json:"step"`
	Intermediate  *float64                   `json:"intermediate_value"`
	Attributes    map[string]json.RawMessage `json:"system_attr"`
	Params        map[string]*float64        `json:"params"` // of a trial that was added as a whole
	Distributions map[string]string          `json:"distributions"`
	Curve         map[int]*float64           `json:"intermediate_values"`
}

// journalTrial is a trial with its study.
type journalTrial struct {
	of    *foreign
	t     *attempt
	start string
}

// longest line of a journal or a result file.
const longestLine = 16 << 20

// readJournal reads Optuna's journal: one operation a line. A last line that is cut off
// is passed over, as Optuna does.
func readJournal(r io.Reader) ([]*foreign, error) {
	var studies []*foreign // nil: deleted
	var trials []*journalTrial
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	var bad error
	for n := 1; lines.Scan(); n++ {
		if bad != nil {
			return nil, bad
		}
		var op operation
		dec := lenient(lines.Bytes())
		if err := json.Unmarshal(dec, &op); err != nil {
			bad = fmt.Errorf("line %d: it is not an operation of a journal: %v", n, err)
			continue
		}
		if err := apply(&op, &studies, &trials); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	studies = slices.DeleteFunc(studies, func(f *foreign) bool { return f == nil })
	if bad != nil && len(studies) > 0 {
		studies[len(studies)-1].note("the last line of the journal is cut off, and passed over")
	}
	return studies, nil
}

func apply(op *operation, studies *[]*foreign, trials *[]*journalTrial) error {
	switch op.Op {
	case opCreateStudy:
		f := &foreign{name: op.StudyName, tool: "optuna"}
		for _, d := range op.Directions {
			goal := search.Minimize
			if d == 2 {
				goal = search.Maximize
			}
			f.goals = append(f.goals, goal)
		}
		*studies = append(*studies, f)
		return nil
	case opDeleteStudy, opSystemAttribute, opCreateTrial:
		if op.Study < 0 || op.Study >= len(*studies) {
			return fmt.Errorf("there is no study %d", op.Study)
		}
		f := (*studies)[op.Study]
		switch op.Op {
		case opDeleteStudy:
			(*studies)[op.Study] = nil
		case opSystemAttribute:
			if raw, ok := op.Attributes["study:metric_names"]; ok && f != nil {
				f.metrics = nil
				if err := json.Unmarshal(raw, &f.metrics); err != nil {
					return fmt.Errorf("the names of metrics: %v", err)
				}
			}
		case opCreateTrial:
			t := &journalTrial{of: f, t: &attempt{number: 0, params: map[string]any{}}, start: op.Start}
			*trials = append(*trials, t)
			if f == nil {
				return nil
			}
			t.t.number = len(f.trials)
			f.trials = append(f.trials, t.t)
			return t.whole(op)
		}
		return nil
	case opParam, opState, opIntermediateValue:
	default:
		return nil // attributes, which say nothing about a candidate
	}
	if op.Trial < 0 || op.Trial >= len(*trials) {
		return fmt.Errorf("there is no trial %d", op.Trial)
	}
	t := (*trials)[op.Trial]
	if t.of == nil {
		return nil
	}
	switch op.Op {
	case opParam:
		if op.Internal == nil {
			return fmt.Errorf("parameter %s has no value", op.Param)
		}
		v, err := t.of.optunaValue(op.Param, op.Distribution, *op.Internal)
		t.t.params[op.Param] = v
		return err
	case opState:
		if op.Start != "" {
			t.start = op.Start
		}
		return t.end(op)
	case opIntermediateValue:
		t.report(op.Step, op.Intermediate)
	}
	return nil
}

// whole fills in what a trial was created with.
func (t *journalTrial) whole(op *operation) error {
	for _, name := range sortedKeys(op.Params) {
		if op.Params[name] == nil {
			return fmt.Errorf("parameter %s has no value", name)
		}
		v, err := t.of.optunaValue(name, op.Distributions[name], *op.Params[name])
		if err != nil {
			return err
		}
		t.t.params[name] = v
	}
	for _, step := range sortedKeys(op.Curve) {
		t.report(step, op.Curve[step])
	}
	if op.Value != nil && op.Values == nil {
		op.Values = []*float64{op.Value}
	}
	return t.end(op)
}

func (t *journalTrial) end(op *operation) error {
	if op.State == nil {
		return nil
	}
	if *op.State < 0 || *op.State >= len(optunaStates) {
		return fmt.Errorf("trial %d: %d is not a state of a trial", t.t.number, *op.State)
	}
	if len(op.Values) > len(t.of.goals) {
		return errors.New("a trial has more values than its study has directions")
	}
	t.t.values = nil
	for _, v := range op.Values {
		t.t.values = append(t.t.values, orNaN(v))
	}
	t.t.seconds = took(t.start, op.Complete)
	return t.t.ended(optunaStates[*op.State])
}

func (t *journalTrial) report(step int, v *float64) {
	if step >= 0 && step < 1<<31 {
		t.t.reported(step, orNaN(v))
	}
}
