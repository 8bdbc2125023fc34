package data

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// loadIDX reads and splits images.
func loadIDX(ctx context.Context, s Source) (*Data, error) {
	f := s.files()
	all, err := readLabelled(ctx, f[0], f[1])
	if err != nil {
		return nil, err
	}
	test := all
	if f[2].path != "" {
		test, err = readLabelled(ctx, f[2], f[3])
		if err != nil {
			return nil, err
		}
		if !slices.Equal(test.dims, all.dims) {
			return nil, f[2].fault("images of %v, but those of %s are %v", Shape(test.dims), f[0].path, Shape(all.dims))
		}
	}
	img, err := s.imageShape(all)
	if err != nil {
		return nil, err
	}
	classes := int(max(slices.Max(all.labels), slices.Max(test.labels))) + 1
	if classes == 1 {
		return nil, f[1].fault("all labels are 0; there is nothing to learn")
	}
	p := s.divideIDX(all, test, classes)
	if err := p.check(); err != nil {
		err.Path = f[0].path
		return nil, err
	}
	mean, scale := pixelMoments(all, p.train)
	d := &Data{
		Task: Classification, Features: img.Size(), Classes: classes,
		Train: all.set(p.train, img, classes, mean, scale),
		Test:  test.set(p.test, img, classes, mean, scale),
	}
	if len(p.valid) > 0 { // with CV nothing is for validation alone
		d.Valid = all.set(p.valid, img, classes, mean, scale)
	}
	d.fold, d.Folds = p.fold, foldsOf(d.Train, p.fold)
	d.numbers = &Numbers{p.train, p.valid, slices.Clone(p.test)}
	if s.IDX.TestImages != "" { // behind the others
		for i := range d.numbers.Test {
			d.numbers.Test[i] += len(all.labels)
		}
	}
	pixels := make([]int, d.Features)
	for i := range pixels {
		pixels[i] = i
	}
	for i := range classes {
		d.ClassNames = append(d.ClassNames, fmt.Sprint(i))
	}
	d.Preparation = &Preparation{Pixels: &Number{Encoding: Standard, Mean: mean, Scale: scale}, Classes: d.ClassNames, shape: img}
	d.Facts.Rows, d.Facts.Numeric = len(p.train)+len(p.valid)+len(p.test), d.Features
	d.Facts.measure(d.Train, pixels)
	return d, nil
}

// imageShape is the shape asked for, or that of the file, with one channel if
// the file has none.
func (s Source) imageShape(l labelled) (Shape, error) {
	if len(s.Image) > 0 {
		if s.Image.Size() != l.size() {
			return nil, &Error{Key: "image", Path: s.IDX.Images, Err: fmt.Errorf("%v are %d values, but an image of the file has %d", s.Image, s.Image.Size(), l.size())}
		}
		return slices.Clone(s.Image), nil
	}
	return imageOf(l.dims), nil
}

// imageOf is height, width and channels; pictures without channels have one.
func imageOf(dims []int) Shape {
	if len(dims) == 2 {
		return Shape{dims[0], dims[1], 1}
	}
	return slices.Clone(dims)
}

// divideIDX deals the images to the parts; numbers in the test part are those of
// the test files, if there are any.
func (s Source) divideIDX(all, test labelled, classes int) parts {
	own := len(all.labels)
	class := make([]int32, own)
	for i, b := range all.labels {
		class[i] = int32(b)
	}
	if s.IDX.TestImages == "" {
		return s.Split.deal(count(own), own, s.Rows, labels{class, classes}, nil, false)
	}
	p := s.Split.deal(count(own+len(test.labels)), own, s.Rows, labels{class, classes}, nil, true)
	for i := range p.test {
		p.test[i] -= own
	}
	return p
}

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// pixelMoments are the mean of all pixels of some images, and one over their
// standard deviation (0 if all are the same). The sums are whole numbers, so they
// are exact.
func pixelMoments(l labelled, rows []int) (mean, scale float64) {
	var seen [256]int
	w := l.size()
	for _, row := range rows {
		for _, b := range l.pixels[row*w : (row+1)*w] {
			seen[b]++
		}
	}
	return byteMoments(&seen)
}

// byteMoments are the mean of bytes of which each value was seen so often, and one over
// their standard deviation.
func byteMoments(seen *[256]int) (mean, scale float64) {
	var n, sum, square float64
	for b, k := range seen {
		n += float64(k)
		sum += float64(k * b)
	}
	mean = sum / n
	for b, k := range seen {
		square += float64(k) * (float64(b) - mean) * (float64(b) - mean)
	}
	if slices.ContainsFunc(seen[:], func(k int) bool { return float64(k) == n }) {
		return mean, 0
	}
	return mean, 1 / math.Sqrt(square/n)
}

// set standardises the images of some rows.
func (l labelled) set(rows []int, img Shape, classes int, mean, scale float64) *Set {
	var value [256]float32
	for b := range value {
		value[b] = score(float64(b), mean, scale)
	}
	w := l.size()
	s := &Set{Shape: img, X: make([]float32, len(rows)*w), Class: make([]int32, len(rows)), Classes: classes}
	for i, row := range rows {
		s.Class[i] = int32(l.labels[row])
		out := s.X[i*w : (i+1)*w]
		for j, b := range l.pixels[row*w : (row+1)*w] {
			out[j] = value[b]
		}
	}
	return s
}
