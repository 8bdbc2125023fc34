package quant

import (
	"bytes"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/safetensors"
)

// A network that was saved and loaded computes the same bits, and is written again byte
// for byte.
func TestSaveAndLoad(t *testing.T) {
	for _, k := range nets {
		n, s := compiled(t, k.layer, k.in, 4)
		q, err := Quantize(n, s, Options{Float: map[string][]string{"mlp": {"0"}}[k.name]})
		if err != nil {
			t.Fatal(err)
		}
		var file, again bytes.Buffer
		if err := q.Save(&file); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(bytes.NewReader(file.Bytes()), k.layer, k.in)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if !slices.Equal(outputs(t, q, s), outputs(t, loaded, s)) {
			t.Errorf("%s: another network was loaded", k.name)
		}
		if err := loaded.Save(&again); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
			t.Errorf("%s: other bytes were written: %v", k.name, err)
		}
		if n := int64(file.Len()); q.Size() != n {
			t.Errorf("%s: Size is %d, the file has %d bytes", k.name, q.Size(), n)
		}
	}
}

// A file of another network, or of none, is one clear line.
func TestLoadMistakes(t *testing.T) {
	n, s := compiled(t, nets[0].layer, nets[0].in, 4)
	q, err := Quantize(n, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var file, plain bytes.Buffer
	if err := q.Save(&file); err != nil {
		t.Fatal(err)
	}
	if err := n.Save(&plain, engine.F32); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		b     []byte
		layer engine.Layer
		in    data.Shape
		want  string
	}{
		{plain.Bytes(), nets[0].layer, nets[0].in, "it is no network in integers"},
		{file.Bytes(), nets[1].layer, nets[1].in, "tensor"},
		{file.Bytes(), nets[0].layer, data.Shape{20}, `tensor "0.codes" is [21 50] of I8, the network's [20 50] of I8`},
		{file.Bytes()[:file.Len()-3], nets[0].layer, nets[0].in, "cut off"},
	} {
		if _, err := Load(bytes.NewReader(c.b), c.layer, c.in); err == nil || !contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// Whatever the bytes, Load gives an error or a network that computes.
func FuzzLoad(f *testing.F) {
	layer, in := engine.Seq{engine.Conv{Out: 3}, engine.ReLU{}, engine.MaxPool{}, engine.Flatten{}, engine.Dense{Out: 2}}, data.Shape{4, 4, 1}
	n, s := compiled(f, layer, in, 5)
	q, err := Quantize(n, s, Options{})
	if err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	if err := q.Save(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(bytes.Replace(file.Bytes(), []byte("I8"), []byte("F8"), 1))
	damaged := slices.Clone(file.Bytes())
	for i := len(damaged) - 90; i < len(damaged); i += 7 {
		damaged[i] ^= 0xff
	}
	f.Add(damaged)
	var none bytes.Buffer
	if err := safetensors.Write(&none, map[string]string{metadata: `{"version":1,"float":["["]}`}, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(none.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := Load(bytes.NewReader(b), layer, in)
		if err == nil {
			outputs(t, q, s.Slice(0, 3))
		}
	})
}
