package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/bmp"
)

// painted is an image of so many pixels, with a colour for each.
func painted(h, w int, at func(y, x int) color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, at(y, x))
		}
	}
	return m
}

// grays is a gray image of these values, row by row.
func grays(w int, values ...byte) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, len(values)/w))
	copy(m.Pix, values)
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exifBlock is a TIFF header with a directory that has one entry before the orientation.
func exifBlock(order binary.ByteOrder, orientation uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	add16 := func(v uint16) { b = append(b, 0, 0); order.PutUint16(b[len(b)-2:], v) }
	add32 := func(v uint32) { b = append(b, 0, 0, 0, 0); order.PutUint32(b[len(b)-4:], v) }
	add32(8)
	add16(2)
	add16(0x0100) // width
	add16(4)
	add32(1)
	add32(7)
	add16(0x0112)
	add16(3)
	add32(1)
	add16(orientation)
	add16(0)
	add32(0)
	return b
}

// withExif puts an EXIF block into a PNG or JPEG file.
func withExif(b, block []byte) []byte {
	var part []byte
	at := 2
	if bytes.HasPrefix(b, []byte(pngMagic)) {
		at = len(pngMagic) + 25 // behind IHDR
		part = binary.BigEndian.AppendUint32(nil, uint32(len(block)))
		part = append(part, "eXIf"...)
		part = append(part, block...)
		part = binary.BigEndian.AppendUint32(part, crc32.ChecksumIEEE(part[4:]))
	} else {
		part = []byte{0xff, 0xe1}
		part = binary.BigEndian.AppendUint16(part, uint16(2+len(exifHead)+len(block)))
		part = append(append(part, exifHead...), block...)
	}
	return append(append(append([]byte{}, b[:at]...), part...), b[at:]...)
}

func TestOrientation(t *testing.T) {
	// The letter P, which no turning or mirroring leaves as it is.
	letter := []byte{
		1, 1, 1,
		1, 0, 1,
		1, 1, 1,
		1, 0, 0,
	}
	for k := range letter {
		letter[k] *= 200
	}
	seen := map[int]string{ // what is to be seen of a file that is marked so
		1: "### #.# ### #..", 2: "### #.# ### ..#", 3: "..# ### #.# ###", 4: "#.. ### #.# ###",
		5: "#### #.#. ###.", 6: "#### .#.# .###", 7: ".### .#.# ####", 8: "###. #.#. ####",
	}
	for o, want := range seen {
		for name, b := range map[string][]byte{
			"png, little": withExif(asPNG(t, grays(3, letter...)), exifBlock(binary.LittleEndian, uint16(o))),
			"png, big":    withExif(asPNG(t, grays(3, letter...)), exifBlock(binary.BigEndian, uint16(o))),
			"jpeg":        withExif(asJPEG(t, grays(3, letter...)), exifBlock(binary.BigEndian, uint16(o))),
		} {
			p, err := decodePicture(b)
			if err != nil {
				t.Fatal(err)
			}
			var rows []string
			for y := range p.h {
				row := ""
				for x := range p.w {
					row += map[bool]string{true: "#", false: "."}[p.rgb[3*(y*p.w+x)] > 100]
				}
				rows = append(rows, row)
			}
			got := strings.Join(rows, " ")
			if got != want || p.turned != (o > 1) {
				t.Errorf("%s, orientation %d: %s, want %s (turned %v)", name, o, got, want, p.turned)
			}
		}
	}
	for _, o := range []uint16{0, 9, 300} { // nonsense
		if got := orientation(withExif(asPNG(t, grays(1, 1)), exifBlock(binary.BigEndian, o))); got != 1 {
			t.Errorf("orientation %d is read as %d", o, got)
		}
	}
}

// webpFile is one of the files that golang.org/x/image is tested with.
func webpFile(t testing.TB, name string) []byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	if err != nil {
		t.Skip("the module is not here")
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "testdata", name))
	if err != nil {
		t.Skip("the module is here without its tests")
	}
	return b
}

func TestDecodePicture(t *testing.T) {
	red, half := color.NRGBA{200, 10, 30, 255}, color.NRGBA{200, 10, 30, 51}
	one := func(c color.NRGBA) *image.NRGBA { return painted(2, 3, func(int, int) color.NRGBA { return c }) }
	var inBMP, inGIF bytes.Buffer
	if err := bmp.Encode(&inBMP, one(red)); err != nil {
		t.Fatal(err)
	}
	// The first of two frames covers a part of the picture only.
	first := image.NewPaletted(image.Rect(1, 0, 2, 1), color.Palette{red, color.White})
	next := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.Black, color.White})
	if err := gif.EncodeAll(&inGIF, &gif.GIF{Image: []*image.Paletted{first, next}, Delay: []int{0, 0}, Config: image.Config{Width: 3, Height: 2}}); err != nil {
		t.Fatal(err)
	}
	deep := image.NewGray16(image.Rect(0, 0, 1, 1))
	deep.SetGray16(0, 0, color.Gray16{0x00ff}) // 0.99 of 255
	deepColour := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	deepColour.SetNRGBA64(0, 0, color.NRGBA64{0xffff, 0, 0, 0x8000})
	unused := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{red, color.Transparent})
	all := func(px ...byte) []byte { return bytes.Repeat(px, 6) }
	for _, c := range []struct {
		name string
		file []byte
		want picture
	}{
		{"png", asPNG(t, one(red)), picture{w: 3, h: 2, format: "PNG", rgb: all(200, 10, 30)}},
		{"png, partly transparent", asPNG(t, one(half)), picture{w: 3, h: 2, format: "PNG", rgb: all(244, 206, 210), clear: true}},
		{"png, gray", asPNG(t, grays(2, 7, 255)), picture{w: 2, h: 1, format: "PNG", rgb: []byte{7, 7, 7, 255, 255, 255}, gray: true}},
		{"png, 16 bits", asPNG(t, deep), picture{w: 1, h: 1, format: "PNG", rgb: []byte{1, 1, 1}, gray: true, deep: true}},
		{"png, 16 bits, transparent", asPNG(t, deepColour), picture{w: 1, h: 1, format: "PNG", rgb: []byte{255, 127, 127}, deep: true, clear: true}},
		{"png, a palette with a colour that is not there", asPNG(t, unused), picture{w: 1, h: 1, format: "PNG", rgb: []byte{200, 10, 30}}},
		{"bmp", inBMP.Bytes(), picture{w: 3, h: 2, format: "BMP", rgb: all(200, 10, 30)}},
		{"gif", inGIF.Bytes(), picture{w: 3, h: 2, format: "GIF", clear: true, rgb: []byte{
			255, 255, 255, 200, 10, 30, 255, 255, 255,
			255, 255, 255, 255, 255, 255, 255, 255, 255,
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := decodePicture(c.file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, *got, cmp.AllowUnexported(picture{})); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("jpeg", func(t *testing.T) {
		p, err := decodePicture(asJPEG(t, one(red)))
		if err != nil || p.format != "JPEG" || p.gray || len(p.rgb) != 18 {
			t.Fatalf("%+v, %v", p, err)
		}
		for i, v := range p.rgb {
			if want := []int{200, 10, 30}[i%3]; max(int(v)-want, want-int(v)) > 3 {
				t.Errorf("value %d is %d, not about %d", i, v, want)
			}
		}
	})
	t.Run("webp", func(t *testing.T) { // against the same picture as a PNG
		if testing.Short() {
			t.Skip("asks the go command where the module is")
		}
		want, err := decodePicture(webpFile(t, "blue-purple-pink-large.png"))
		if err != nil {
			t.Fatal(err)
		}
		for name, most := range map[string]float64{"blue-purple-pink-large.lossless.webp": 0, "blue-purple-pink-large.no-filter.lossy.webp": 1.5} {
			got, err := decodePicture(webpFile(t, name))
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.
			for i, v := range got.rgb {
				sum += float64(v) - float64(want.rgb[i]) // a wrong range of the colours makes it lighter or darker
			}
			if mean := sum / float64(len(got.rgb)); max(mean, -mean) > most {
				t.Errorf("%s is lighter by %.2f than the PNG", name, mean)
			}
		}
	})
}

func TestBrokenPictures(t *testing.T) {
	whole := asPNG(t, painted(20, 20, func(y, x int) color.NRGBA { return color.NRGBA{byte(13 * x), byte(7 * y * x), 3, 255} }))
	// A PNG, a GIF and a BMP that claim 100,000 × 100,000 pixels.
	huge := func(w uint32) []byte {
		b := []byte("IHDR")
		b = binary.BigEndian.AppendUint32(b, w)
		b = binary.BigEndian.AppendUint32(b, w)
		b = append(b, 8, 6, 0, 0, 0)
		out := append([]byte(pngMagic), 0, 0, 0, 13)
		return binary.BigEndian.AppendUint32(append(out, b...), crc32.ChecksumIEEE(b))
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "it is neither PNG, JPEG, GIF, WebP nor BMP"},
		{"a text", []byte("these are words and no image"), "it is neither PNG, JPEG, GIF, WebP nor BMP"},
		{"half of it", whole[:len(whole)/2], "it is cut off"},
		{"the head of it", whole[:20], "it is cut off"},
		{"a JPEG that is cut off", asJPEG(t, painted(20, 20, func(y, x int) color.NRGBA { return color.NRGBA{byte(13 * x), byte(7 * y * x), 3, 255} }))[:600], "it is cut off"},
		{"huge", huge(100_000), "it says that it has 100000×100000 pixels; at most 134 million are read"},
		{"large for its bytes", huge(10_000), "it says that it has 10000×10000 pixels, for which its 33 bytes are too few"},
		{"a GIF of many pixels", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), "it says that it has 65535×65535 pixels; at most 134 million are read"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decodePicture(c.file)
		runtime.ReadMemStats(&after)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes are allocated for it", c.name, n)
		}
	}
}

func TestResize(t *testing.T) {
	p := &picture{h: 2, w: 4, rgb: make([]byte, 24)}
	for i, v := range []byte{0, 10, 20, 30, 100, 110, 120, 130} {
		for k := range 3 {
			p.rgb[3*i+k] = v + byte(k)
		}
	}
	// By hand: areas are means; between centres the weights are ¼ and ¾ at twice the size.
	for _, c := range []struct {
		r    Resize
		want []byte // the first channel
	}{
		{Resize{To: []int{2, 4}}, []byte{0, 10, 20, 30, 100, 110, 120, 130}},
		{Resize{To: []int{1, 2}}, []byte{55, 75}},
		{Resize{To: []int{2, 2}}, []byte{5, 25, 105, 125}},
		{Resize{To: []int{1, 1}}, []byte{65}},
		{Resize{To: []int{1, 3}}, []byte{53, 65, 78}}, // 4/3 pixels each: (0+10/3)·¾+50 = 52.5 is rounded up
		{Resize{To: []int{4, 4}}, []byte{0, 10, 20, 30, 25, 35, 45, 55, 75, 85, 95, 105, 100, 110, 120, 130}},
		{Resize{To: []int{2, 8}}, []byte{0, 3, 8, 13, 18, 23, 28, 30, 100, 103, 108, 113, 118, 123, 128, 130}},
		{Resize{To: []int{2, 2}, Pad: 1}, []byte{55, 75, 0, 0}},
		{Resize{To: []int{4, 4}, Pad: 2}, []byte{0, 0, 0, 0, 0, 55, 75, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{Resize{To: []int{2, 2}, Crop: true}, []byte{10, 20, 110, 120}},
		{Resize{To: []int{1, 1}, Crop: true}, []byte{65}},
	} {
		out := make([]byte, 3*c.r.To[0]*c.r.To[1])
		c.r.fit(p, out)
		var got []byte
		for i := 0; i < len(out); i += 3 {
			got = append(got, out[i])
			if out[i] > 0 && (out[i+1] != out[i]+1 || out[i+2] != out[i]+2) {
				t.Errorf("%v: the channels of pixel %d are %v", c.r, i/3, out[i:i+3])
			}
		}
		if !bytes.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.r, got, c.want)
		}
	}
}

// An area that shrinks keeps its mean, and one colour stays that colour.
func TestResizeKeepsColour(t *testing.T) {
	for _, to := range [][]int{{1, 1}, {7, 3}, {13, 11}, {64, 5}, {3, 64}, {40, 40}} {
		for _, r := range []Resize{{To: to}, {To: to, Crop: true}} {
			p := &picture{h: 13, w: 29, rgb: bytes.Repeat([]byte{255, 1, 77}, 13*29)}
			out := make([]byte, 3*to[0]*to[1])
			r.fit(p, out)
			if !bytes.Equal(out, bytes.Repeat([]byte{255, 1, 77}, to[0]*to[1])) {
				t.Errorf("%v: not one colour any more", r)
			}
		}
	}
}

// folder writes files below a new directory.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pets are images of two classes; each image is another.
func pets(t testing.TB, n int, under string) map[string][]byte {
	files, part := map[string][]byte{}, byte(0)
	if under != "" {
		part = under[1]
	}
	for i := range n {
		files[fmt.Sprintf("%scat/%02d.png", under, i)] = asPNG(t, grays(2, byte(i), 0, 0, part))
		files[fmt.Sprintf("%sdog/%02d.png", under, i)] = asPNG(t, grays(2, 0, byte(i), 255, part))
	}
	return files
}

func TestFolder(t *testing.T) {
	files := pets(t, 10, "")
	files["cat/notes.txt"] = []byte("meow")
	files["cat/.hidden.png"] = []byte("no")
	files["cat/more/deep.bin"] = asPNG(t, grays(2, 99, 98, 97, 96)) // known by its first bytes
	files["dog/broken.png"] = files["dog/00.png"][:30]
	files["loose.png"] = files["dog/00.png"]
	dir := folder(t, files)
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := Source{Folder: dir, Split: Split{Valid: .25, Test: .25, Seed: 3}}
	d, err := Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	m := d.Images
	if !d.Train.Shape.Equal(Shape{2, 2, 1}) || m.Count != 21 || m.Gray != 21 || cmp.Diff(d.ClassNames, []string{"cat", "dog"}) != "" ||
		cmp.Diff(m.Left, []LeftOut{{"dog/broken.png", "it is cut off"}}) != "" || m.LeftOut != 1 || m.Others[".txt"] != 1 || m.Resized || m.Chosen {
		t.Errorf("%v %+v", d.Train.Shape, m)
	}
	if d.Train.Len()+d.Valid.Len()+d.Test.Len() != 21 || d.Valid.Len() != 5 || d.Test.Len() != 5 || d.Train.X != nil {
		t.Errorf("%d, %d, %d rows", d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
	for _, want := range []string{`directory "empty" has no images`, "1 image beside the directories of classes", "1 .txt", "1 of 22 images cannot be read: dog/broken.png (it is cut off)"} {
		if said := fmt.Sprint(m.Said()); !strings.Contains(said, want) {
			t.Errorf("%s is not said: %s", want, said)
		}
	}
	// The values are those of the pixels, and each row has the class of its file.
	x := make([]float32, 4)
	n := d.Preparation.Pixels
	rows, _ := d.Numbers()
	for i, row := range rows.Train {
		d.Train.Read(x, i)
		back := func(k int) int { return int(float64(x[k])/n.Scale + n.Mean + .5) }
		switch {
		case d.Train.Class[i] == 1: // dog, behind 11 of cat
			if back(1) != row-11 || back(2) != 255 {
				t.Errorf("row %d has pixels %d %d", row, back(1), back(2))
			}
		case row == 10:
			if back(0) != 99 {
				t.Errorf("the last cat begins with %d", back(0))
			}
		case back(0) != row || back(2) != 0:
			t.Errorf("row %d has pixels %d %d", row, back(0), back(2))
		}
	}
	// The same source, and a copy of it elsewhere, give the same bytes.
	a, err := s.WithDigests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := s
	other.Folder = folder(t, files)
	if err := os.Mkdir(filepath.Join(other.Folder, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := other.WithDigests(t.Context())
	if err != nil || cmp.Diff(a.Digests, b.Digests) != "" || a.Digests["folder"].Size == 0 {
		t.Errorf("%v, %v, %v", a.Digests, b.Digests, err)
	}
}

func TestFoldersOfParts(t *testing.T) {
	files := pets(t, 6, "train/")
	for name, b := range pets(t, 3, "Val/") {
		files[name] = b
	}
	for name, b := range pets(t, 2, "test/") {
		files[name] = b
	}
	files["masks/cat/1.png"] = files["train/cat/00.png"]
	dir := folder(t, files)
	d, err := Load(t.Context(), Source{Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 12 || d.Valid.Len() != 6 || d.Test.Len() != 4 || d.Images.Folders != [3]string{"train", "Val", "test"} {
		t.Errorf("%d, %d, %d rows of %v", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.Images.Folders)
	}
	if said := fmt.Sprint(d.Images.Said()); !strings.Contains(said, "masks beside train: left out") {
		t.Error(said)
	}
	// Without a folder for validation it is a share of those for training.
	without := map[string][]byte{}
	for name, b := range files {
		if !strings.HasPrefix(name, "Val/") {
			without[name] = b
		}
	}
	d, err = Load(t.Context(), Source{Folder: folder(t, without), Split: Split{Valid: .25}})
	if err != nil || d.Train.Len() != 9 || d.Valid.Len() != 3 || d.Test.Len() != 4 {
		t.Fatalf("%v, %v", d, err)
	}
	// One for the test that has no classes is not used.
	for name := range files {
		if strings.HasPrefix(name, "test/") {
			delete(files, name)
		}
	}
	files["test/1.png"] = files["train/cat/00.png"]
	d, err = Load(t.Context(), Source{Folder: folder(t, files)})
	if err != nil || d.Train.Len() != 10 || d.Valid.Len() != 6 || d.Test.Len() != 2 {
		t.Fatalf("%v, %v", d, err)
	}
	if said := fmt.Sprint(d.Images.Said()); !strings.Contains(said, "test has no directories of classes with images: it is left out") {
		t.Error(said)
	}
}

func TestImageTable(t *testing.T) {
	files := pets(t, 10, "pets/")
	rows := "file,kind,owner,note\n"
	for name := range pets(t, 10, "pets/") {
		owner := "ann"
		if strings.Contains(name, "0") {
			owner = "bob"
		}
		rows += fmt.Sprintf("%s,%s,%s,x\n", name, strings.Split(name, "/")[1], owner)
	}
	files["t.csv"] = []byte(rows + "pets/none.png,cat,ann,x\n,dog,bob,x\npets/cat/01.png,,ann,x\n")
	dir := folder(t, files)
	s := Source{CSV: filepath.Join(dir, "t.csv"), Files: "file", Target: "kind", Ignore: []string{"note", "owner"}}
	d, err := Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	m := d.Images
	if m.Count != 20 || d.Dropped != 1 || cmp.Diff(m.Left, []LeftOut{{"pets/none.png", "no such file or directory"}, {"row 22", "it names no file"}}) != "" {
		t.Errorf("%d images, %d dropped, %v", m.Count, d.Dropped, m.Left)
	}
	s.Ignore = []string{"note"}
	if _, err := Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), `the table has more columns than files and target: "owner". A network reads images or columns, not both: take them out with data.ignore: [owner]`) {
		t.Error(err)
	}
	s.Split.Group = "owner"
	if d, err = Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), "each needs at least one") { // two owners, three parts
		t.Error(d, err)
	}
}

func TestImageTableOfNumbers(t *testing.T) {
	files := map[string][]byte{}
	rows := "file,age\n"
	for i := range 40 {
		files[fmt.Sprintf("%03d.png", i)] = asPNG(t, grays(1, byte(6*i)))
		rows += fmt.Sprintf("%03d.png,%g\n", i, float64(i)+.5)
	}
	files["t.csv"] = []byte(rows)
	d, err := Load(t.Context(), Source{CSV: filepath.Join(folder(t, files), "t.csv"), Files: "file", Target: "age"})
	if err != nil || d.Task != Regression || d.Train.Outputs != 1 {
		t.Fatalf("%v, %v", d, err)
	}
	x := make([]float32, 1)
	for i := range d.Train.Len() {
		d.Train.Read(x, i)
		age := float64(d.Train.Target[i])*d.TargetScale + d.TargetMean
		if px := float64(x[0])/d.Preparation.Pixels.Scale + d.Preparation.Pixels.Mean; px < 6*(age-.5)-.01 || px > 6*(age-.5)+.01 {
			t.Errorf("an image of %.3f has age %.3f", px, age)
		}
	}
}

func TestSameImages(t *testing.T) {
	files := pets(t, 6, "train/")
	for name, b := range pets(t, 2, "valid/") {
		files[name] = b
	}
	for name, b := range pets(t, 2, "test/") {
		files[name] = b
	}
	var again bytes.Buffer // the same pixels in another file
	p, err := decodePicture(files["train/cat/03.png"])
	if err != nil {
		t.Fatal(err)
	}
	if err := bmp.Encode(&again, painted(2, 2, func(y, x int) color.NRGBA {
		return color.NRGBA{p.rgb[3*(2*y+x)], p.rgb[3*(2*y+x)+1], p.rgb[3*(2*y+x)+2], 255}
	})); err != nil {
		t.Fatal(err)
	}
	files["test/cat/copy.bmp"] = again.Bytes()
	files["valid/dog/wrong.png"] = files["train/cat/00.png"]
	d, err := Load(t.Context(), Source{Folder: folder(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1 image of the validation part is in an earlier part, too, so that its results are better than they will be on new images: valid/dog/wrong.png is train/cat/00.png of the training part; remove the copies",
		"1 image of the test part is in an earlier part, too, so that its results are better than they will be on new images: test/cat/copy.bmp is train/cat/03.png of the training part; remove the copies",
		"1 image is in two classes, such as train/cat/00.png and valid/dog/wrong.png",
	}
	if d := cmp.Diff(want, d.Images.Warn); d != "" {
		t.Error(d)
	}
}

func TestChosenSize(t *testing.T) {
	big := func(h, w int, shade byte) []byte {
		return asPNG(t, painted(h, w, func(int, int) color.NRGBA { return color.NRGBA{shade, 0, shade, 255} }))
	}
	files := map[string][]byte{}
	for i := range 6 {
		files[fmt.Sprintf("a/%d.png", i)] = big(120, 90, byte(i))
		files[fmt.Sprintf("b/%d.png", i)] = big(100, 90+i, byte(100+i))
	}
	dir := folder(t, files)
	d, err := Load(t.Context(), Source{Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Train.Shape.Equal(Shape{64, 48, 3}) || !d.Images.Chosen || d.Images.Resize.Pad != 1 {
		t.Errorf("%v %+v", d.Train.Shape, d.Images.Resize)
	}
	if said := fmt.Sprint(d.Images.Said()); !strings.Contains(said, "64×48 pixels, proportions kept, black around it; choose with data.resize") {
		t.Error(said)
	}
	d, err = Load(t.Context(), Source{Folder: dir, Resize: &Resize{To: []int{5, 7}}})
	if err != nil || !d.Train.Shape.Equal(Shape{5, 7, 3}) || d.Images.Chosen || d.Images.Distorted != 12 {
		t.Fatalf("%v %v", d, err)
	}
}

func TestImageErrors(t *testing.T) {
	dir := folder(t, pets(t, 5, ""))
	file := filepath.Join(dir, "cat", "00.png")
	only := folder(t, map[string][]byte{"a/1.png": []byte("x"), "a/2.png": nil, "b/1.jpg": {0xff, 0xd8, 0xff}, "b/2.gif": nil})
	parts := pets(t, 3, "train/")
	parts["test/cow/1.png"] = asPNG(t, grays(2, 1, 2, 3, 4))
	for _, c := range []struct {
		s    Source
		want string
	}{
		{Source{Folder: dir, Target: "y"}, "data: target: leave it out; the folders are the classes"},
		{Source{Folder: dir, Image: Shape{2, 2, 1}}, "data: image: image files say how large they are; resize: {to: [height, width]} changes it"},
		{Source{Folder: dir, Resize: &Resize{To: []int{2}}}, "data: resize.to: [2] is no size; give height and width in pixels, such as [32, 32]"},
		{Source{Folder: dir, Resize: &Resize{To: []int{2, 5000}}}, "data: resize.to: 2×5000 is too large; a side has at most 4096 pixels"},
		{Source{Folder: dir, Resize: &Resize{To: []int{8, 8}, Pad: 5}}, "data: resize.pad: a border of 4 pixels leaves nothing of 8×8"},
		{Source{Folder: dir, Resize: &Resize{To: []int{8, 8}, Pad: 1, Crop: true}}, "data: resize.crop: give pad or crop: one fills up, the other cuts off"},
		{Source{CSV: "t.csv", Target: "y", Resize: &Resize{To: []int{8, 8}}}, "data: resize: belongs to images: folder, csv with files, or columns that are pixels, with image: [height, width, channels]"},
		{Source{Parquet: "t", Files: "f", Target: "y"}, "data: files: is a column of the table that names the images: give the table as csv"},
		{Source{CSV: "t", Files: "y", Target: "y"}, `data: files: "y" is another column already`},
		{Source{Folder: filepath.Join(dir, "no")}, "read F: no such file or directory"},
		{Source{Folder: file}, "read F: this is a file; name a directory that has a directory of images for each class"},
		{Source{Folder: filepath.Join(dir, "cat")}, "read F: there are 5 files, but no directory: put the images of each class into a directory with its name, or list them in a table (data: {csv: FILE, files: COLUMN, target: COLUMN})"},
		{Source{Folder: only}, "read F: none of the 4 images can be read: a/1.png (it is neither PNG, JPEG, GIF, WebP nor BMP), a/2.png (it is neither PNG, JPEG, GIF, WebP nor BMP), b/1.jpg (it is cut off) and 1 more"},
		{Source{Folder: folder(t, map[string][]byte{"a/x.txt": []byte("x")})}, "read F: there are no images in it; put those of each class into a directory with its name"},
		{Source{Folder: folder(t, map[string][]byte{"a/1.png": asPNG(t, grays(1, 2))})}, `read F: there is one class with images, "a"; there is nothing to learn`},
		{Source{Folder: folder(t, parts)}, `read F: the class "cow" is in test, but train has no image of it: add some, or take it away`},
		{Source{Folder: folder(t, pets(t, 3, "train/"))}, `read F: there is one class with images, "train"; there is nothing to learn`},
	} {
		_, err := Load(t.Context(), c.s)
		var e *Error
		if !errors.As(err, &e) || e.Path != "" && strings.ReplaceAll(err.Error(), e.Path, "F") != c.want || e.Path == "" && err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestPad(t *testing.T) {
	for in, want := range map[string]Pad{"true": 1, "false": 0, "0": 1, "4": 5} {
		var p Pad
		if err := p.UnmarshalJSON([]byte(in)); err != nil || p != want {
			t.Errorf("%s: %d, %v", in, p, err)
		}
		if out, err := p.MarshalJSON(); err != nil || in != "0" && string(out) != in {
			t.Errorf("%s comes back as %s, %v", in, out, err)
		}
	}
	var p Pad
	for _, in := range []string{"-1", `"x"`, "1.5", "[]"} {
		if p.UnmarshalJSON([]byte(in)) == nil {
			t.Errorf("%s is taken", in)
		}
	}
}

// The files of a folder are decoded once, until one of them changes.
func TestPackedOnce(t *testing.T) {
	dir := folder(t, pets(t, 5, ""))
	h := &Shared{Dir: filepath.Join(t.TempDir(), "decoded"), Log: func(text string) { t.Error(text) }}
	of := func(s Source) (string, os.FileInfo) {
		t.Helper()
		packed, done, err := h.Packed(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		done()
		st, err := os.Stat(packed.Folder)
		if err != nil {
			t.Fatal(err)
		}
		return packed.Folder, st
	}
	s := Source{Folder: dir}
	path, st := of(s)
	if again, same := of(s); again != path || !os.SameFile(st, same) {
		t.Error("decoded twice")
	}
	other := s
	other.Split.Seed, other.Rows = 5, 8 // neither changes what is decoded
	if again, same := of(other); again != path || !os.SameFile(st, same) {
		t.Error("decoded twice, as the split has changed")
	}
	other.Resize = &Resize{To: []int{3, 3}}
	if again, _ := of(other); again == path {
		t.Error("the size has changed, the file has not")
	}
	if err := os.WriteFile(filepath.Join(dir, "cat", "00.png"), asPNG(t, grays(2, 9, 9, 9, 9)), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, _ := of(s); again == path {
		t.Error("an image has changed, the file has not")
	}
	// Nothing is left of what was made on the way.
	if left, _ := filepath.Glob(filepath.Join(h.Dir, Unfinished+"*")); len(left) > 0 {
		t.Error(left)
	}
	// A cache finds it there, and a source that was decoded is decoded no more.
	c := Cache{Shared: h}
	d, err := c.Load(t.Context(), s)
	if err != nil || d.Images.Count != 10 {
		t.Fatalf("%v, %v", d, err)
	}
}

// New images are read as those that were learned from.
func TestLoadWithImages(t *testing.T) {
	files := map[string][]byte{}
	for i := range 8 {
		files[fmt.Sprintf("a/%d.png", i)] = asPNG(t, grays(2, byte(10*i), 20, 30, 40))
		files[fmt.Sprintf("b/%d.png", i)] = asPNG(t, grays(2, byte(10*i), 220, 30, 40))
	}
	s := Source{Folder: folder(t, files)}
	fresh := folder(t, map[string][]byte{
		"x/red.png":  asPNG(t, painted(2, 2, func(y, x int) color.NRGBA { return color.NRGBA{200, 100, 50, 255} })),
		"big.png":    asPNG(t, grays(4, 0, 0, 100, 100, 0, 0, 100, 100, 60, 60, 80, 80, 60, 60, 80, 80)),
		"broken.jpg": []byte("\xff\xd8\xff"),
	})
	d, n, err := LoadWithImages(t.Context(), s, fresh)
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Diff(n.Files, []string{"big.png", "x/red.png"}) != "" || cmp.Diff(n.Images.Left, []LeftOut{{"broken.jpg", "it is cut off"}}) != "" {
		t.Errorf("%v %v", n.Files, n.Images.Left)
	}
	p := d.Preparation.Pixels
	for row, want := range [][]float64{{0, 100, 60, 80}, {124, 124, 124, 124}} { // .299·200 + .587·100 + .114·50 = 124.2
		x := make([]float32, 4)
		n.Set.Read(x, row)
		for k, v := range x {
			if got := score(want[k], p.Mean, p.Scale); v != got {
				t.Errorf("value %d of %s is %v, not that of %v", k, n.Files[row], v, want[k])
			}
		}
	}
	if said := strings.Join(n.Said(), "; "); !strings.Contains(said, "1 image in colours: brightness alone is used") || !strings.Contains(said, "2×2 to 4×4 pixels: brought to 2×2") {
		t.Error(said)
	}
	for path, want := range map[string]string{
		filepath.Join(fresh, "broken.jpg"): "the image cannot be read: it is cut off",
		filepath.Join(fresh, "none"):       "no such file or directory",
		t.TempDir():                        "there are no images in it",
	} {
		if _, _, err := LoadWithImages(t.Context(), s, path); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
