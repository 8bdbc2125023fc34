package main

import (
	"fmt"
	"time"

	"budwood/study"
)

// lines shows a study one line an event.
func (a *app) lines(w *watcher) error {
	began := time.Now()
	return w.follow(a.ctx, func(events []event) {
		for _, e := range events {
			fmt.Fprintf(a.stderr, "%7.1fs  %s  %-10s %s\n", time.Since(began).Seconds(), e.name(), e.kind, study.DescribeReason(e.text))
		}
	})
}
