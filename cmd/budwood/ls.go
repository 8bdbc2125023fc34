package main

import (
	"errors"
	"fmt"
	"time"

	"budwood/search"
	"budwood/trials/store"
)

type lsCmd struct{ output }

func (c *lsCmd) Run(a *app) error {
	var list []store.Summary
	db, err := a.read()
	if err == nil {
		defer db.Close()
		list, err = db.Studies(a.ctx)
	} else if errors.Is(err, store.ErrNoStore) {
		err = nil // no study was ever run: an empty list
	}
	if err != nil {
		return err
	}
	t := table{head: []string{"STUDY", "STATE", "TRIALS", "STOPPED", "BEST", "OBJECTIVE", "TEST", "WH", "AGE"}}
	for _, s := range list {
		best := "-"
		if s.Best >= 0 {
			best = search.FormatNumber(s.Value)
		}
		test := "-"
		for _, k := range []string{"test_accuracy", "test_rmse"} {
			if v, ok := s.Test[k]; ok {
				test = search.FormatNumber(v)
			}
		}
		t.add(s.Name, string(s.State), fmt.Sprint(s.Count()), fmt.Sprint(s.Trials[search.Stopped]), best, s.Objectives[0].Metric, test,
			wattHours(s.Energy.Joules), age(time.Since(s.Created)))
	}
	if list == nil {
		list = []store.Summary{}
	}
	return c.write(a.stdout, t, list)
}

// age is a duration in one unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
