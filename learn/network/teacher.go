package network

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"budwood/data"
)

// taught is the objective with the teacher's outputs for the training rows, as the
// trial's instruction set computes them.
func (s Supervised) taught(ctx context.Context) (Supervised, error) {
	if s.Teach == nil {
		return s, nil
	}
	soft, err := s.Teach(ctx, s.cpu)
	if err != nil {
		return s, fmt.Errorf("the teacher: %w", err)
	}
	s.Data = s.Data.Taught(soft)
	return s, nil
}

// softBytes is what a teacher's outputs take.
func (s Supervised) softBytes() int64 {
	if s.Teach == nil {
		return 0
	}
	train := s.Data.Train
	row := int64(max(s.Data.Classes*max(train.Labels(), 1), train.Outputs))
	n := int64(train.Len())
	for _, f := range s.Data.Folds {
		n += int64(f.Train.Len())
	}
	return 4 * n * row
}

// Judge is a trained network that says what it makes of rows.
type Judge struct {
	Net  Net
	Data *data.Data // that it learned from
}

// On is the objective on an instruction set, like "avx512".
func (s Supervised) On(cpu string) Supervised {
	s.cpu = cpu
	return s
}

// Fits is an error if the network's outputs do not mean the same as those of
// networks for other data.
func (j Judge) Fits(d *data.Data) error {
	switch {
	case j.Data.Task != d.Task:
		return fmt.Errorf("it is for %s, this study for %s", j.Data.Task, d.Task)
	case !slices.Equal(j.Data.ClassNames, d.ClassNames):
		return fmt.Errorf("its classes are %s, those of this study %s", someOf(j.Data.ClassNames), someOf(d.ClassNames))
	}
	return nil
}

func someOf(names []string) string {
	if len(names) > 6 {
		return fmt.Sprintf("%q and %d more", names[:6], len(names)-6)
	}
	return fmt.Sprintf("%q", names)
}

// Logits are the outputs for the rows of the files with these numbers, in their order, of
// values in the units of other data. Each row is encoded as the network learned it.
func (j Judge) Logits(numbers []int, d *data.Data) ([]float32, error) {
	own, ok := j.Data.Numbers()
	if !ok {
		return nil, errors.New("its rows are not numbered")
	}
	type place struct {
		set *data.Set
		at  int
	}
	where := map[int]place{}
	for _, p := range []struct {
		set  *data.Set
		rows []int
	}{{j.Data.Train, own.Train}, {j.Data.Valid, own.Valid}, {j.Data.Test, own.Test}} {
		for i, row := range p.rows {
			where[row] = place{p.set, i}
		}
	}
	in, w := j.Net.In().Size(), j.Net.Out().Size()
	out := make([]float32, len(numbers)*w)
	x := make([]float32, min(256, len(numbers))*in)
	for from := 0; from < len(numbers); from += 256 {
		part := numbers[from:min(from+256, len(numbers))]
		for i, row := range part {
			p, ok := where[row]
			if !ok {
				return nil, fmt.Errorf("its data has not all rows of this study's (data.rows): row %d is not there", row+1)
			}
			p.set.Read(x[i*in:(i+1)*in], p.at)
		}
		if err := j.Net.Predict(x[:len(part)*in], out[from*w:(from+len(part))*w]); err != nil {
			return nil, err
		}
	}
	if d.Classes == 0 {
		for i, v := range out {
			out[i] = float32((float64(v)*j.Data.TargetScale + j.Data.TargetMean - d.TargetMean) / d.TargetScale)
		}
	}
	return out, nil
}
