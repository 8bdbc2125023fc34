package engine

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"budwood/data"
	"budwood/engine/kernel"
)

// trainedOn are the weights after some epochs on an instruction set, by way of a
// checkpoint into a trainer of the best one after the first of them.
func trainedOn(t *testing.T, cpu string, resume bool, precision Precision) []float32 {
	t.Helper()
	s := blobs(data.Shape{6, 6, 2}, 3, 60)
	compile := func(cpu string) *Trainer {
		n := mustCompile(t, Seq{Conv{Out: 4}, ReLU{}, GlobalAvgPool{}, Dense{Out: 8}, GELU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 7, CPU: cpu, Seed: 3, Precision: precision})
		return mustTrain(t, n, TrainConfig{Seed: 5, Epochs: 4})
	}
	tr := compile(cpu)
	for e := range 4 {
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
		if e == 0 && resume {
			var b bytes.Buffer
			if err := tr.Save(&b); err != nil {
				t.Fatal(err)
			}
			if tr = compile(""); precision == BF16 {
				tr = compile(cpu)
			}
			if err := tr.Load(&b); err != nil {
				t.Fatal(err)
			}
			if got := tr.Net().CPU(); got != cpu {
				t.Errorf("resumed on %s, was on %s", got, cpu)
			}
		}
	}
	return slices.Clone(tr.Net().Params())
}

// A network keeps to its instruction set: from a checkpoint on, and while others
// train on other ones. Where the sets differ in the last bits, that is seen.
func TestCPU(t *testing.T) {
	for _, precision := range []Precision{F32, BF16} {
		sets := []string{"generic", "avx2", "avx512"}
		if precision == BF16 {
			sets = append(sets, "avx512+bf16")
		}
		if sets = slices.DeleteFunc(sets, func(cpu string) bool { return !kernel.Has(cpu) }); len(sets) < 2 {
			t.Skip("this processor has one instruction set")
		}
		want := map[string][]float32{}
		for _, cpu := range sets {
			want[cpu] = trainedOn(t, cpu, false, precision)
		}
		if slices.Equal(want[sets[0]], want[sets[1]]) {
			t.Errorf("%v: %s and %s give the same bits: this test sees nothing", precision, sets[0], sets[1])
		}
		var all sync.WaitGroup
		for _, cpu := range slices.Concat(sets, sets) {
			all.Go(func() {
				if !slices.Equal(trainedOn(t, cpu, true, precision), want[cpu]) {
					t.Errorf("%v on %s: resumed beside others, other bits", precision, cpu)
				}
			})
		}
		all.Wait()
	}
}

func TestUnknownCPU(t *testing.T) {
	if _, err := Compile(Dense{Out: 2}, data.Shape{3}, Config{CPU: "mmx"}); err == nil {
		t.Error("compiled for mmx")
	}
}
