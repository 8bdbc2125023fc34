package data

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/bmp"
)

// seedImages are small files of all kinds.
func seedImages(f testing.TB) [][]byte {
	colours := painted(3, 5, func(y, x int) color.NRGBA { return color.NRGBA{byte(50 * y), byte(40 * x), 9, byte(255 - 30*x)} })
	var b bytes.Buffer
	if err := bmp.Encode(&b, colours); err != nil {
		f.Fatal(err)
	}
	return [][]byte{
		nil, asPNG(f, colours), asPNG(f, grays(2, 1, 2, 3, 4)), asJPEG(f, colours), b.Bytes(),
		withExif(asPNG(f, colours), exifBlock(binary.LittleEndian, 6)), withExif(asJPEG(f, colours), exifBlock(binary.BigEndian, 3)),
		[]byte("GIF89a\x02\x00\x02\x00\x80\x00\x00\xff\x00\x00\x00\x00\xff,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x03\x44\x12\x05\x00;"),
		[]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
		append([]byte("RIFF\x40\x00\x00\x00WEBPEXIF\x2c\x00\x00\x00Exif\x00\x00"), exifBlock(binary.LittleEndian, 8)...),
	}
}

func FuzzPicture(f *testing.F) {
	for _, b := range seedImages(f) {
		f.Add(b, 4, 3, 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, h, w, how int) {
		if _, pw, ph, err := imageSize(bytes.NewReader(b), int64(len(b))); err == nil && pw*ph > 1<<16 {
			return // slow, and nothing new
		}
		p, err := decodePicture(b)
		if err != nil {
			if p != nil || err.Error() == "" || bytes.ContainsRune([]byte(err.Error()), '\n') {
				t.Fatalf("%v, %q", p, err)
			}
			return
		}
		if p.h < 1 || p.w < 1 || len(p.rgb) != 3*p.h*p.w {
			t.Fatalf("%d×%d pixels with %d values", p.h, p.w, len(p.rgb))
		}
		r := Resize{To: []int{1 + int(uint(h)%50), 1 + int(uint(w)%50)}, Pad: Pad(max(how%4, 0)), Crop: how%5 == 1 && how%4 == 0}
		if r.check() != nil {
			return
		}
		out := make([]byte, 3*r.To[0]*r.To[1])
		r.fit(p, out)
		lo, hi := byte(255), byte(0)
		for _, v := range p.rgb {
			lo, hi = min(lo, v), max(hi, v)
		}
		for _, v := range out {
			if r.Pad == 0 && (v < lo || v > hi) {
				t.Fatalf("%v of values %d to %d has %d", r, lo, hi, v)
			}
		}
	})
}

func FuzzExif(f *testing.F) {
	for _, b := range seedImages(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := orientation(b); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		// Right in front of the directory, too.
		if o := orientation(append([]byte("\xff\xd8\xff\xe1\x00\x50Exif\x00\x00"), b...)); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
	})
}

func FuzzPack(f *testing.F) {
	files := map[string][]byte{}
	for i := range 6 {
		files["a/"+string(rune('0'+i))+".png"] = asPNG(f, grays(2, byte(i), 1, 2, 3))
		files["b/"+string(rune('0'+i))+".png"] = asPNG(f, grays(2, byte(i), 1, 2, 4))
	}
	s := Source{Folder: folder(f, files)}
	path, err := s.buildPack(f.Context(), f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte(packMagic + "\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "p")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := openPack(path)
		if err != nil {
			return
		}
		d, err := p.load(s)
		if err != nil {
			return
		}
		x := make([]float32, d.Features)
		for i := range d.Train.Len() {
			d.Train.Read(x, i)
		}
	})
}
