package data

import "slices"

// resize brings images that are in memory, those of arrays and of columns, to another
// size. They are encoded already: scaling keeps means, so it makes no difference, and
// what is filled up is black, a raw 0. The numbers of the encoding stay those of the
// images as they were.
func (d *Data) resize(r *Resize) *Error {
	if len(d.Train.Shape) != 3 {
		return fault("resize", "rows of %v are no images; say how the columns are pixels with image: [height, width, channels]", d.Train.Shape)
	}
	black := d.black()
	d.Train, d.Valid, d.Test = r.set(d.Train, black), r.set(d.Valid, black), r.set(d.Test, black)
	d.Folds = foldsOf(d.Train, d.fold)
	d.Features = d.Train.Shape.Size()
	d.Facts.Features = d.Features
	d.Preparation.shape, d.Preparation.Resize = d.Train.Shape, r
	return nil
}

// black is what a raw 0 is encoded as.
func (d *Data) black() float32 {
	return score(0, d.Preparation.Pixels.Mean, d.Preparation.Pixels.Scale)
}

// set is a set with its images at another size; nil stays nil.
func (r *Resize) set(s *Set, black float32) *Set {
	if s == nil {
		return nil
	}
	out := *s
	out.Shape = Shape{r.To[0], r.To[1], s.Shape[2]}
	w, to := s.Shape.Size(), out.Shape.Size()
	out.X = slices.Repeat([]float32{black}, s.Len()*to)
	top, left, rows, cols := r.place(s.Shape[0], s.Shape[1])
	line := len(cols) * s.Shape[2]
	scaled := make([][]float64, s.Shape[0]) // the rows of an image, scaled along x
	for y := range scaled {
		scaled[y] = make([]float64, line)
	}
	sum := make([]float64, line)
	for i := range s.Len() {
		in, image := s.X[i*w:][:w], out.X[i*to:][:to]
		for y := range scaled {
			alongX(scaled[y], in[y*s.Shape[1]*s.Shape[2]:], cols, s.Shape[2])
		}
		for y, t := range rows {
			clear(sum)
			for k, weight := range t.weight {
				for j, v := range scaled[t.first+k] {
					sum[j] += float64(weight * v)
				}
			}
			at := image[((top+y)*r.To[1]+left)*s.Shape[2]:]
			for j, v := range sum {
				at[j] = float32(v)
			}
		}
	}
	return &out
}

// alongX scales a line of pixels of so many channels.
func alongX(out []float64, in []float32, taps []tap, channels int) {
	for x, t := range taps {
		for c := range channels {
			sum := 0.
			for k, weight := range t.weight {
				sum += float64(weight * float64(in[(t.first+k)*channels+c]))
			}
			out[x*channels+c] = sum
		}
	}
}
