package workflows

import (
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Histories recorded by released code replay on today's: a change of the
// workflows that would break running studies fails here. They were recorded by
// `go test ./cmd/budwood -run 'TestKilled$|TestHundredStudies|TestGang$' -record`.
func TestRecordedHistoriesReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := worker.NewWorkflowReplayer()
			r.RegisterWorkflowWithOptions(studyWorkflow, workflow.RegisterOptions{Name: studyType})
			r.RegisterWorkflowWithOptions(trialWorkflow, workflow.RegisterOptions{Name: trialType})
			r.RegisterWorkflowWithOptions(gangWorkflow, workflow.RegisterOptions{Name: gangType})
			r.RegisterWorkflowWithOptions(gatherWorkflow, workflow.RegisterOptions{Name: gatherType})
			if err := r.ReplayWorkflowHistoryFromJSONFile(Logger{zerolog.Nop()}, file); err != nil {
				t.Error(err)
			}
		})
	}
}
