package trials

import (
	"context"
	"fmt"
	"io"

	"budwood/search"
)

// The blobs of a trial: part is overwritten within a segment; e0009 ends the segment
// up to epoch 9, whether or not the trial was trained that far. Only the last one is
// kept.
func partKey(t Task) string           { return TrialKey(t.Study, t.Trial.ID) + "/part" }
func endKey(t Task, epoch int) string { return EndKey(t.Study, t.Trial.ID, epoch) }

// EndKey is the checkpoint that ends the segment of a trial up to an epoch.
func EndKey(study string, trial, epoch int) string {
	return fmt.Sprintf("%s/e%04d", TrialKey(study, trial), epoch)
}

// TrialKey is the prefix of a trial's blobs, StudyKey that of a study's.
func TrialKey(study string, trial int) string {
	return StudyKey(study) + "/" + search.TrialName(trial)
}

// StudyKey is the prefix of a study's blobs.
func StudyKey(study string) string { return "studies/" + study }

// OutputKey is the blob of what a trial's command printed. [OutputsKey] is the
// prefix of a study's.
func OutputKey(study string, trial int) string {
	return OutputsKey(study) + "/" + search.TrialName(trial)
}

// OutputsKey is the prefix of what the commands of a study printed.
func OutputsKey(study string) string { return "output/" + study }

// KeepOutput keeps what a command printed in a trial's last segment.
func (r *Runner) KeepOutput(ctx context.Context, study string, trial int, b []byte) error {
	return r.Blobs.Put(context.WithoutCancel(ctx), OutputKey(study, trial), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}
