package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"budwood/search"
)

// CSV writes trials as a table, one a row: its number, state, epochs, a column
// for each metric (of its last measurement), joules, seconds of training, who
// proposed it, the version that trained it, why it is set aside, a column for each parameter under its name after "params_", and the
// reason of its end. Numbers have all of their digits. What a trial does not have
// is empty.
func CSV(w io.Writer, trials []search.Record) error {
	metrics, params := map[string]bool{}, map[string]bool{}
	for i := range trials {
		m, _ := trials[i].Last()
		for k := range m.Metrics {
			metrics[k] = true
		}
		for k := range trials[i].Params {
			params[k] = true
		}
	}
	measured, chosen := slices.Sorted(maps.Keys(metrics)), slices.Sorted(maps.Keys(params))
	head := slices.Concat([]string{"trial", "state", "epochs"}, measured, []string{"joules", "seconds", "source", "version", "set_aside"})
	for _, k := range chosen {
		head = append(head, "params_"+k)
	}
	out := csv.NewWriter(w)
	if err := out.Write(append(head, "reason")); err != nil {
		return err
	}
	for i := range trials {
		r := &trials[i]
		m, _ := r.Last()
		row := []string{strconv.Itoa(r.ID), string(r.State), strconv.Itoa(m.Budget)}
		for _, k := range measured {
			cell := ""
			if v, ok := m.Metrics[k]; ok {
				cell = exact(v)
			}
			row = append(row, cell)
		}
		row = append(row, exact(r.Joules), exact(r.Seconds), r.Source, r.Version, r.Aside)
		for _, k := range chosen {
			cell, err := scalar(r.Params[k])
			if err != nil {
				return fmt.Errorf("trial %s: %s: %w", r.Name(), k, err)
			}
			row = append(row, cell)
		}
		if err := out.Write(append(row, r.Reason)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// scalar is a parameter's value in a cell; a genome is JSON.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case float64:
		return exact(v), nil
	case string, int, bool:
		return fmt.Sprint(v), nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
