package small

import "testing"

func TestMean(t *testing.T) {
	if m, err := Mean([]float64{1, 3, 8}); m != 4 || err != nil {
		t.Error(m, err)
	}
	if m, err := Mean(nil); m != 0 || err == nil {
		t.Error(m, err)
	}
	if m, err := Mean([]float64{5}); m != 5 || err != nil {
		t.Error(m, err)
	}
}

func TestAdult(t *testing.T) {
	if Adult(3) || !Adult(40) {
		t.Error(Adult(3), Adult(40))
	}
}

func TestBoth(t *testing.T) {
	if Both(false, false) || !Both(true, true) {
		t.Error("both")
	}
}

func TestFirst(t *testing.T) {
	if i := First([]int{4, 5, 6}, 5); i != 1 {
		t.Error(i)
	}
	if i := First([]int{4, 5, 6}, 7); i != -1 {
		t.Error(i)
	}
}

func TestHalve(t *testing.T) {
	if n := Halve(8); n != 3 {
		t.Error(n)
	}
}

func ExampleClamp() {
	println(Clamp(50))
	// Output:
}

// TestWithoutHelp fails by itself, and says nothing about mutants.
func TestWithoutHelp(t *testing.T) { t.Error("fails") }
