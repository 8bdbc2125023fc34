package data

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/exp/mmap"
)

// A pack is all images of a source in one file: decoded, of one size, as bytes. It is
// what a study keeps of a folder and what travels to its workers, who train from its
// pages. The same files give the same bytes. It begins with packMagic, the length of the
// header in 8 bytes (little-endian) and the header as JSON; at the next multiple of 64
// bytes follow the images, row by row as [Shape] says, and at the next multiple 16 bytes
// of each image's digest. Studies hold packs: what is written here can be read for ever.
const packMagic = "budwood images 1\n"

// packHeader is all of a pack except pixels and digests.
type packHeader struct {
	Images Images
	Files  []string // names of the rows
	Parts  [3]int   // rows of training, validation and test that follow each other; without folders of parts the first has all
	Group  []int32  `json:",omitempty"` // of each row
	Target packTarget
}

// packTarget is the target of each row: a level, or a number.
type packTarget struct {
	Levels []string  `json:",omitempty"`
	Code   []int32   `json:",omitempty"`
	Num    []float64 `json:",omitempty"`
}

const digestSize = 16 // bytes of an image's SHA-256 that are kept

// pack is an open pack.
type pack struct {
	packHeader
	file   *mmap.ReaderAt
	pixels int64 // where they begin
}

// isPack reports whether a file begins as a pack.
func isPack(path string) bool {
	if _, err := regular(path); err != nil {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(packMagic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == packMagic
}

// openPack maps a pack. It stays mapped until nobody has its rows any more, also if the
// file is removed.
func openPack(path string) (*pack, error) {
	file, err := mmap.Open(path)
	if err != nil {
		return nil, err
	}
	p, err := readPack(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("the images in %s: %w", path, err)
	}
	return p, nil
}

func readPack(file *mmap.ReaderAt) (*pack, error) {
	damaged := errors.New("the file is damaged")
	first := int64(len(packMagic) + 8)
	start := make([]byte, first)
	if _, err := file.ReadAt(start, 0); err != nil || !bytes.HasPrefix(start, []byte(packMagic)) {
		return nil, errors.New("it does not begin as such a file")
	}
	n := binary.LittleEndian.Uint64(start[len(packMagic):])
	if n > uint64(file.Len()) {
		return nil, damaged
	}
	head := make([]byte, n)
	if _, err := file.ReadAt(head, first); err != nil {
		return nil, err
	}
	p := &pack{file: file, pixels: padded(first + int64(n))}
	if err := json.Unmarshal(head, &p.packHeader); err != nil {
		return nil, err
	}
	w, rows := p.Images.Shape.Size(), len(p.Files)
	sum := 0
	for _, k := range p.Parts {
		if k < 0 || k > rows {
			return nil, damaged
		}
		sum += k
	}
	t := p.Target
	switch {
	case len(p.Images.Shape) != 3 || w < 1 || rows < 1 || sum != rows,
		len(p.Group) != 0 && len(p.Group) != rows,
		len(t.Code) != rows && len(t.Num) != rows || len(t.Code) > 0 && len(t.Num) > 0,
		len(t.Code) > 0 && (slices.Min(t.Code) < 0 || int(slices.Max(t.Code)) >= len(t.Levels)),
		w > file.Len(), rows > file.Len()/w,
		p.digests()+int64(rows*digestSize) != int64(file.Len()):
		return nil, damaged
	}
	return p, nil
}

// digests is where they begin.
func (p *pack) digests() int64 {
	return p.pixels + padded(int64(len(p.Files)*p.Images.Shape.Size()))
}

// digest is that of the pixels of each image, before its size was changed.
func (p *pack) digest() ([][digestSize]byte, error) {
	all := make([]byte, len(p.Files)*digestSize)
	if _, err := p.file.ReadAt(all, p.digests()); err != nil {
		return nil, err
	}
	out := make([][digestSize]byte, len(p.Files))
	for i := range out {
		copy(out[i][:], all[i*digestSize:])
	}
	return out, nil
}

// target is the column of targets.
func (p *pack) target() *column {
	c := &column{text: len(p.Target.Code) > 0}
	for _, k := range p.Target.Code {
		c.addText(p.Target.Levels[k], 0)
	}
	for _, v := range p.Target.Num {
		c.addNumber(v)
	}
	return c
}

// writePack writes a pack from the rows of a file of raw pixels, 3 channels each: those
// in rows, in their order.
func writePack(f *os.File, h *packHeader, raw io.ReaderAt, rows []int, digests [][digestSize]byte) error {
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "%s%s%s", packMagic, binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head)
	pad(w, int64(len(packMagic)+8+len(head)))
	shape := h.Images.Shape
	row := make([]byte, shape[0]*shape[1]*3)
	for _, i := range rows {
		if _, err := raw.ReadAt(row, int64(i)*int64(len(row))); err != nil {
			return err
		}
		out := row
		if shape[2] == 1 {
			out = out[:len(row)/3]
			for k := range out {
				out[k] = row[3*k]
			}
		}
		w.Write(out) // an error comes back with Flush
	}
	pad(w, int64(len(rows)*shape.Size()))
	for _, i := range rows {
		w.Write(digests[i][:])
	}
	return w.Flush()
}
