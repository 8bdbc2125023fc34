package reader

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"budwood/data"
)

// msg writes a protocol buffer: pairs of a field and an int, a string or bytes.
func msg(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		n := fields[i].(int)
		switch v := fields[i+1].(type) {
		case int:
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(n<<3)), uint64(v))
		case float32:
			b = binary.LittleEndian.AppendUint32(binary.AppendUvarint(b, uint64(n<<3|5)), math.Float32bits(v))
		case string:
			b = append(binary.AppendUvarint(binary.AppendUvarint(b, uint64(n<<3|2)), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(binary.AppendUvarint(b, uint64(n<<3|2)), uint64(len(v))), v...)
		}
	}
	return b
}

// info is a ValueInfoProto; 0 is a free axis.
func infoOf(name string, elem int, dims ...int) []byte {
	var shape []byte
	for _, d := range dims {
		if d == 0 {
			shape = append(shape, msg(1, msg(2, "n"))...)
		} else {
			shape = append(shape, msg(1, msg(1, d))...)
		}
	}
	return msg(1, name, 2, msg(1, msg(1, elem, 2, shape)))
}

func nodeOf(op, name, in, out string, more ...any) []byte {
	var fields []any
	for _, s := range strings.Fields(in) {
		fields = append(fields, 1, s)
	}
	return msg(append(append(fields, 2, out, 3, name, 4, op), more...)...)
}

func floatsOf(name string, values []float32, dims ...int) []byte {
	var b []byte
	for _, d := range dims {
		b = append(b, msg(1, d)...)
	}
	raw := []byte{}
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return append(b, msg(2, 1, 8, name, 9, raw)...)
}

func modelOf(opset int, fields ...any) []byte {
	return msg(1, 8, 7, msg(fields...), 8, msg(2, opset))
}

// What is not read is said in a line, with the node, the operator and the opset.
func TestRefused(t *testing.T) {
	x, y := infoOf("x", 1, 0, 3, 8, 8), infoOf("y", 1, 0, 3)
	flat := infoOf("x", 1, 0, 4)
	w := floatsOf("w", make([]float32, 8), 4, 2)
	for _, c := range []struct {
		name string
		file []byte
		want []string
	}{
		{"nothing", nil, []string{"no ONNX file"}},
		{"text", []byte("hello, this is text"), []string{"no ONNX file"}},
		{"too old", modelOf(6, 11, x, 12, y), []string{"version 6", "7 to 21"}},
		{"too new", modelOf(22, 11, x, 12, y), []string{"version 22"}},
		{"operator", modelOf(11, 1, nodeOf("Resize", "Resize_57", "x", "y"), 11, x, 12, y), []string{`node 0 "Resize_57": operator Resize (opset 11) is not read here; read are `, "Conv"}},
		{"unknown operator", modelOf(13, 1, nodeOf("NonZero", "", "x", "y"), 11, x, 12, y), []string{`node 0 "y": operator NonZero (opset 13) is not read; read are`}},
		{"control flow", modelOf(13, 1, nodeOf("If", "if", "x", "y", 5, msg(1, "then_branch", 6, msg(2, "g"))), 11, x, 12, y), []string{"operator If", "control flow"}},
		{"domain", modelOf(13, 1, nodeOf("FusedConv", "f", "x", "y", 7, "com.microsoft"), 11, x, 12, y), []string{"com.microsoft"}},
		{"two inputs", modelOf(13, 1, nodeOf("Add", "a", "x z", "y"), 11, x, 11, infoOf("z", 1, 0, 3), 12, y), []string{"2 inputs (x, z)"}},
		{"two outputs", modelOf(13, 1, nodeOf("Relu", "a", "x", "y"), 11, x, 12, y, 12, infoOf("z", 1, 0, 3)), []string{"2 outputs (y, z)"}},
		{"whole numbers", modelOf(13, 1, nodeOf("Relu", "a", "x", "y"), 11, infoOf("x", 7, 0, 3), 12, y), []string{`input "x"`, "floating-point"}},
		{"free axis", modelOf(13, 1, nodeOf("Relu", "a", "x", "y"), 11, infoOf("x", 1, 0, 3, 0), 12, y), []string{`"x"`, "axis 2 free"}},
		{"missing value", modelOf(13, 1, nodeOf("Relu", "a", "q", "y"), 11, x, 12, y), []string{`"q"`, "no node before it"}},
		{"short tensor", modelOf(13, 1, nodeOf("Relu", "a", "x", "y"), 11, x, 12, y, 5, msg(1, 1<<30, 2, 1, 8, "w", 9, "abcd")), []string{`tensor "w"`, "1 values for the shape [1073741824]"}},
		{"huge tensor", modelOf(13, 5, msg(1, 1<<30, 1, 1<<30, 1, 1<<30, 2, 1, 8, "w"), 11, x, 12, y), []string{`tensor "w"`, "is none"}},
		{"outside", modelOf(13, 5, msg(1, 4, 2, 1, 8, "w", 13, msg(1, "location", 2, "../w.bin")), 11, x, 12, y), []string{"another file"}},
		{"huge fill", modelOf(13, 1, nodeOf("ConstantOfShape", "c", "s", "k"), 1, nodeOf("Add", "a", "x k", "y"), 5, msg(1, 2, 2, 7, 8, "s", 9, string([]byte{0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0})), 11, x, 12, y), []string{"ConstantOfShape", "more than"}},
		{"weights", modelOf(13, 1, nodeOf("MatMul", "m", "x w", "y"), 5, floatsOf("w", make([]float32, 6), 3, 2), 11, flat, 12, y), []string{`node 0 "m"`, "MatMul", "do not fit"}},
		{"left over", modelOf(13, 1, nodeOf("Sqrt", "r", "x", "y"), 11, flat, 12, y), []string{"operator Sqrt (opset 13) is not read here"}},
		{"no pattern", modelOf(13, 1, nodeOf("Softmax", "s", "x", "p"), 1, nodeOf("MatMul", "m", "p w", "y"), 5, w, 11, flat, 12, y), []string{`node 0 "s"`, "Softmax"}},
		{"part", modelOf(13, 1, nodeOf("Gather", "g", "x i", "y"), 5, msg(2, 7, 8, "i", 9, "\x01\x00\x00\x00\x00\x00\x00\x00"), 11, x, 12, y), []string{`output "y"`}},
	} {
		_, err := Read(c.file, Options{})
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q does not say %q in one line", c.name, err, w)
			}
		}
	}
	if _, err := Read(modelOf(13, 1, nodeOf("Relu", "a", "x", "y"), 11, infoOf("x", 1, 0, 3, 0), 12, y), Options{In: data.Shape{4, 5}}); err == nil || !strings.Contains(err.Error(), "[3 0]") {
		t.Errorf("another shape: %v", err)
	}
	m, err := Read(modelOf(13, 1, nodeOf("Relu", "a", "x", "y"), 11, infoOf("x", 1, 0, 3, 0), 12, y), Options{In: data.Shape{3, 5}})
	if err != nil || !m.In.Equal(data.Shape{3, 5}) {
		t.Errorf("a shape given: %v, %v", m, err)
	}
}
