package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// imageList is the image files of a source, before any of them is decoded.
type imageList struct {
	files  []imageFile // those of the training part first, then those for validation, then those of the test
	target *column     // of each file
	group  *column     // of the table, while it is read
	groups []int32     // of each file: those of a group stay in one part; nil: each on its own

	parts   [3]int         // files of each part, if they are in folders of their own; else the first has all
	given   [3]string      // names of the folders of the parts; "" if there is none
	dropped int            // rows of a table without a target
	others  map[string]int // files that are no images, by the ending of their names
	notes   []string       // what was left out before a file was looked at
}

// imageFile is a file that is said, or looks, to be an image.
type imageFile struct {
	path string // where it is
	name string // how the user calls it: below the folder, or as the table has it
	bad  string // why it cannot be read; "": not known yet
	size int64
	time int64 // of its last change, in ns
}

const (
	partTrain = iota
	partValid
	partTest
)

// partOf is the part that a folder of this name is, -1 for none.
func partOf(name string) int {
	switch strings.ToLower(name) {
	case "train", "training":
		return partTrain
	case "valid", "val", "validation":
		return partValid
	case "test", "testing":
		return partTest
	}
	return -1
}

// listImages finds the files of a source of images.
func (s Source) listImages(ctx context.Context) (*imageList, error) {
	if s.Files != "" {
		return s.listTable(ctx)
	}
	return s.listFolder(ctx)
}

// listFolder finds the classes of a folder, and the files below each.
func (s Source) listFolder(ctx context.Context) (*imageList, error) {
	bad := func(format string, args ...any) error {
		return &Error{Key: "folder", Path: s.Folder, Err: fmt.Errorf(format, args...)}
	}
	st, err := os.Stat(s.Folder)
	switch {
	case err != nil:
		return nil, ioFault("folder", s.Folder, 0, err)
	case !st.IsDir():
		return nil, bad("this is a file; name a directory that has a directory of images for each class")
	}
	l := &imageList{target: &column{text: true}, others: map[string]int{}}
	top, loose, err := l.entries(s.Folder)
	if err != nil {
		return nil, ioFault("folder", s.Folder, 0, err)
	}
	dirs, err := l.partDirs(s.Folder, top)
	if err != nil {
		return nil, ioFault("folder", s.Folder, 0, err)
	}
	if l.given[partTrain] == "" {
		dirs = [3]string{s.Folder}
	}
	if len(loose) > 0 && len(top) == 0 {
		return nil, bad("there are %d files, but no directory: put the images of each class into a directory with its name, or list them in a table (data: {csv: FILE, files: COLUMN, target: COLUMN})", len(loose))
	}
	l.loose(s.Folder, loose, "beside the directories of classes: left out, as they have no class")
	for part, dir := range dirs {
		if dir == "" {
			continue
		}
		before := len(l.files)
		if err := l.classes(ctx, s.Folder, dir); err != nil {
			return nil, ioFault("folder", s.Folder, 0, err)
		}
		l.parts[part] = len(l.files) - before
		if l.parts[part] == 0 && part != partTrain {
			l.notes = append(l.notes, fmt.Sprintf("%s has no directories of classes with images: it is left out", l.given[part]))
			l.given[part] = ""
		}
	}
	if l.parts[partTrain] == 0 {
		return nil, bad("there are no images in it; put those of each class into a directory with its name")
	}
	return l, nil
}

// entries are the directories and files of a directory, by name, without those that are
// hidden.
func (l *imageList) entries(dir string) (dirs, files []string, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX" {
			continue
		}
		is := e.Type()
		if is&fs.ModeSymlink != 0 {
			st, err := os.Stat(filepath.Join(dir, e.Name()))
			if err != nil {
				files = append(files, e.Name()) // whoever reads it says why it cannot be
				continue
			}
			is = st.Mode().Type()
		}
		if is.IsDir() {
			dirs = append(dirs, e.Name())
		} else {
			files = append(files, e.Name())
		}
	}
	slices.Sort(dirs)
	slices.Sort(files)
	return dirs, files, nil
}

// partDirs finds train, valid and test among the directories of a folder. They are
// parts if one is for training and has directories itself, and another one is there.
func (l *imageList) partDirs(folder string, top []string) (dirs [3]string, err error) {
	var found [3]string
	var rest []string
	for _, name := range top {
		part := partOf(name)
		if part < 0 {
			rest = append(rest, name)
			continue
		}
		if found[part] != "" {
			return dirs, fmt.Errorf("%s and %s are the same part; leave one", found[part], name)
		}
		found[part] = name
	}
	if found[partTrain] == "" || found[partValid] == "" && found[partTest] == "" {
		return dirs, nil
	}
	below, _, err := l.entries(filepath.Join(folder, found[partTrain]))
	if err != nil || len(below) == 0 {
		return dirs, err // a class that is called train
	}
	for part, name := range found {
		if name != "" {
			dirs[part] = filepath.Join(folder, name)
		}
	}
	l.given = found
	if len(rest) > 0 {
		l.notes = append(l.notes, fmt.Sprintf("%s beside %s: left out", shortList(rest), found[partTrain]))
	}
	return dirs, nil
}

// loose counts files that have no class.
func (l *imageList) loose(dir string, files []string, why string) {
	n := 0
	for _, name := range files {
		if l.looks(filepath.Join(dir, name), name) {
			n++
		}
	}
	if n > 0 {
		l.notes = append(l.notes, many(n, "image")+" "+why)
	}
}

// classes adds the files of each class of a directory.
func (l *imageList) classes(ctx context.Context, folder, dir string) error {
	names, loose, err := l.entries(dir)
	if err != nil {
		return err
	}
	if dir != folder {
		l.loose(dir, loose, "in "+filepath.Base(dir)+" beside the directories of classes: left out, as they have no class")
	}
	for _, class := range names {
		before := len(l.files)
		if err := l.below(ctx, folder, filepath.Join(dir, class), 0); err != nil {
			return err
		}
		if len(l.files) == before {
			l.notes = append(l.notes, fmt.Sprintf("the directory %s has no images: it is no class", quote(class)))
		}
		of := l.files[before:]
		slices.SortFunc(of, func(a, b imageFile) int { return strings.Compare(a.name, b.name) })
		for range of {
			l.target.addText(class, 0)
		}
	}
	return nil
}

const maxDepth = 32 // directories below that of a class: a link may lead back

// below adds the images of a directory and of those in it.
func (l *imageList) below(ctx context.Context, folder, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("%s: there are more than %d directories in each other; does a link lead back?", dir, maxDepth)
	}
	dirs, files, err := l.entries(dir)
	if err != nil {
		return err
	}
	for _, name := range files {
		at := filepath.Join(dir, name)
		if !l.looks(at, name) {
			continue
		}
		rel, err := filepath.Rel(folder, at)
		if err != nil {
			return err
		}
		l.files = append(l.files, stated(imageFile{path: at, name: filepath.ToSlash(rel)}))
	}
	for _, name := range dirs {
		if err := l.below(ctx, folder, filepath.Join(dir, name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// looks reports whether a file is meant to be an image: by its name, or else by its
// first bytes. Others are counted.
func (l *imageList) looks(at, name string) bool {
	ending := strings.ToLower(path.Ext(name))
	switch ending {
	case ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".dib":
		return true
	}
	if _, err := regular(at); err == nil {
		if f, err := os.Open(at); err == nil {
			head := make([]byte, 16)
			n, _ := f.Read(head)
			f.Close()
			if kind, ok := formatOf(head[:n]); ok && kind.name != "BMP" { // two letters are no proof
				return true
			}
		}
	}
	if ending == "" {
		ending = "without an ending"
	}
	l.others[ending]++
	return false
}

// stated notes the size and time of a file, or why it cannot be read.
func stated(f imageFile) imageFile {
	st, err := os.Stat(f.path)
	switch {
	case err != nil:
		f.bad = whyNot(err).Error()
	case st.IsDir():
		f.bad = "it is a directory"
	case !st.Mode().IsRegular():
		f.bad = "it is not a regular file"
	default:
		f.size, f.time = st.Size(), st.ModTime().UnixNano()
	}
	return f
}

// whyNot is why a file cannot be read, without its path.
func whyNot(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// many counts things.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// shortList joins the first of many words, and counts the rest.
func shortList(words []string) string {
	const most = 5
	if n := len(words) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), n)
	}
	return strings.Join(words, ", ")
}
