package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Resize says what size image files get. A side that shrinks is averaged over the area
// of the pixels that become one; a side that grows is interpolated between the centres
// of pixels (bilinear, with half-pixel centres: the pixel i of n has its centre at
// i + ½).
type Resize struct {
	To   []int `json:"to" yaml:"to"`                         // height and width in pixels
	Pad  Pad   `json:"pad,omitempty" yaml:"pad,omitempty"`   // keep the proportions, and fill the rest with black
	Crop bool  `json:"crop,omitempty" yaml:"crop,omitempty"` // keep the proportions, and cut off what is too much on both sides
}

// Pad says whether an image keeps its proportions in black: 0 for no, 1 + n for yes,
// with a border of at least n pixels on every side. In JSON and study files it is true,
// or n.
type Pad int

// MarshalJSON writes true, or the border.
func (p Pad) MarshalJSON() ([]byte, error) {
	if p < 2 {
		return json.Marshal(p == 1)
	}
	return json.Marshal(int(p) - 1)
}

// UnmarshalJSON reads true, false, or the border.
func (p *Pad) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true":
		*p = 1
		return nil
	case "false":
		*p = 0
		return nil
	}
	var n int
	if err := json.Unmarshal(b, &n); err != nil || n < 0 {
		return errors.New("expected true, or the pixels of a border, such as 4")
	}
	*p = Pad(n + 1)
	return nil
}

// border is the pixels that stay free on every side.
func (r *Resize) border() int { return max(int(r.Pad)-1, 0) }

const maxResized = 4096 // pixels of a side

func (r *Resize) check() *Error {
	switch {
	case r == nil:
		return nil
	case len(r.To) != 2 || r.To[0] < 1 || r.To[1] < 1:
		return fault("resize.to", "%v is no size; give height and width in pixels, such as [32, 32]", r.To)
	case r.To[0] > maxResized || r.To[1] > maxResized:
		return fault("resize.to", "%d×%d is too large; a side has at most %d pixels", r.To[0], r.To[1], maxResized)
	case r.Pad != 0 && r.Crop:
		return fault("resize.crop", "give pad or crop: one fills up, the other cuts off")
	case r.Pad < 0 || 2*r.border() >= min(r.To[0], r.To[1]):
		return fault("resize.pad", "a border of %d pixels leaves nothing of %d×%d", r.border(), r.To[0], r.To[1])
	}
	return nil
}

// String says what is done, as in "8×8 pixels, …".
func (r *Resize) String() string {
	text := fmt.Sprintf("%d×%d pixels", r.To[0], r.To[1])
	switch {
	case r.border() > 0:
		return fmt.Sprintf("%s, proportions kept, black around it, at least %d pixels", text, r.border())
	case r.Pad > 0:
		return text + ", proportions kept, black around it"
	case r.Crop:
		return text + ", proportions kept, the middle cut out"
	}
	return text + ", proportions changed where they differ"
}

// tap is what a value of a scaled line is made of: values from first on, by weight.
type tap struct {
	first  int
	weight []float64 // its sum is 1
}

// scaled says how the part of a line of n values that begins at from and is so long
// becomes m values.
func scaled(n, m int, from, length float64) []tap {
	step := length / float64(m)
	taps := make([]tap, m)
	for i := range taps {
		if step <= 1 { // between two centres
			at := min(max(from+float64((float64(i)+.5)*step)-.5, 0), float64(n-1))
			first := int(at)
			taps[i] = tap{first, []float64{1}}
			if part := at - float64(first); part > 0 {
				taps[i].weight = []float64{1 - part, part}
			}
			continue
		}
		lo, hi := from+float64(float64(i)*step), from+float64(float64(i+1)*step)
		first := min(max(int(lo), 0), n-1)
		last := min(max(int(math.Ceil(hi))-1, first), n-1)
		t, sum := tap{first: first}, 0.
		for k := first; k <= last; k++ {
			part := max(min(hi, float64(k+1))-max(lo, float64(k)), 0)
			t.weight = append(t.weight, part)
			sum += part
		}
		for k := range t.weight {
			t.weight[k] /= sum
		}
		taps[i] = t
	}
	return taps
}

// fit brings a picture to its size: out is h × w × 3. Each product is rounded to
// float64 by itself, so that every processor has the same bits.
func (r *Resize) fit(p *picture, out []byte) {
	h, w := r.To[0], r.To[1]
	if p.h == h && p.w == w && r.border() == 0 {
		copy(out, p.rgb)
		return
	}
	clear(out)
	top, left, tapsY, tapsX := r.place(p.h, p.w)
	wide := 3 * len(tapsX)
	var lines [2][]float64 // of the picture, scaled along x: those with an even and an odd number
	var has [2]int
	for i := range lines {
		lines[i], has[i] = make([]float64, wide), -1
	}
	sum := make([]float64, wide)
	for y, ty := range tapsY {
		clear(sum)
		for k, weight := range ty.weight {
			row := ty.first + k
			line := lines[row%2]
			if has[row%2] != row {
				has[row%2] = row
				across(line, p.rgb[3*row*p.w:][:3*p.w], tapsX)
			}
			for i, v := range line {
				sum[i] += float64(weight * v)
			}
		}
		at := out[3*((top+y)*w+left):][:wide]
		for i, v := range sum {
			at[i] = byte(min(max(v+.5+1e-9, 0), 255)) // a half is rounded up, also where a sum of thirds is a little less
		}
	}
}

// across scales a line of pixels.
func across(out []float64, in []byte, taps []tap) {
	for x, t := range taps {
		var red, green, blue float64
		px := in[3*t.first:]
		for k, weight := range t.weight {
			red += float64(weight * float64(px[3*k]))
			green += float64(weight * float64(px[3*k+1]))
			blue += float64(weight * float64(px[3*k+2]))
		}
		out[3*x], out[3*x+1], out[3*x+2] = red, green, blue
	}
}

// place says where a picture of h × w pixels comes to lie, and how its rows and columns
// are scaled.
func (r *Resize) place(h, w int) (top, left int, rows, cols []tap) {
	toH, toW := r.To[0], r.To[1]
	fullH, fullW := float64(h), float64(w)
	switch {
	case r.Pad > 0:
		b := r.border()
		roomH, roomW := toH-2*b, toW-2*b
		scale := min(float64(roomH)/fullH, float64(roomW)/fullW)
		inH := min(max(int(math.Round(scale*fullH)), 1), roomH)
		inW := min(max(int(math.Round(scale*fullW)), 1), roomW)
		return (toH - inH) / 2, (toW - inW) / 2, scaled(h, inH, 0, fullH), scaled(w, inW, 0, fullW)
	case r.Crop:
		scale := max(float64(toH)/fullH, float64(toW)/fullW)
		cutH, cutW := min(float64(toH)/scale, fullH), min(float64(toW)/scale, fullW)
		return 0, 0, scaled(h, toH, (fullH-cutH)/2, cutH), scaled(w, toW, (fullW-cutW)/2, cutW)
	}
	return 0, 0, scaled(h, toH, 0, fullH), scaled(w, toW, 0, fullW)
}

// distorts reports whether a picture of h × w pixels does not keep its proportions.
func (r *Resize) distorts(h, w int) bool {
	return r.Pad == 0 && !r.Crop && h*r.To[1] != w*r.To[0]
}
