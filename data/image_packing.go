package data

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// decodedImage is what is known of a file after it was read.
type decodedImage struct {
	h, w   int // upright
	is     picture
	digest [digestSize]byte
}

// buildPack decodes the images of a source, as many at once as there are processors, and
// writes them into a pack in a directory.
func (s Source) buildPack(ctx context.Context, dir string) (path string, err error) {
	l, err := s.listImages(ctx)
	if err != nil {
		return "", err
	}
	p := &packing{list: l, resize: s.Resize}
	path, bad, err := p.write(ctx, dir)
	if bad != nil {
		bad.Key, bad.Path = "folder", s.Folder
		if s.Files != "" {
			bad.Key, bad.Path = "files", s.CSV
		}
		return "", bad
	}
	return path, err
}

// write decodes the files, and writes them into a pack in a directory; bad is an error of
// the files.
func (p *packing) write(ctx context.Context, dir string) (path string, bad *Error, err error) {
	p.seen = make([]decodedImage, len(p.list.files))
	raw, err := os.CreateTemp(dir, Unfinished+"*")
	if err != nil {
		return "", nil, err
	}
	defer func() {
		raw.Close()
		os.Remove(raw.Name())
	}()
	if err := p.decode(ctx, raw); err != nil {
		return "", nil, err
	}
	h, rows, digests, bad := p.header()
	if bad != nil {
		return "", bad, nil
	}
	f, err := os.CreateTemp(dir, Unfinished+"*")
	if err != nil {
		return "", nil, err
	}
	err = writePack(f, h, raw, rows, digests)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(f.Name())
		return "", nil, err
	}
	return f.Name(), nil, nil
}

// packing is a pack that is being made.
type packing struct {
	list   *imageList
	resize *Resize
	chosen bool  // nobody asked for this size
	like   Shape // of what a network reads; nil: as the files are
	seen   []decodedImage
}

// decode decodes all files into raw, at the size that they are to have, 3 channels each.
func (p *packing) decode(ctx context.Context, raw *os.File) error {
	if p.resize == nil {
		if err := p.each(ctx, func(i int, f *os.File) error {
			var err error
			p.seen[i].h, p.seen[i].w, err = uprightSize(f, p.list.files[i].size)
			return err
		}); err != nil {
			return err
		}
		if p.choose(); p.resize == nil { // nothing can be read
			return nil
		}
	}
	room := newRoom(maxPixels / 2)
	width := int64(3 * p.resize.To[0] * p.resize.To[1])
	var failed atomic.Pointer[error] // of writing
	err := p.each(ctx, func(i int, f *os.File) error {
		if e := failed.Load(); e != nil {
			return *e
		}
		out := make([]byte, width)
		if err := p.read(&p.seen[i], f, p.list.files[i].size, out, room); err != nil {
			return err
		}
		if _, err := raw.WriteAt(out, int64(i)*width); err != nil {
			failed.Store(&err)
		}
		return nil
	})
	if e := failed.Load(); e != nil {
		return *e
	}
	return err
}

const maxImageFile = 1 << 28 // bytes

// read decodes one file.
func (p *packing) read(to *decodedImage, f *os.File, size int64, out []byte, room *room) error {
	if size > maxImageFile {
		return fmt.Errorf("it has more than %d MiB", maxImageFile>>20)
	}
	_, w, h, err := imageSize(f, size)
	if err != nil {
		return err
	}
	defer room.take(w*h + int(size))()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		return plainly(err)
	}
	m, err := decodePicture(b)
	if err != nil {
		return err
	}
	p.resize.fit(m, out)
	if p.like != nil && p.like[2] == 1 && !m.gray {
		brightness(out)
	}
	to.h, to.w = m.h, m.w
	to.digest = m.digest()
	to.is = *m
	to.is.rgb = nil
	return nil
}

// digest identifies what is to be seen.
func (p *picture) digest() (d [digestSize]byte) {
	h := sha256.New()
	var size [16]byte
	binary.LittleEndian.PutUint64(size[:], uint64(p.h))
	binary.LittleEndian.PutUint64(size[8:], uint64(p.w))
	h.Write(size[:])
	h.Write(p.rgb)
	copy(d[:], h.Sum(nil))
	return d
}

// each does something with every file that can be opened, on all processors. An error is
// why a file cannot be used.
func (p *packing) each(ctx context.Context, do func(i int, f *os.File) error) error {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(p.list.files)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(p.list.files) {
					return
				}
				if file := &p.list.files[i]; file.bad == "" {
					if err := onFile(file.path, func(f *os.File) error { return do(i, f) }); err != nil {
						file.bad = err.Error()
					}
				}
			}
		})
	}
	workers.Wait()
	return ctx.Err()
}

// onFile opens a file and does something with it. It must be regular: another one may
// wait for ever.
func onFile(path string, do func(*os.File) error) error {
	f, err := os.Open(path)
	if err != nil {
		return whyNot(err)
	}
	defer f.Close()
	return do(f)
}

// uprightSize is the size of a picture as it is to be seen, by the beginning of its file.
func uprightSize(f *os.File, size int64) (h, w int, err error) {
	_, w, h, err = imageSize(f, size)
	if err != nil {
		return 0, 0, err
	}
	head := make([]byte, min(size, 1<<17))
	if n, err := f.ReadAt(head, 0); err == nil || err == io.EOF {
		if orientation(head[:n]) >= 5 {
			h, w = w, h
		}
	}
	return h, w, nil
}

const (
	asIs       = 256 // pixels of a side up to which images of one size stay as they are
	chosenSide = 64  // pixels of the longer side of a size that nobody has asked for
)

// choose sets the size of images for which none was asked: their own if all are alike
// and not too large, else the median height and width, so much smaller that the longer
// side has chosenSide pixels.
func (p *packing) choose() {
	var hs, ws []int
	for i := range p.seen {
		if p.list.files[i].bad == "" {
			hs, ws = append(hs, p.seen[i].h), append(ws, p.seen[i].w)
		}
	}
	if len(hs) == 0 {
		return
	}
	slices.Sort(hs)
	slices.Sort(ws)
	h, w := hs[len(hs)/2], ws[len(ws)/2]
	if hs[0] == hs[len(hs)-1] && ws[0] == ws[len(ws)-1] && max(h, w) <= asIs {
		p.resize = &Resize{To: []int{h, w}}
		return
	}
	if side := max(h, w); side > chosenSide {
		h, w = max((2*h*chosenSide+side)/(2*side), 1), max((2*w*chosenSide+side)/(2*side), 1)
	}
	p.resize, p.chosen = &Resize{To: []int{h, w}, Pad: 1}, true
}

// header says what was found. rows are the files that can be used.
func (p *packing) header() (h *packHeader, rows []int, digests [][digestSize]byte, bad *Error) {
	l := p.list
	m := Images{Formats: map[string]int{}, Others: l.others, Notes: l.notes, Folders: l.given, Dropped: l.dropped}
	h = &packHeader{}
	digests = make([][digestSize]byte, len(l.files))
	place := map[string]int32{} // of a level
	gray := true
	for i, f := range l.files {
		if f.bad != "" {
			m.left(f.name, f.bad)
			continue
		}
		d := &p.seen[i]
		rows, digests[i] = append(rows, i), d.digest
		m.see(d, p.resize)
		gray = gray && d.is.gray
		h.Files = append(h.Files, f.name)
		part := partTrain
		if at := i - l.parts[partTrain]; at >= l.parts[partValid] {
			part = partTest
		} else if at >= 0 {
			part = partValid
		}
		h.Parts[part]++
		if l.groups != nil {
			h.Group = append(h.Group, l.groups[i])
		}
		if !l.target.text {
			h.Target.Num = append(h.Target.Num, l.target.num[i])
			continue
		}
		level := l.target.levels[l.target.code[i]]
		k, ok := place[level]
		if !ok {
			k = int32(len(place))
			place[level] = k
			h.Target.Levels = append(h.Target.Levels, level)
		}
		h.Target.Code = append(h.Target.Code, k)
	}
	if len(l.files) == 1 && len(rows) == 0 {
		return nil, nil, nil, fault("", "the image cannot be read: %s", l.files[0].bad)
	}
	if len(rows) == 0 {
		return nil, nil, nil, fault("", "none of the %s can be read: %s", many(m.LeftOut, "image"), m.leftList(3))
	}
	m.Count = len(rows)
	m.Shape = Shape{p.resize.To[0], p.resize.To[1], 3}
	switch {
	case p.like != nil:
		m.Shape = p.like
	case gray:
		m.Shape[2] = 1
	}
	m.Resize, m.Chosen = p.resize, p.chosen
	m.Resized = m.Low != m.High || m.High != [2]int{p.resize.To[0], p.resize.To[1]} || p.resize.border() > 0
	h.Images = m
	return h, rows, digests, nil
}

// room bounds what is decoded at the same time, in pixels.
type room struct {
	mu   sync.Mutex
	more *sync.Cond
	all  int
	free int
}

func newRoom(all int) *room {
	r := &room{all: all, free: all}
	r.more = sync.NewCond(&r.mu)
	return r
}

// take waits for room; more than there is waits for all of it. The caller gives it back.
func (r *room) take(n int) (back func()) {
	n = min(n, r.all)
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.free < n {
		r.more.Wait()
	}
	r.free -= n
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.free += n
		r.more.Broadcast()
	}
}

// imagesState says what the files of a source of images are at present: names, sizes and
// times of change.
func (s Source) imagesState(ctx context.Context) (string, error) {
	l, err := s.listImages(ctx)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	for i, f := range l.files {
		level := ""
		if l.target.text {
			level = l.target.levels[l.target.code[i]]
		} else {
			level = fmt.Sprint(l.target.num[i])
		}
		fmt.Fprintf(w, "%q %q %d@%d %s\n", f.name, level, f.size, f.time, f.bad)
	}
	fmt.Fprintf(w, "%v %v %v %v %v %v", l.groups, l.parts, l.given, l.others, l.notes, l.dropped)
	w.Flush()
	return fmt.Sprintf("%x", sha256.Sum256(b.Bytes())), nil
}

// packKey identifies the pack of a source: what it is made of, and by which settings.
func (s Source) packKey(ctx context.Context) (string, error) {
	state, err := s.imagesState(ctx)
	if err != nil {
		return "", err
	}
	at, err := filepath.Abs(s.files()[0].path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("images %q %q %q %q %q %+v %s", at, s.Files, s.Target, s.Ignore, s.Split.Group, s.Resize, state), nil
}
