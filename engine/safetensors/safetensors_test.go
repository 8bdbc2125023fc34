package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// file is a header with its length in front and data behind it.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestRoundTrip(t *testing.T) {
	meta := map[string]string{"epoch": "3", "b": "é\"\n"}
	big := make([]float32, 40_000)
	for i := range big {
		big[i] = float32(i)
	}
	in := []Tensor{
		{Name: "0.weight", Shape: []int{2, 3}, Data: []float32{1, -2, float32(math.Inf(1)), 0, 1e-45, 6}},
		{Name: "scalar", Shape: []int{}, Data: []float32{7}},
		{Name: "none", Shape: []int{0, 4}, Data: []float32{}},
		{Name: "big", Shape: []int{200, 200}, Data: big},
	}
	for i, d := range []Dtype{F32, F64, F16, F64} { // the first with a number that has no form in 16 bits
		in[i].Type = d
	}
	var b bytes.Buffer
	if err := Write(&b, meta, in); err != nil {
		t.Fatal(err)
	}
	gotMeta, got, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotMeta, meta) || len(got) != len(in) {
		t.Fatalf("meta %v, %d tensors", gotMeta, len(got))
	}
	for _, want := range in { // an empty tensor may change places with its neighbour
		found := false
		for _, g := range got {
			want.Type = cmp.Or(want.Type, F32)
			found = found || reflect.DeepEqual(g, want)
		}
		if !found {
			t.Errorf("%s did not come back", want.Name)
		}
	}
	if n := binary.LittleEndian.Uint64(b.Bytes()); n%8 != 0 {
		t.Errorf("header of %d bytes leaves the data unaligned", n)
	}
}

// The bytes follow the format's description.
func TestWriteBytes(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, map[string]string{"k": "v"}, []Tensor{{Name: "a", Shape: []int{1, 2}, Data: []float32{1, -2}}}); err != nil {
		t.Fatal(err)
	}
	want := file(`{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}       `, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0)
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got  %q\nwant %q", b.Bytes(), want)
	}
}

// Every number of 16 bits comes back, and what lies between two of them becomes
// the nearer one, or in the middle the even one.
func TestSixteenBits(t *testing.T) {
	for _, d := range []Dtype{F16, BF16} {
		bits := func(v float32) uint16 { return binary.LittleEndian.Uint16(d.Append(nil, v)) }
		number := func(b uint16) float32 { return value(binary.LittleEndian.AppendUint16(nil, b), d) }
		for i := range 1 << 16 {
			b := uint16(i)
			v := number(b)
			if v != v {
				if w := number(bits(v)); w == w {
					t.Fatalf("%s: NaN %x became %v", d, b, w)
				}
				continue
			}
			if got := bits(v); got != b {
				t.Fatalf("%s: %x is %v, which became %x", d, b, v, got)
			}
			next := number(b + 1)
			if b&0x7fff == 0x7fff || math.IsInf(float64(v), 0) || next != next || math.IsInf(float64(next), 0) {
				continue
			}
			middle, even := float32((float64(v)+float64(next))/2), b+b&1
			if got := bits(middle); got != even {
				t.Fatalf("%s: %v between %v and %v became %x, not %x", d, middle, v, next, got, even)
			}
			if got := bits(math.Nextafter32(middle, v)); got != b {
				t.Fatalf("%s: %v nearer to %v than %v became %x", d, math.Nextafter32(middle, v), v, next, got)
			}
			if got := bits(math.Nextafter32(middle, next)); got != b+1 {
				t.Fatalf("%s: %v nearer to %v than %v became %x", d, math.Nextafter32(middle, next), next, v, got)
			}
		}
	}
}

// Files in 16 bits are half as large, and hold no number that they cannot.
func TestWriteSixteenBits(t *testing.T) {
	tensor := Tensor{Name: "w", Shape: []int{5000}, Data: make([]float32, 5000)}
	var wide, half bytes.Buffer
	tensor.Type = F32
	err := Write(&wide, nil, []Tensor{tensor})
	tensor.Type = BF16
	if err2 := Write(&half, nil, []Tensor{tensor}); err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if wide.Len()-half.Len() != 2*5000 {
		t.Errorf("%d bytes in 32 bits, %d in 16", wide.Len(), half.Len())
	}
	for d, v := range map[Dtype]float32{F16: 65520, BF16: math.MaxFloat32} {
		tensor.Type, tensor.Data[7] = d, v
		if err := Write(&bytes.Buffer{}, nil, []Tensor{tensor}); err == nil || !strings.Contains(err.Error(), "too large for "+string(d)) {
			t.Errorf("%v in %s: %v", v, d, err)
		}
		tensor.Data[7] = float32(math.Inf(-1))
		if err := Write(&bytes.Buffer{}, nil, []Tensor{tensor}); err != nil {
			t.Errorf("infinity in %s: %v", d, err)
		}
	}
}

func TestReadTypes(t *testing.T) {
	for _, c := range []struct {
		dtype string
		bytes []byte
		want  float32
	}{
		{"F64", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 1.5},
		{"F32", []byte{0, 0, 0xc0, 0x3f}, 1.5},
		{"BF16", []byte{0xc0, 0xbf}, -1.5},
		{"F16", []byte{0, 0x3e}, 1.5},
		{"F16", []byte{1, 0x80}, -1.0 / (1 << 24)},
		{"F16", []byte{0, 0x7c}, float32(math.Inf(1))},
		{"F16", []byte{0xff, 0x7b}, 65504},
	} {
		_, got, err := Read(bytes.NewReader(file(fmt.Sprintf(`{"x":{"dtype":%q,"shape":[],"data_offsets":[0,%d]}}`, c.dtype, len(c.bytes)), c.bytes...)))
		if err != nil || len(got) != 1 || got[0].Data[0] != c.want {
			t.Errorf("%s % x: got %v, %v, want %v", c.dtype, c.bytes, got, err, c.want)
		}
	}
}

func TestReadDamaged(t *testing.T) {
	ok := `{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	for _, c := range []struct {
		bytes []byte
		want  string
	}{
		{nil, "cut off"},
		{[]byte{1, 2, 3}, "cut off"},
		{file(ok)[:20], "cut off"},
		{file(ok, 1, 2, 3), `"x": the file is cut off`},
		{file(ok, 1, 2, 3, 4, 5), "bytes follow"},
		{[]byte{255, 255, 255, 255, 255, 255, 255, 255, '{'}, "allows"},
		{file(`[]`), "array"},
		{file(`{"x":1}`), `tensor "x"`},
		{file(`{"x":{"dtype":"I16","shape":[1],"data_offsets":[0,1]}}`, 1), `"I16"`},
		{file(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4), "does not fill"},
		{file(`{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 1, 2, 3, 4), `"x"`},
		{file(`{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), "does not fill"},
		{file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 1, 2, 3, 4, 5, 6, 7, 8), "begins at byte 4"},
		{file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`), "no range"},
		{file(`{"x":{"dtype":"F32","shape":[1]}}`), "no range"},
		{file(`{"__metadata__":{"a":1}}`), "metadata"},
		{file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4), "begins at byte 0"},
	} {
		_, _, err := Read(bytes.NewReader(c.bytes))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v does not say %q", c.bytes, err, c.want)
		}
	}
}

// A header that promises terabytes costs no memory.
func TestReadDoesNotOverAllocate(t *testing.T) {
	b := file(`{"x":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, 1, 2, 3, 4)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := Read(bytes.NewReader(b)); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

func TestWriteErrors(t *testing.T) {
	for _, c := range []struct {
		tensors []Tensor
		want    string
	}{
		{[]Tensor{{Name: "a", Shape: []int{2}, Data: []float32{1}}}, "do not fill"},
		{[]Tensor{{Name: "a", Shape: []int{-1}}}, "negative"},
		{[]Tensor{{Name: "a", Shape: []int{0}}, {Name: "a", Shape: []int{0}}}, "taken"},
		{[]Tensor{{Name: "__metadata__", Shape: []int{0}}}, "taken"},
		{[]Tensor{{Name: "a", Shape: []int{0}, Type: "I16"}}, `"I16"`},
	} {
		if err := Write(&bytes.Buffer{}, nil, c.tensors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v does not say %q", c.tensors, err, c.want)
		}
	}
}

// Whatever is read without an error can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add(file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Add(file(`{"__metadata__":{"a":"b"},"y":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"z":{"dtype":"F64","shape":[0],"data_offsets":[4,4]}}`, 1, 2, 3, 4))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 127})
	f.Fuzz(func(t *testing.T, b []byte) {
		meta, tensors, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, meta, tensors); err != nil {
			t.Fatalf("write what was read: %v", err)
		}
		if _, again, err := Read(&out); err != nil || len(again) != len(tensors) {
			t.Fatalf("read what was written: %v", err)
		}
	})
}

func ExampleWrite() {
	var b bytes.Buffer
	if err := Write(&b, map[string]string{"epoch": "3"}, []Tensor{{Name: "w", Shape: []int{2}, Data: []float32{1, 2}}}); err != nil {
		fmt.Println(err)
	}
	meta, tensors, err := Read(&b)
	fmt.Println(meta["epoch"], tensors, err)
	// Output: 3 [{w [2] [1 2] F32}] <nil>
}

// Integers keep their values, those of 32 bits as the bits of a float32; what is no
// integer of 8 bits is an error.
func TestIntegers(t *testing.T) {
	small, large := []float32{-128, 0, 127}, []int32{math.MinInt32, -1, 0, 0x7fc00001, math.MaxInt32}
	bits := make([]float32, len(large))
	for i, v := range large {
		bits[i] = math.Float32frombits(uint32(v))
	}
	var b bytes.Buffer
	if err := Write(&b, nil, []Tensor{{Name: "a", Shape: []int{3}, Data: small, Type: I8}, {Name: "b", Shape: []int{5}, Data: bits, Type: I32}}); err != nil {
		t.Fatal(err)
	}
	_, got, err := Read(&b)
	if err != nil || !slices.Equal(got[0].Data, small) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, v := range large {
		if g := int32(math.Float32bits(got[1].Data[i])); g != v {
			t.Errorf("%d is %d", v, g)
		}
	}
	for _, v := range []float32{128, -129, 1.5, float32(math.NaN())} {
		if err := Write(io.Discard, nil, []Tensor{{Name: "a", Shape: []int{1}, Data: []float32{v}, Type: I8}}); err == nil {
			t.Errorf("%v is written as I8", v)
		}
	}
}
