package engine

import (
	"slices"
	"testing"

	"budwood/data"
)

func TestBackwardIsTheGradientOfTheOutputs(t *testing.T) {
	n, err := Compile(Seq{Dense{Out: 2}}, data.Shape{3}, Config{Batch: 4, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Backward([]float32{1, 2, 3, 4, 5, 6}, []float32{1, 0, 1, 0}); err != nil {
		t.Fatal(err)
	}
	// d(y₀₀ + y₁₀)/dw is the sum of the inputs in the first column
	if want := []float32{5, 0, 7, 0, 9, 0, 2, 0}; !slices.Equal(n.Grads(), want) {
		t.Errorf("gradient %v, want %v", n.Grads(), want)
	}
	if n.Backward(make([]float32, 15), make([]float32, 10)) == nil || n.Backward([]float32{1}, []float32{1}) == nil {
		t.Error("accepted rows that do not fit")
	}
}

func TestWatchShowsEveryLayer(t *testing.T) {
	n, err := Compile(Seq{Conv{Out: 4}, ReLU{}, BatchNorm{}, GELU{}, Dense{Out: 2}}, data.Shape{4, 4, 1}, Config{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	err = n.Watch(make([]float32, 32), func(layer string, out []float32) {
		seen = append(seen, layer)
		if want := map[bool]int{true: 4, false: 2 * 64}[layer == "Dense(2)"]; len(out) != want {
			t.Errorf("%s: %d values, want %d", layer, len(out), want)
		}
	})
	if want := []string{"Conv(4, 3×3)", "ReLU", "BatchNorm", "GELU", "Dense(2)"}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("saw %q, %v, want %q", seen, err, want)
	}
}

func TestInputsShowsWhatWeightsMultiply(t *testing.T) {
	l := Seq{Conv{Out: 4}, ReLU{}, MaxPool{}, Residual{Body: Seq{Conv{Out: 6}}}, SqueezeExcite{}, Dense{Out: 2}}
	n, err := Compile(l, data.Shape{4, 4, 1}, Config{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var sizes []int
	x := make([]float32, 32)
	for i := range x {
		x[i] = float32(i)
	}
	err = n.Inputs(x, func(weight string, in []float32) {
		names, sizes = append(names, weight), append(sizes, len(in))
		if weight == "0.weight" && !slices.Equal(in, x) {
			t.Errorf("the first layer sees %v", in)
		}
	})
	want := []string{"0.weight", "3.body.0.weight", "3.projection.weight", "4.1.weight", "4.3.weight", "5.weight"}
	if err != nil || !slices.Equal(names, want) || !slices.Equal(sizes, []int{32, 32, 32, 12, 2, 48}) {
		t.Errorf("saw %q of %v values, %v", names, sizes, err)
	}
}
