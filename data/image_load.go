package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// OfImages reports whether the inputs of a source are image files.
func (s Source) OfImages() bool { return s.Folder != "" || s.Files != "" }

// checkImages checks sources of image files.
func (s Source) checkImages() *Error {
	switch {
	case len(s.Image) > 0:
		return fault("image", "image files say how large they are; resize: {to: [height, width]} changes it")
	case s.Numeric != "":
		return fault("numeric", "belongs to tables; pixels keep their proportions")
	case s.TargetEncode != nil:
		return fault("target_encode", "belongs to csv and parquet; images have no categories")
	case s.Files != "" && s.CSV == "":
		return fault("files", "is a column of the table that names the images: give the table as csv")
	case s.Folder != "" && s.Target != "":
		return fault("target", "leave it out; the folders are the classes")
	case s.Folder != "" && len(s.Ignore) > 0:
		return fault("ignore", "belongs to csv and parquet; a folder has no columns")
	case s.Folder != "" && s.Split.Group != "":
		return fault("split.group", "belongs to csv; a folder has no columns. List the images in a table to group them")
	case s.Folder != "" && s.Task == Regression:
		return fault("task", "folders are classes; list the images in a table with a numeric target")
	case s.Files != "" && s.Target == "":
		return fault("target", "name the column to predict")
	case s.Files != "" && (s.Files == s.Target || s.Files == s.Split.Group):
		return fault("files", "%s is another column already", quote(s.Files))
	case slices.Contains(s.Ignore, s.Target) || slices.Contains(s.Ignore, s.Files):
		return fault("ignore", "the columns of files and target cannot be ignored")
	case s.Split.Group != "" && s.Split.Group == s.Target:
		return fault("split.group", "%s is the target; group by another column", quote(s.Target))
	case slices.Contains(s.Ignore, s.Split.Group):
		return fault("ignore", "%s is the column to group by, which is never an input; leave it out here", quote(s.Split.Group))
	}
	if err := s.Resize.check(); err != nil {
		return err
	}
	return s.Split.check()
}

// loadImages opens the pack of a source, which is made first if there is none.
func loadImages(ctx context.Context, s Source) (*Data, error) {
	d, _, err := loadPack(ctx, s)
	return d, err
}

func loadPack(ctx context.Context, s Source) (*Data, *pack, error) {
	packed, done, err := (*Shared)(nil).Packed(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	f := packed.files()[0]
	p, err := openPack(f.path)
	if err != nil {
		return nil, nil, ioFault(f.key, f.path, 0, err)
	}
	d, err := p.load(s)
	if e := (*Error)(nil); errors.As(err, &e) {
		if e.Path = s.files()[0].path; e.Key == "" {
			e.Key = f.key
		}
		if e.Key == "target" || e.Key == "task" {
			e.Column = s.Target
		}
	}
	return d, p, err
}

// Packed is the source with all its images in one decoded file, if it is one of image
// files: those of the folder, or of the table. The file is kept among those of the
// directory, where it is found again as long as no image has changed; done removes it
// if there is none, h being nil. Other sources stay what they are.
func (h *Shared) Packed(ctx context.Context, s Source) (packed Source, done func(), err error) {
	done = func() {}
	if !s.OfImages() || isPack(s.files()[0].path) {
		return s, done, nil
	}
	path := ""
	if h != nil {
		if path, err = h.pack(ctx, s); err != nil {
			return s, done, err
		}
	}
	if path == "" { // no place among the decoded files
		dir, err := os.MkdirTemp("", "budwood-images-")
		if err != nil {
			return s, done, err
		}
		done = func() { os.RemoveAll(dir) }
		if path, err = s.buildPack(ctx, dir); err != nil {
			done()
			return s, func() {}, err
		}
	}
	packed, err = s.MapPaths(func(string, string) (string, error) { return path, nil })
	return packed, done, err
}

// pack is the pack of a source in the directory, made if there is none; "" if it cannot
// be kept there.
func (h *Shared) pack(ctx context.Context, s Source) (string, error) {
	key, err := s.packKey(ctx)
	if err != nil {
		return "", err
	}
	path, err := h.path(key)
	if err != nil {
		h.say(err)
		return "", nil
	}
	path = strings.TrimSuffix(path, decoded) + packEnding
	if h.hasPack(path) {
		return path, nil
	}
	lock, err := lockFile(ctx, path+".lock")
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		h.say(err)
		return "", nil
	}
	defer lock.Close()
	if h.hasPack(path) { // another process has made it
		return path, nil
	}
	made, err := s.buildPack(ctx, h.Dir)
	if err != nil {
		return "", err
	}
	if err := os.Rename(made, path); err != nil {
		os.Remove(made)
		return "", err
	}
	KeepNewest(h.Dir, h.Max, idle, path)
	return path, nil
}

const packEnding = ".images" // ends the names of packs

func (h *Shared) hasPack(path string) bool {
	p, err := openPack(path)
	if err != nil {
		return false
	}
	p.file.Close()
	now := time.Now()
	_ = os.Chtimes(path, now, now) // those used last stay
	return true
}

// load splits a pack. The inputs stay in the file.
func (p *pack) load(s Source) (*Data, error) {
	target, rows := p.target(), len(p.Files)
	if s.Folder != "" && target.distinct() == 1 {
		return nil, fault("folder", "there is one class with images, %s; there is nothing to learn", quote(target.levels[0]))
	}
	g, bad := newGoal(target, rows, s.Task)
	if bad != nil {
		return nil, bad
	}
	parts, bad := p.deal(s, g)
	if bad != nil {
		return nil, bad
	}
	m := p.Images
	d := &Data{Images: &m, Features: m.Shape.Size(), Classes: len(g.names), ClassNames: g.names, Target: cmp.Or(s.Target, "class"), Dropped: m.Dropped}
	d.goal(g, parts.train)
	mean, scale := p.moments(parts.train)
	all := packedRows{p.file, p.pixels, rows, d.Features, scores(mean, scale)}
	for _, part := range []struct {
		set  **Set
		rows []int
	}{{&d.Train, parts.train}, {&d.Valid, parts.valid}, {&d.Test, parts.test}} {
		if len(part.rows) == 0 {
			continue // with CV nothing is for validation alone
		}
		order := make([]int32, len(part.rows))
		for i, row := range part.rows {
			order[i] = int32(row)
		}
		*part.set = &Set{Shape: slices.Clone(m.Shape), Rows: picked{all, order, d.Features}}
		d.targets(*part.set, g, part.rows)
	}
	d.fold, d.Folds = parts.fold, foldsOf(d.Train, parts.fold)
	d.numbers = &Numbers{parts.train, parts.valid, parts.test}
	d.Preparation = &Preparation{
		Pixels: &Number{Encoding: Standard, Mean: mean, Scale: scale}, Resize: m.Resize, Classes: d.ClassNames, Target: d.Target,
		TargetMean: d.TargetMean, TargetScale: d.TargetScale, shape: slices.Clone(m.Shape),
	}
	d.Facts.Rows, d.Facts.Numeric = len(parts.train)+len(parts.valid)+len(parts.test), d.Features
	d.Facts.measure(d.Train, count(d.Features))
	if err := p.compare(g, parts, &m); err != nil {
		return nil, fault("", "%w", err)
	}
	return d, nil
}

// deal deals the images to the parts, as their folders say where they do.
func (p *pack) deal(s Source, g goal) (parts, *Error) {
	l := labels{g.class, len(g.names)}
	train, valid := p.Parts[partTrain], p.Parts[partTrain]+p.Parts[partValid]
	given := p.Images.Folders
	switch {
	case p.Parts[partValid] > 0 && (s.Split.Valid != 0 || s.Split.CV != 0 || s.Split.Folds != 0):
		return parts{}, fault("split", "leave out valid, cv and folds; the validation part is the folder %s", given[partValid])
	case p.Parts[partTest] > 0 && s.Split.Test != 0:
		return parts{}, fault("split.test", "leave it out; the test part is the folder %s", given[partTest])
	}
	if err := p.known(g); err != nil {
		return parts{}, err
	}
	group := p.Group
	if len(group) == 0 {
		group = nil
	}
	var out parts
	if p.Parts[partValid] == 0 {
		all := g.rows
		own := len(p.Files)
		if p.Parts[partTest] > 0 {
			own = train
		}
		out = s.Split.deal(all, own, s.Rows, l, group, p.Parts[partTest] > 0)
	} else {
		_, test := s.Split.shares()
		if p.Parts[partTest] > 0 {
			test = 0
		}
		r := s.Split.rand()
		out = divide(r, draw(r, count(train), s.Rows), l, 0, test)
		from := func(lo, hi int) []int {
			rows := count(hi - lo)
			for i := range rows {
				rows[i] += lo
			}
			return draw(r, rows, s.Rows)
		}
		out.valid = from(train, valid)
		if p.Parts[partTest] > 0 {
			out.test = from(valid, len(p.Files))
		}
	}
	return out, out.check()
}

// known is an error if a class is to be recognised of which nothing is learned.
func (p *pack) known(g goal) *Error {
	if g.class == nil || p.Parts[partTrain] == len(p.Files) {
		return nil
	}
	has := make([]bool, len(g.names))
	for _, k := range g.class[:p.Parts[partTrain]] {
		has[k] = true
	}
	for row := p.Parts[partTrain]; row < len(p.Files); row++ {
		if k := g.class[row]; !has[k] {
			part := p.Images.Folders[partValid]
			if row >= p.Parts[partTrain]+p.Parts[partValid] {
				part = p.Images.Folders[partTest]
			}
			return fault("folder", "the class %s is in %s, but %s has no image of it: add some, or take it away", quote(g.names[k]), part, p.Images.Folders[partTrain])
		}
	}
	return nil
}

// moments are the mean of all values of some images, and one over their standard
// deviation (0 if all are the same). The sums are whole numbers, so they are exact.
func (p *pack) moments(rows []int) (mean, scale float64) {
	var seen [256]int
	line := make([]byte, p.Images.Shape.Size())
	for _, row := range rows {
		if _, err := p.file.ReadAt(line, p.pixels+int64(row)*int64(len(line))); err != nil {
			panic(err) // as an index out of range
		}
		for _, b := range line {
			seen[b]++
		}
	}
	return byteMoments(&seen)
}

// compare counts the classes, and warns of images that are the same: in two parts the
// validation or test says nothing of them, and in two classes one is wrong.
func (p *pack) compare(g goal, parts parts, m *Images) error {
	digests, err := p.digest()
	if err != nil {
		return err
	}
	m.Classes = make([]ImageClass, len(g.names))
	for k, name := range g.names {
		m.Classes[k].Name = name
	}
	names := [3]string{"training", "validation", "test"}
	first := map[[digestSize]byte][2]int{} // row and part of the one seen first
	var twice [3]int                       // images of a part that an earlier part has, too
	var example [3]string
	wrong, wrongly := 0, ""
	fold, folds := map[int]int{}, 0
	for i, k := range parts.fold {
		fold[parts.train[i]] = k
	}
	for part, rows := range [][]int{parts.train, parts.valid, parts.test} {
		rows := slices.Sorted(slices.Values(rows)) // the first of several is the same, however they were dealt
		for _, row := range rows {
			if g.class != nil {
				c := &m.Classes[g.class[row]]
				*[]*int{&c.Train, &c.Valid, &c.Test}[part]++
			}
			of, ok := first[digests[row]]
			if !ok {
				first[digests[row]] = [2]int{row, part}
				continue
			}
			if of[1] != part {
				if twice[part]++; example[part] == "" {
					example[part] = fmt.Sprintf("%s is %s of the %s part", p.Files[row], p.Files[of[0]], names[of[1]])
				}
			}
			if part == partTrain && of[1] == partTrain && fold[of[0]] != fold[row] {
				folds++
			}
			if g.class != nil && g.class[of[0]] != g.class[row] {
				if wrong++; wrongly == "" {
					wrongly = fmt.Sprintf("%s and %s", p.Files[of[0]], p.Files[row])
				}
			}
		}
	}
	for part, n := range twice {
		if n > 0 {
			m.Warn = append(m.Warn, fmt.Sprintf("%s of the %s part %s in an earlier part, too, so that its results are better than they will be on new images: %s; remove the copies", many(n, "image"), names[part], isOrAre(n), example[part]))
		}
	}
	if folds > 0 {
		m.Warn = append(m.Warn, fmt.Sprintf("%s in another fold, too, so that the validation is better than it will be on new images; remove the copies", isAre(folds)))
	}
	if wrong > 0 {
		m.Warn = append(m.Warn, fmt.Sprintf("%s in two classes, such as %s", isAre(wrong), wrongly))
	}
	return nil
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func isAre(n int) string { return many(n, "image") + " " + isOrAre(n) }
