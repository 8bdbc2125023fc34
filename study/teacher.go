package study

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"reflect"
	"slices"
	"strings"

	"budwood/data"
	"budwood/learn/network"
	"budwood/learn/tabular"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/store"
)

// teacherKey is the name of the study, under train, whose best network others learn
// from.
const teacherKey = "teacher"

// Teacher is a trained network whose outputs the networks of a study learn from.
type Teacher struct {
	Study  string        `json:"study"`
	Trial  int           `json:"trial"`
	Params search.Params `json:"params"`
	Seed   uint64        `json:"seed"` // of its study
	Model  Model         `json:"model"`
	Key    string        `json:"key"` // the study's own copy of its checkpoint
}

// teacher is the name of the study's teacher; "" for none.
func (s *Spec) teacher() string {
	name, _ := s.Train[teacherKey].(string)
	return name
}

// checkTeacher checks what can be known of a teacher before it is looked for.
func (s *Spec) checkTeacher() error {
	v, given := s.Train[teacherKey]
	name, text := v.(string)
	searched := map[string]string{}
	for i, p := range s.Space {
		for _, d := range (search.Space{p}).Dims() {
			searched[d.Name] = fmt.Sprintf("space[%d]", i)
		}
	}
	if !given {
		for _, key := range []string{"temperature", "alpha"} {
			if _, ok := s.Train[key]; ok {
				return wrong("train."+key, "there is no teacher: name one with train: {teacher: STUDY}")
			}
			if at := searched[key]; at != "" {
				return wrong(at, "%s: there is no teacher: name one with train: {teacher: STUDY}", key)
			}
		}
		return nil
	}
	at := "train." + teacherKey
	switch {
	case !text || !validName.MatchString(name):
		return wrong(at, "%s is not the name of a study: write that of one that has ended; files are not read", search.Quoted(fmt.Sprint(v)))
	case name == s.Name:
		return wrong(at, "a study cannot teach itself: give this one another name")
	case s.Search.Supernet != "":
		return wrong(at, "with search.supernet there is no teacher: remove one of them")
	}
	for _, c := range []struct {
		key string
		off any
	}{{"flip", "no"}, {"shift", 0}, {"cutout", 0}, {"mixup", 0}, {"class_weights", "none"}} {
		key, off := c.key, c.off
		v, fixed := s.Train[key]
		if place := searched[key]; place != "" {
			return wrong(place, "with a teacher %s cannot be searched: it is asked once for each row as it is, and does not weigh classes", key)
		}
		if fixed && v != off && v != 0. {
			return wrong("train."+key, "with a teacher it must be %v: the teacher is asked once for each row as it is, and does not weigh classes", off)
		}
	}
	return nil
}

// FindTeacher finds the network that the study's networks are to learn from, keeps a
// copy of it beside the study's checkpoints, and checks that it fits. A study that goes
// on keeps the one it had. It changes nothing in a study without a teacher.
func FindTeacher(ctx context.Context, db *store.Store, cache *data.Cache, blobs blob.Store, s *Spec) error {
	name := s.teacher()
	if name == "" || s.Teacher != nil && s.Teacher.Study == name {
		return nil
	}
	if had, err := teacherBefore(ctx, db, s.Name); err != nil || had != nil && had.Study == name {
		s.Teacher = had
		return err
	}
	var trial *int
	if s.Compress != nil {
		trial = s.Compress.Trial
	}
	t, from, err := networkOf(ctx, db, blobs, name, trial)
	if err != nil {
		return &FieldError{"train." + teacherKey, err}
	}
	t.Key = path.Join(trials.StudyKey(s.Name), teacherKey, "model")
	if err := t.check(ctx, cache, s.Data); err != nil {
		return &FieldError{"train." + teacherKey, fmt.Errorf("study %s: %w", name, err)}
	}
	if err := copyBlob(ctx, blobs, t.Key, from); err != nil {
		return err
	}
	s.Teacher = t
	return nil
}

// teacherBefore is the teacher of a study that exists already.
func teacherBefore(ctx context.Context, db *store.Store, name string) (*Teacher, error) {
	row, err := db.Study(ctx, name)
	if errors.Is(err, store.ErrNoStudy) {
		return nil, nil
	}
	var old Spec
	if err == nil {
		err = json.Unmarshal(row.Spec, &old)
	}
	return old.Teacher, err
}

// networkOf is the network of a trial of an ended study, or of its best, and where its
// checkpoint is.
func networkOf(ctx context.Context, db *store.Store, blobs blob.Store, name string, trial *int) (t *Teacher, from string, err error) {
	row, err := db.Study(ctx, name)
	if err != nil {
		return nil, "", err
	}
	var spec Spec
	if err := json.Unmarshal(row.Spec, &spec); err != nil {
		return nil, "", fmt.Errorf("study %s: its stored specification cannot be read: %w", name, err)
	}
	best, err := trialOf(ctx, db, name, trial)
	switch model := spec.Model(); {
	case row.State == store.StudyRunning:
		return nil, "", fmt.Errorf("study %s has not ended", name)
	case model == nil:
		return nil, "", fmt.Errorf("study %s: its objective is the user's own program, and only that program knows the network", name)
	case err != nil:
		return nil, "", err
	case spec.Learner(best.Params) != tabular.Network:
		return nil, "", fmt.Errorf("study %s: %s is a model of %s, and only networks can teach", name, best.Name(), spec.Learner(best.Params))
	default:
		t = &Teacher{Study: name, Trial: best.ID, Params: best.Params, Seed: spec.Search.Seed, Model: *model}
	}
	list, err := blobs.List(ctx, trials.TrialKey(name, t.Trial))
	for _, b := range list {
		if strings.HasPrefix(path.Base(b.Key), "e") {
			from = b.Key
		}
	}
	if err == nil && from == "" {
		err = fmt.Errorf("study %s: the checkpoint of %s is not in %v", name, best.Name(), blobs)
	}
	return t, from, err
}

func copyBlob(ctx context.Context, blobs blob.Store, to, from string) error {
	f, err := blobs.Get(ctx, from)
	if err != nil {
		return fmt.Errorf("read %s: %w", from, err)
	}
	defer f.Close()
	return blobs.Put(ctx, to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// sameRows reports whether two sources number the same rows alike, however they
// divide and encode them.
func sameRows(a, b data.Source) bool {
	bare := func(s data.Source, known bool) data.Source {
		s.Split, s.Image, s.Resize, s.Numeric, s.TargetEncode, s.Ignore, s.Rows = data.Split{}, nil, nil, "", nil, nil, 0
		if known { // wherever the files are
			s, _ = s.MapPaths(func(key, _ string) (string, error) { return key, nil })
		} else {
			s.Digests = nil
		}
		return s
	}
	known := a.Digests != nil && b.Digests != nil
	return reflect.DeepEqual(bare(a, known), bare(b, known))
}

// check is an error if the teacher cannot teach on a source: it has other classes, other
// files, or it has seen what this study is tested with.
func (t *Teacher) check(ctx context.Context, cache *data.Cache, s *data.Source) error {
	if !sameRows(t.Model.Data, *s) {
		return errors.New("it learned from other files, or another target: a teacher knows the rows that it teaches")
	}
	own, err := cache.Fresh(ctx, *s)
	if err != nil {
		return err
	}
	theirs, err := cache.Fresh(ctx, t.Model.Data)
	if err != nil {
		return err
	}
	if err := (network.Judge{Data: theirs}).Fits(own); err != nil {
		return err
	}
	mine, _ := own.Numbers()
	his, _ := theirs.Numbers()
	all := map[int]bool{}
	for _, row := range slices.Concat(his.Train, his.Valid, his.Test) {
		all[row] = true
	}
	for _, row := range mine.Train {
		if !all[row] {
			return fmt.Errorf("its data has not all rows that this study trains with, as row %d: give both the same data.rows and data.split.seed", row+1)
		}
	}
	learned := map[int]bool{}
	for _, rows := range [][]int{his.Train, his.Valid} {
		for _, row := range rows {
			learned[row] = true
		}
	}
	seen := 0
	for _, row := range mine.Test {
		if learned[row] {
			seen++
		}
	}
	if seen > 0 {
		why := "give both the same data.split"
		if cv := t.Model.Data.Split.CV; cv > 0 && s.Split.CV == 0 {
			why = fmt.Sprintf("write data.split: {folds: %d, fold: 0}, with the same test and seed, which has the test rows of cv: %d", cv, cv)
		}
		return fmt.Errorf("it has learned from %d of the %d rows that this study is tested with: %s", seen, len(mine.Test), why)
	}
	return nil
}

// teach has the teacher's outputs for the training rows of a source. They are computed
// once a study on each instruction set, and then lie beside its checkpoints.
func (m *Model) teach(cache *data.Cache, blobs blob.Store) func(ctx context.Context, cpu string) ([]float32, error) {
	t := m.Teacher
	if t == nil {
		return nil
	}
	return func(ctx context.Context, cpu string) ([]float32, error) {
		key := path.Join(path.Dir(t.Key), cpu)
		soft, err := readLogits(ctx, blobs, key)
		if err != nil || soft != nil {
			return soft, err
		}
		if soft, err = t.logits(ctx, cache, blobs, &m.Data, cpu); err != nil {
			return nil, err
		}
		if err := writeLogits(ctx, blobs, key, soft); err != nil {
			return nil, &trials.MachineError{Err: err}
		}
		return soft, nil
	}
}

// logits computes the teacher's outputs.
func (t *Teacher) logits(ctx context.Context, cache *data.Cache, blobs blob.Store, s *data.Source, cpu string) ([]float32, error) {
	own, err := cache.Fresh(ctx, *s)
	if err != nil {
		return nil, err
	}
	theirs, err := cache.Fresh(ctx, t.Model.Data)
	if err != nil {
		return nil, err
	}
	model, err := t.Model.Supervised(theirs)
	if err != nil {
		return nil, err
	}
	net, err := model.On(cpu).Trained(ctx, blobs, t.Key, t.Params, search.Rand(t.Seed, t.Trial).Uint64())
	if err != nil {
		return nil, err
	}
	numbers, _ := own.Numbers()
	return network.Judge{Net: net, Data: theirs}.Logits(numbers.Train, own)
}

// writeLogits writes numbers as float32, little-endian, and behind them their SHA-256.
func writeLogits(ctx context.Context, blobs blob.Store, key string, soft []float32) error {
	b := make([]byte, 0, 4*len(soft)+sha256.Size)
	for _, v := range soft {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	sum := sha256.Sum256(b)
	b = append(b, sum[:]...)
	return blobs.Put(ctx, key, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// readLogits reads what writeLogits wrote; nil if it is not there, or damaged.
func readLogits(ctx context.Context, blobs blob.Store, key string) ([]float32, error) {
	f, err := blobs.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var b []byte
	if err == nil {
		defer f.Close()
		b, err = io.ReadAll(f)
	}
	if err != nil {
		return nil, &trials.MachineError{Err: fmt.Errorf("read the teacher's outputs: %w", err)}
	}
	n := len(b) - sha256.Size
	if n < 4 || n%4 != 0 || sha256.Sum256(b[:n]) != [sha256.Size]byte(b[n:]) {
		return nil, nil
	}
	soft := make([]float32, n/4)
	for i := range soft {
		soft[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return soft, nil
}
