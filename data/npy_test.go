package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// npy writes an array as numpy.save does: the header ends in spaces and a newline,
// so that the values begin at a multiple of 64.
func npy(kind, shape string, values any) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", kind, shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	var o binary.ByteOrder = binary.LittleEndian
	if kind[0] == '>' {
		o = binary.BigEndian
	}
	if err := binary.Write(&b, o, values); err != nil {
		panic(err)
	}
	return b.String()
}

func TestNPYTypes(t *testing.T) {
	want := []float64{1, 0, 3}
	for kind, values := range map[string]any{
		"|b1": []uint8{1, 0, 3}, "|u1": []uint8{1, 0, 3}, "|i1": []int8{1, 0, 3}, "<u2": []uint16{1, 0, 3}, ">i2": []int16{1, 0, 3},
		"<u4": []uint32{1, 0, 3}, "<i4": []int32{1, 0, 3}, ">u8": []uint64{1, 0, 3}, "<i8": []int64{1, 0, 3},
		"<f4": []float32{1, 0, 3}, ">f4": []float32{1, 0, 3}, "<f8": want, ">f8": want,
	} {
		a, err := readNPY(strings.NewReader(npy(kind, "(3,)", values)))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if got := []float64{a.at(0), a.at(1), a.at(2)}; !slices.Equal(got, want) || !slices.Equal(a.dims, []int{3}) {
			t.Errorf("%s: %v of %v", kind, got, a.dims)
		}
	}
	a, err := readNPY(strings.NewReader(npy("<i2", "(1,)", []int16{-5})))
	if err != nil || a.at(0) != -5 {
		t.Errorf("%v, %v", a, err)
	}
	// Version 2 has a longer length, and another program another order and no spaces.
	header := "{'shape':(1,2),'fortran_order':False,'descr':'|u1'}\n"
	a, err = readNPY(strings.NewReader("\x93NUMPY\x02\x00" + string([]byte{byte(len(header)), 0, 0, 0}) + header + "\x07\x08"))
	if err != nil || a.at(1) != 8 || !slices.Equal(a.dims, []int{1, 2}) {
		t.Errorf("version 2: %v, %v", a.dims, err)
	}
}

func TestNPY(t *testing.T) {
	x, y := make([]float32, 40*6), make([]int64, 40)
	for i := range y {
		y[i] = int64(i % 2 * 7)
		for j := range 6 {
			x[i*6+j] = float32(i%2*10 + j)
		}
	}
	x[5] = float32(math.NaN())
	s := Source{NPY: &NPY{X: write(t, "x", npy("<f4", "(40, 6)", x)), Y: write(t, "y", packed(npy("<i8", "(40, 1)", y)))}}
	d := load(t, s)
	if d.Task != Classification || fmt.Sprint(d.ClassNames) != "[0 7]" || d.Train.Len() != 24 || d.Valid.Len() != 8 || d.Test.Len() != 8 {
		t.Errorf("%s, classes %v, %d rows for training", d.Task, d.ClassNames, d.Train.Len())
	}
	if c := d.Columns[5]; c != (Column{Name: "x5", Kind: Numeric, Missing: 1, Distinct: 2}) {
		t.Errorf("%+v", c)
	}
	for i, c := range d.Valid.Class {
		if want := 2*float32(c) - 1; math.Abs(float64(d.Valid.X[i*d.Features]-want)) > 1e-6 {
			t.Errorf("the first value of class %d is %v", c, d.Valid.X[i*d.Features])
		}
	}

	// As pictures, with test files, as regression: the order of test rows is random, but they are those of the files.
	x[5] = 5
	s.NPY.X = write(t, "x", npy("<f4", "(40, 2, 3)", x))
	s.NPY.TestX, s.NPY.TestY = write(t, "tx", npy("<f4", "(3, 2, 3)", x[:18])), write(t, "ty", npy("<f8", "(3,)", []float64{0, 7, 1000}))
	s.Task = Regression
	d = load(t, s)
	if !d.Test.Shape.Equal(Shape{2, 3, 1}) || d.Train.Len() != 32 || d.Valid.Len() != 8 || d.Test.Len() != 3 || d.Features != 6 {
		t.Errorf("parts of %d, %d, %d rows of %v", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.Test.Shape)
	}
	var targets []float64
	for _, v := range d.Test.Target {
		targets = append(targets, math.Round(float64(v)*d.TargetScale+d.TargetMean))
	}
	slices.Sort(targets)
	if !slices.Equal(targets, []float64{0, 7, 1000}) || d.TargetMean > 7 {
		t.Errorf("targets %v, mean %v of the training rows", targets, d.TargetMean)
	}
}

func TestNPYErrors(t *testing.T) {
	x := npy("|u1", "(4, 2)", []uint8{1, 2, 3, 4, 5, 6, 7, 8})
	y := npy("|u1", "(4,)", []uint8{0, 1, 0, 1})
	inf := math.Inf(1)
	for _, c := range []struct{ name, x, y, want string }{
		{"empty", "", y, "X: the file ends within the header; fetch it again"},
		{"no array", "PK\x03\x04zipzip", y, "X: this is not an NPY file of version 1, 2 or 3; write it with numpy.save"},
		{"cut in the header", x[:30], y, "X: the file ends within the header; fetch it again"},
		{"long header", "\x93NUMPY\x02\x00\x00\x00\x01\x00", y, "X: the header is longer than 64 KiB; the file is damaged"},
		{"no dictionary", "\x93NUMPY\x01\x00\x02\x00{}", y, "X: the header does not describe a plain array of numbers; write one with numpy.save"},
		{"objects", npy("|O", "(4,)", []byte("pickle")), y, `X: the values have type "|O"; save numbers, for example float32`},
		{"text", npy("<U5", "(4,)", []byte("hello")), y, `X: the values have type "<U5"; save numbers, for example float32`},
		{"half precision", npy("<f2", "(4,)", []byte{1, 2}), y, `X: the values have type "<f2"; save numbers, for example float32`},
		{"records", strings.Replace(x, "'|u1'", "[(1)]", 1), y, "X: the header does not describe a plain array of numbers; write one with numpy.save"},
		{"Fortran", strings.Replace(x, "False", "True ", 1), y, "X: the values are in Fortran order; save numpy.ascontiguousarray of them"},
		{"no rows", npy("|u1", "(0, 2)", []uint8{}), y, "X: the shape (0, 2) has no values"},
		{"a number", npy("|u1", "()", []uint8{1}), y, "X: the shape () has no values"},
		{"a lie", npy("|u1", "(99999, 9)", []uint8{1, 2, 3}), y, "X: the file ends after 3 of 899991 bytes of values; fetch it again"},
		{"overflow", npy("|u1", "(3037000500, 9999999999)", []uint8{1, 2, 3}), y, "X: the shape (3037000500, 9999999999) is too large; the file is damaged"},
		{"overflow of one dimension", npy("|u1", "(99999999999999999999,)", []uint8{1}), y, `X: a dimension of "99999999999999999999" is too large`},
		{"too long", x + "x", y, "X: the file goes on after the 8 bytes of values of its header; fetch it again"},
		{"other number", x, npy("|u1", "(3,)", []uint8{0, 1, 0}), "X: 4 rows, but Y has 3"},
		{"one dimension", y, y, "X: 1 dimensions; give rows × features, or rows × height × width (× channels)"},
		{"several targets", x, x, "Y: the shape is 4×2; give one target a row"},
		{"infinite", npy("<f8", "(4, 1)", []float64{1, 2, inf, 4}), y, "X: value 0 of row 2 is +Inf; only finite numbers of float32's range, and NaN for missing ones, are read"},
		{"infinite target", x, npy("<f8", "(4,)", []float64{1, inf, 3, 4}), "Y: value 1 is +Inf; only finite numbers of float32's range, and NaN for missing ones, are read"},
		{"constant target", x, npy("|u1", "(4,)", []uint8{1, 1, 1, 1}), "Y: all rows have the same value; there is nothing to learn"},
		{"few rows", x, y, "X: 4 rows give 3 for training, 1 for validation and 0 for the test; each needs at least one, so raise its share or use more rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Source{NPY: &NPY{X: write(t, "x", c.x), Y: write(t, "y", c.y)}, Split: Split{Test: 0.1}}
			_, err := Load(t.Context(), s)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.NewReplacer(s.NPY.X, "X", s.NPY.Y, "Y").Replace(err.Error()); got != "read "+c.want {
				t.Errorf("got  %s\nwant read %s", got, c.want)
			}
			if e := (*Error)(nil); !errors.As(err, &e) || e.Key == "" {
				t.Errorf("%#v names no setting", err)
			}
		})
	}
}

func FuzzNPY(f *testing.F) {
	for _, s := range []string{
		npy("|u1", "(2, 2)", []uint8{1, 2, 3, 4}), npy(">f8", "(2,)", []float64{1, math.NaN()}), npy("<i4", "(1, 1, 1, 1)", []int32{-1}),
		"\x93NUMPY\x02\x00", "\x93NUMPY\x01\x00\x02\x00{}", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readNPY(bytes.NewReader(b))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("error %q", err)
			}
			return
		}
		n := Shape(a.dims).Size()
		if len(a.bytes) != n*a.width || n != a.row()*a.dims[0] {
			t.Fatalf("%d bytes of %v", len(a.bytes), a.dims)
		}
		a.at(n - 1)
	})
}
