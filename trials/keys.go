package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"budwood/search"
	"budwood/trials/blob"
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

// outputKey is the blob of what a trial's command printed, as rank 0 if it was trained
// by a gang; those of the other ranks are below outputsKey. [OutputsKey] is the prefix
// of a study's.
func outputKey(study string, trial, rank int) string {
	if rank > 0 {
		return fmt.Sprintf("%s/%04d", outputsKey(study, trial), rank)
	}
	return OutputsKey(study) + "/" + search.TrialName(trial)
}

func outputsKey(study string, trial int) string {
	return OutputsKey(study) + "/" + search.TrialName(trial) + ".ranks"
}

// OutputsKey is the prefix of what the commands of a study printed.
func OutputsKey(study string) string { return "output/" + study }

// KeepOutput keeps what a command printed in a trial's last segment, as rank 0 or
// alone, or as another rank of its gang.
func (r *Runner) KeepOutput(ctx context.Context, study string, trial, rank int, b []byte) error {
	return r.Blobs.Put(context.WithoutCancel(ctx), outputKey(study, trial, rank), func(w io.Writer) error {
		_, err := w.Write(MarkOutput(rank, b))
		return err
	})
}

// ForgetOutputs removes what earlier gangs of a trial have printed on ranks above 0: the
// next one may be smaller.
func (r *Runner) ForgetOutputs(ctx context.Context, study string, trial int) error {
	return r.Blobs.DeleteAll(ctx, outputsKey(study, trial))
}

// Output is what [Runner.KeepOutput] has kept of a trial, rank after rank. The error
// wraps fs.ErrNotExist if there is nothing.
func Output(ctx context.Context, blobs blob.Store, study string, trial int) ([]byte, error) {
	others, err := blobs.List(ctx, outputsKey(study, trial))
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, o := range append([]blob.Info{{Key: outputKey(study, trial, 0)}}, others...) {
		f, err := blobs.Get(ctx, o.Key)
		if errors.Is(err, fs.ErrNotExist) && len(others) > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(f) // no more than a command keeps
		f.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}
