package data

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// NewImages are images that a network is to be applied to, as it reads them.
type NewImages struct {
	Set    *Set     // without targets
	Files  []string // name of each row: below the folder, or the file itself
	Images Images   // what they were, and which could not be read
}

// Said is what was changed in them.
func (n *NewImages) Said() []string {
	var out []string
	m := n.Images
	if colours := m.Count - m.Gray; m.Shape[2] == 1 && colours > 0 {
		out = append(out, fmt.Sprintf("%s in colours: brightness alone is used, as the network learned from gray images", many(colours, "image")))
	}
	if m.Resized {
		out = append(out, fmt.Sprintf("%d×%d to %d×%d pixels: brought to %v", m.Low[0], m.Low[1], m.High[0], m.High[1], m.Resize))
	}
	for _, l := range m.Said() {
		if l.Key != "left_out" { // each is named
			out = append(out, l.Text)
		}
	}
	return out
}

// LoadWithImages is [Load] of a source of image files, and reads other ones as it reads
// its own: an image, or all below a folder. They get the size and the channels of the
// network; for a network of one channel colours become their brightness.
func LoadWithImages(ctx context.Context, s Source, path string) (*Data, *NewImages, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	d, own, err := loadPack(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	l, err := listNew(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "budwood-images-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	made := &packing{list: l, resize: own.Images.Resize, like: own.Images.Shape}
	file, bad, err := made.write(ctx, dir)
	if bad != nil {
		bad.Path = path
		return nil, nil, bad
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := openPack(file)
	if err != nil {
		return nil, nil, ioFault("", path, 0, err)
	}
	n := d.Preparation.Pixels
	set := &Set{Shape: slices.Clone(p.Images.Shape), Rows: packedRows{p.file, p.pixels, len(p.Files), d.Features, scores(n.Mean, n.Scale)}}
	return d, &NewImages{set, p.Files, p.Images}, nil
}

// listNew finds an image, or all below a folder.
func listNew(ctx context.Context, path string) (*imageList, error) {
	l := &imageList{target: &column{text: true}, others: map[string]int{}}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, ioFault("", path, 0, err)
	case st.IsDir():
		if err := l.below(ctx, path, path, 0); err != nil {
			return nil, ioFault("", path, 0, err)
		}
		slices.SortFunc(l.files, func(a, b imageFile) int { return strings.Compare(a.name, b.name) })
	default:
		l.files = []imageFile{stated(imageFile{path: path, name: filepath.ToSlash(path)})}
	}
	if len(l.files) == 0 {
		e := fault("", "there are no images in it")
		e.Path = path
		return nil, e
	}
	for range l.files {
		l.target.addText("?", 0)
	}
	l.parts[partTrain] = len(l.files)
	return l, nil
}

// scores is what a byte becomes.
func scores(mean, scale float64) *[256]float32 {
	var table [256]float32
	for b := range table {
		table[b] = score(float64(b), mean, scale)
	}
	return &table
}

// brightness makes pixels gray: Y = .299 R + .587 G + .114 B (BT.601), in whole numbers.
func brightness(rgb []byte) {
	for i := 0; i+2 < len(rgb); i += 3 {
		y := byte((19595*int(rgb[i]) + 38470*int(rgb[i+1]) + 7471*int(rgb[i+2]) + 1<<15) >> 16)
		rgb[i], rgb[i+1], rgb[i+2] = y, y, y
	}
}
