package engine

import (
	"testing"

	"budwood/data"
)

// More rows take longer, a row of many less than one alone, and a wider network longer
// than a narrow one.
func TestLatency(t *testing.T) {
	of := func(width, rows int) float64 {
		t.Helper()
		s, err := Latency(Seq{Dense{Out: width}, ReLU{}, Dense{Out: 10}}, data.Shape{64}, Config{}, rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if one, many, wide := of(64, 1), of(64, 64), of(256, 64); !(one < many && many < 64*one && many < wide && one > 1e-8 && wide < 1e-3) {
		t.Errorf("1 row %v s, 64 rows %v s, four times as wide %v s", one, many, wide)
	}
	if _, err := Latency(Seq{Conv{Out: 3}}, data.Shape{5}, Config{}, 1, nil); err == nil {
		t.Error("a network that does not fit takes time")
	}
}
