package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"budwood/internal/bench"
)

// idx writes a file of unsigned bytes.
func idx(values []byte, dims ...int) string {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return string(append(b, values...))
}

// stripes are n images of 2×3 pixels, image i with value 10·(i mod 4), and its label.
func stripes(n int) (images, labels string) {
	var px, y []byte
	for i := range n {
		px = append(px, bytes.Repeat([]byte{byte(10 * (i % 4))}, 6)...)
		y = append(y, byte(i%4))
	}
	return idx(px, n, 2, 3), idx(y, n)
}

func TestIDX(t *testing.T) {
	images, labels := stripes(40)
	testImages, testLabels := stripes(8)
	s := Source{IDX: &IDX{Images: write(t, "i", packed(images)), Labels: write(t, "l", labels)}}
	d := load(t, s)
	if d.Train.Len() != 24 || d.Valid.Len() != 8 || d.Test.Len() != 8 || !d.Train.Shape.Equal(Shape{2, 3, 1}) {
		t.Errorf("parts of %d, %d, %d rows of %v", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.Train.Shape)
	}
	if strings.Join(d.ClassNames, "") != "0123" || d.Facts.Numeric != 6 || d.Facts.Rows != 40 {
		t.Errorf("classes %q, %+v", d.ClassNames, d.Facts)
	}
	// 0, 10, 20, 30 equally often: mean 15, variance 125.
	for _, set := range []*Set{d.Train, d.Valid, d.Test} {
		for i, c := range set.Class {
			for _, x := range set.X[i*6 : i*6+6] {
				if want := (10*float64(c) - 15) / math.Sqrt(125); math.Abs(float64(x)-want) > 1e-6 {
					t.Fatalf("pixel %v of class %d, want %v", x, c, want)
				}
			}
		}
	}

	s.IDX.TestImages, s.IDX.TestLabels = write(t, "ti", testImages), write(t, "tl", packed(testLabels))
	s.Image = Shape{3, 2, 1}
	d = load(t, s)
	if d.Train.Len() != 32 || d.Valid.Len() != 8 || d.Test.Len() != 8 || !d.Test.Shape.Equal(s.Image) {
		t.Errorf("with test files: parts of %d, %d, %d rows of %v", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.Test.Shape)
	}
	s.Rows = 5
	if d = load(t, s); d.Train.Len()+d.Valid.Len() != 5 || d.Test.Len() != 5 {
		t.Errorf("5 rows: parts of %d, %d, %d", d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
}

func TestIDXErrors(t *testing.T) {
	images, labels := stripes(40)
	dark := idx(make([]byte, 40), 40)
	for _, c := range []struct{ name, images, labels, want string }{
		{"empty", "", labels, "I: the file ends within the header; fetch it again"},
		{"text", "a,b\n1,2\n", labels, "I: this is not an IDX file; it would begin with two zero bytes"},
		{"floats", "\x00\x00\x0d\x01", labels, "I: the values have type 0x0d; only unsigned bytes, 0x08, are read"},
		{"no dimensions", "\x00\x00\x08\x00", labels, "I: 0 dimensions; 1 to 4 are read"},
		{"cut in the dimensions", images[:7], labels, "I: the file ends within the dimensions; fetch it again"},
		{"cut in the values", images[:100], labels, "I: the file ends after 84 of 240 bytes of values; fetch it again"},
		{"cut in gzip", packed(images)[:40], labels, "I: the file ends within the values; fetch it again"},
		{"damaged gzip", packed(images)[:len(packed(images))-8] + "checksum", labels, "I: the packed file is damaged or cut off; fetch it again (gzip: invalid checksum)"},
		{"too long", images + "x", labels, "I: the file goes on after the 240 bytes of values of its header; fetch it again"},
		{"a lie", idx(nil, 1<<31, 1<<31), labels, "I: the header promises more than 2 GiB; the file is damaged or too large"},
		{"overflow", idx(nil, 1<<16, 1<<16, 1<<16, 1<<16), labels, "I: the header promises more than 2 GiB; the file is damaged or too large"},
		{"a zero", idx(nil, 0, 2, 2), labels, "I: a dimension is 0; there are no values"},
		{"exchanged", labels, images, "L: 3 dimensions; a file of labels has 1"},
		{"labels twice", labels, labels, "I: 1 dimension; a file of images has more (are images and labels exchanged?)"},
		{"other number", images, idx(make([]byte, 39), 39), "I: 40 images, but L has 39 labels"},
		{"one class", images, dark, "L: all labels are 0; there is nothing to learn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Source{IDX: &IDX{Images: write(t, "i", c.images), Labels: write(t, "l", c.labels)}}
			_, err := Load(t.Context(), s)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.NewReplacer(s.IDX.Images, "I", s.IDX.Labels, "L").Replace(err.Error()); got != "read "+c.want {
				t.Errorf("got  %s\nwant read %s", got, c.want)
			}
			if e := (*Error)(nil); !errors.As(err, &e) || !strings.HasPrefix(e.Key, "idx.") {
				t.Errorf("%#v names no setting", err)
			}
		})
	}

	s := Source{IDX: &IDX{Images: write(t, "i", images), Labels: write(t, "l", labels)}, Image: Shape{4, 4, 1}}
	if _, err := Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), "4×4×1 are 16 values, but an image of the file has 6") {
		t.Errorf("wrong image shape: %v", err)
	}
	s.Image, s.Rows = nil, 2
	if _, err := Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), "2 rows give") {
		t.Errorf("2 rows: %v", err)
	}
	s.Rows, s.IDX.TestImages, s.IDX.TestLabels = 0, write(t, "ti", idx(make([]byte, 8), 2, 2, 2)), write(t, "tl", idx([]byte{0, 1}, 2))
	if _, err := Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), "images of 2×2, but those of") {
		t.Errorf("test images of another size: %v", err)
	}
}

// A header may lie about two gigabytes: memory follows what is there.
func TestIDXDoesNotBelieveTheHeader(t *testing.T) {
	lie := idx([]byte{1, 2, 3}, math.MaxInt32)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readIDX(strings.NewReader(lie)); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	bytes := after.TotalAlloc - before.TotalAlloc
	if bytes > 1<<20 {
		t.Errorf("%d bytes allocated for a file of %d", bytes, len(lie))
	}
}

func TestMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 70,000 images")
	}
	dir := bench.Need(t, "data", "mnist")
	f := func(name string) string { return filepath.Join(dir, name+".idx.gz") }
	d := load(t, Source{IDX: &IDX{f("train-images"), f("train-labels"), f("test-images"), f("test-labels")}})
	if d.Train.Len() != 48000 || d.Valid.Len() != 12000 || d.Test.Len() != 10000 || !d.Train.Shape.Equal(Shape{28, 28, 1}) || d.Classes != 10 {
		t.Errorf("parts of %d, %d, %d rows of %v", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.Train.Shape)
	}
}

func FuzzIDX(f *testing.F) {
	images, labels := stripes(3)
	for _, s := range []string{images, labels, images[:20], images + "x", idx(nil, 1<<31, 1<<31), "", "\x00\x00\x08\x04"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := readIDX(bytes.NewReader(b))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("error %q", err)
			}
			return
		}
		if got := idx(x.values, x.dims...); got != string(b) || len(x.values) != Shape(x.dims).Size() {
			t.Fatalf("%q was read as %v", b, slices.Clip(x.dims))
		}
	})
}
