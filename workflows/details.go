package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
)

// details shows the leaderboard in the Temporal UI, as Markdown.
func (s *studyRun) details(ctx workflow.Context) {
	o := s.in.Spec.Objective
	var b strings.Builder
	fmt.Fprintf(&b, "**%d of %d trials started**, %d running, %d epochs, %.3g Wh\n\n", s.Loop.Started, s.Loop.Trials, len(s.children), s.Spent.Epochs, s.Spent.Joules/3600)
	if why := s.Ending(); why != "" {
		fmt.Fprintf(&b, "Ending: %s\n\n", why)
	}
	if s.note != "" {
		fmt.Fprintf(&b, "**Waiting: %s**\n\n", s.note)
	}
	if s.Loop.Held {
		fmt.Fprintf(&b, "Paused\n\n")
	}
	fmt.Fprintf(&b, "| | trial | %s | epochs | state | Wh | params |\n|---|---|---|---|---|---|---|\n", o.Metric)
	for i, r := range s.Leaderboard.Rows {
		fmt.Fprintf(&b, "| %d | %s | %s | %d | %s | %.3g | %s |\n", i+1, search.TrialName(r.Trial), search.FormatNumber(r.Value), r.Budget, r.State, r.Joules/3600, search.Clip(study.DescribeParams(r.Params), 300))
	}
	workflow.SetCurrentDetails(ctx, search.Clip(b.String(), 20_000))
}
