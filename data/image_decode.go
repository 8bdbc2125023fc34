package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// picture is a decoded image: upright, over white, 8 bits a channel.
type picture struct {
	w, h int
	rgb  []byte // h × w × 3

	format string
	gray   bool // red, green and blue are the same everywhere
	clear  bool // some of it was transparent
	deep   bool // it had 16 bits a channel
	turned bool // EXIF says that the camera was turned
}

const pngMagic = "\x89PNG\r\n\x1a\n"

// imageFormat is a kind of image files.
type imageFormat struct {
	name   string
	begins func(b []byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	packed float64 // a byte of a file holds fewer pixels than this; 0: any number
}

// imageFormats are the kinds that are read. A byte of deflate becomes at most 1,032,
// each of 8 pixels; one of LZW about 2,730; one of JPEG's entropy code at least an
// eighth of a block of 64 pixels, or of 256 with the colours at half the size.
func imageFormats() []imageFormat {
	prefix := func(p string) func([]byte) bool {
		return func(b []byte) bool { return bytes.HasPrefix(b, []byte(p)) }
	}
	return []imageFormat{
		{"PNG", prefix(pngMagic), png.DecodeConfig, png.Decode, 10_000},
		{"JPEG", prefix("\xff\xd8\xff"), jpeg.DecodeConfig, jpeg.Decode, 10_000},
		{"GIF", prefix("GIF8"), gif.DecodeConfig, gif.Decode, 10_000},
		{"WebP", func(b []byte) bool {
			return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
		}, webp.DecodeConfig, webp.Decode, 0},
		{"BMP", prefix("BM"), bmp.DecodeConfig, bmp.Decode, 100},
	}
}

// formatOf is the kind of an image file by its first bytes, whatever its name is.
func formatOf(b []byte) (imageFormat, bool) {
	for _, f := range imageFormats() {
		if f.begins(b) {
			return f, true
		}
	}
	return imageFormat{}, false
}

const (
	maxPixels = 1 << 27 // of an image: 134 million
	maxSide   = 1 << 16
)

var errNoImage = errors.New("it is neither PNG, JPEG, GIF, WebP nor BMP")

// imageSize is the format and the size of an image file as it lies there, by its header
// alone: nothing is allocated for the pixels. size is that of the file in bytes.
func imageSize(r io.Reader, size int64) (f imageFormat, w, h int, err error) {
	in := bufio.NewReader(r)
	head, _ := in.Peek(16)
	f, ok := formatOf(head)
	if !ok {
		return f, 0, 0, errNoImage
	}
	defer recovered(&err)
	c, err := f.config(in)
	switch {
	case err != nil:
		return f, 0, 0, plainly(err)
	case c.Width < 1 || c.Height < 1:
		return f, 0, 0, fmt.Errorf("it has %d×%d pixels", c.Height, c.Width)
	case c.Width > maxSide || c.Height > maxSide || c.Width > maxPixels/c.Height:
		return f, 0, 0, fmt.Errorf("it says that it has %d×%d pixels; at most %d million are read", c.Height, c.Width, maxPixels/1_000_000)
	case f.packed > 0 && float64(c.Width)*float64(c.Height) > f.packed*float64(size):
		return f, 0, 0, fmt.Errorf("it says that it has %d×%d pixels, for which its %d bytes are too few", c.Height, c.Width, size)
	}
	return f, c.Width, c.Height, nil
}

// decodePicture decodes the bytes of an image file, the first frame if it has several,
// and puts it upright. What is transparent is shown over white.
func decodePicture(b []byte) (p *picture, err error) {
	f, w, h, err := imageSize(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	defer recovered(&err)
	m, err := f.decode(bytes.NewReader(b))
	if err != nil {
		return nil, plainly(err)
	}
	p = &picture{w: w, h: h, rgb: make([]byte, 3*w*h), format: f.name}
	if r := m.Bounds(); r != image.Rect(0, 0, w, h) { // the frame of a GIF may be smaller than its picture
		if r.Intersect(image.Rect(0, 0, w, h)) != r {
			return nil, errors.New("its frame lies outside the picture")
		}
		p.clear = true
		for i := range p.rgb {
			p.rgb[i] = 255
		}
	}
	p.paint(m)
	p.gray = true
	for i := 0; i < len(p.rgb) && p.gray; i += 3 {
		p.gray = p.rgb[i] == p.rgb[i+1] && p.rgb[i] == p.rgb[i+2]
	}
	p.turn(orientation(b))
	return p, nil
}

// paint draws an image at its place.
func (p *picture) paint(m image.Image) {
	r := m.Bounds()
	line := func(y int) []byte { return p.rgb[3*(y*p.w+r.Min.X):][:3*r.Dx()] }
	switch m := m.(type) {
	case *image.Gray:
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for i, v := range m.Pix[m.PixOffset(r.Min.X, y):][:r.Dx()] {
				out[3*i], out[3*i+1], out[3*i+2] = v, v, v
			}
		}
	case *image.YCbCr:
		toRGB := color.YCbCrToRGB
		if p.format == "WebP" {
			toRGB = videoToRGB
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for x := r.Min.X; x < r.Max.X; x++ {
				c := m.COffset(x, y)
				out[0], out[1], out[2] = toRGB(m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
				out = out[3:]
			}
		}
	case *image.RGBA: // its values are multiplied by their opacity already
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for in := m.Pix[m.PixOffset(r.Min.X, y):][:4*r.Dx()]; len(in) > 0; in, out = in[4:], out[3:] {
				white := 255 - in[3]
				p.clear = p.clear || white > 0
				out[0], out[1], out[2] = in[0]+white, in[1]+white, in[2]+white
			}
		}
	case *image.NRGBA:
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for in := m.Pix[m.PixOffset(r.Min.X, y):][:4*r.Dx()]; len(in) > 0; in, out = in[4:], out[3:] {
				p.set(out, in[0], in[1], in[2], in[3])
			}
		}
	case *image.Paletted:
		colors := make([][3]byte, len(m.Palette))
		opaque := p.clear
		for i, c := range m.Palette {
			n, _ := color.NRGBAModel.Convert(c).(color.NRGBA)
			p.set(colors[i][:], n.R, n.G, n.B, n.A)
		}
		p.clear = opaque // a palette may have a colour that no pixel has
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for i, v := range m.Pix[m.PixOffset(r.Min.X, y):][:r.Dx()] {
				copy(out[3*i:], colors[v][:])
				if !p.clear {
					_, _, _, opacity := m.Palette[v].RGBA()
					p.clear = opacity < 0xffff
				}
			}
		}
	case *image.NYCbCrA: // of WebP alone
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for x := r.Min.X; x < r.Max.X; x++ {
				c := m.COffset(x, y)
				red, green, blue := videoToRGB(m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
				p.set(out, red, green, blue, m.A[m.AOffset(x, y)])
				out = out[3:]
			}
		}
	default: // 16 bits a channel, CMYK
		switch m.(type) {
		case *image.Gray16, *image.RGBA64, *image.NRGBA64:
			p.deep = true
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			out := line(y)
			for x := r.Min.X; x < r.Max.X; x++ {
				c, _ := color.NRGBA64Model.Convert(m.At(x, y)).(color.NRGBA64)
				p.set(out, eight(c.R), eight(c.G), eight(c.B), eight(c.A))
				out = out[3:]
			}
		}
	}
}

// set writes a pixel of some opacity over white.
func (p *picture) set(out []byte, red, green, blue, opacity byte) {
	if opacity < 255 {
		p.clear = true
		red, green, blue = overWhite(red, opacity), overWhite(green, opacity), overWhite(blue, opacity)
	}
	out[0], out[1], out[2] = red, green, blue
}

// overWhite is a value with an opacity over a white one.
func overWhite(v, opacity byte) byte {
	return byte((int(v)*int(opacity) + 255*(255-int(opacity)) + 127) / 255)
}

// eight is a value of 16 bits in 8, rounded.
func eight(v uint16) byte { return byte((uint32(v) + 128) / 257) }

// videoToRGB converts the colours of lossy WebP, which have the range of video (BT.601:
// 16 … 235), where those of JPEG have all 256 values. It is the integer arithmetic of
// libwebp (src/dsp/yuv.h).
func videoToRGB(y, u, v uint8) (red, green, blue uint8) {
	hi := func(v uint8, factor int) int { return int(v) * factor >> 8 }
	clip := func(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
	return clip(hi(y, 19077) + hi(v, 26149) - 14234),
		clip(hi(y, 19077) - hi(u, 6419) - hi(v, 13320) + 8708),
		clip(hi(y, 19077) + hi(u, 33050) - 17685)
}

// recovered makes a panic an error: the file comes from anywhere.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("it is damaged: %v", r)
	}
}

// plainly says what a decoder found.
func plainly(err error) error {
	text := err.Error()
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || strings.HasSuffix(text, "not enough pixel data") || strings.HasSuffix(text, "short Huffman data") {
		return errors.New("it is cut off")
	}
	return errors.New(strings.ReplaceAll(text, "\n", " "))
}
