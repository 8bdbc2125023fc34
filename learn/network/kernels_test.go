package network

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"budwood/engine/kernel"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

// segmentHere trains one segment in this process: what a child process of the
// tests below does under another ENGINE_CPU.
func segmentHere(blobs string, from, to int, precision string) (segment.Result, error) {
	s := supervised(false)
	task := newTask(from, to)
	task.Trial.Params = search.Params{"lr": 0.02, "batch": 8, "precision": precision}
	task.Objectives = []search.Objective{{Metric: "valid_loss"}}
	return (&trials.Runner{Blobs: blob.Dir(blobs)}).Run(context.Background(), task, s.Train, nil)
}

// TestSegmentChild is no test: see segmentOn.
func TestSegmentChild(t *testing.T) {
	var in struct {
		Blobs, Precision, Out string
		From, To              int
	}
	if os.Getenv("BUDWOOD_TEST_SEGMENT") == "" {
		t.Skip("not asked for")
	}
	if err := json.Unmarshal([]byte(os.Getenv("BUDWOOD_TEST_SEGMENT")), &in); err != nil {
		t.Fatal(err)
	}
	r, err := segmentHere(in.Blobs, in.From, in.To, in.Precision)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.Out, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// segmentOn trains a segment in a process of an instruction set.
func segmentOn(t *testing.T, cpu, blobs string, from, to int, precision string) (r segment.Result) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "result.json")
	in, err := json.Marshal(map[string]any{"Blobs": blobs, "Precision": precision, "Out": out, "From": from, "To": to})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestSegmentChild$")
	cmd.Env = append(os.Environ(), "ENGINE_CPU="+cpu, "BUDWOOD_TEST_SEGMENT="+string(in))
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	b, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A trial keeps its instruction set on a machine that has more, bit for bit; on
// one that has less, its record says so.
func TestKernelsOfResumedTrial(t *testing.T) {
	sets := []string{"generic", "avx2", "avx512"}
	for len(sets) > 0 && !kernel.Has(sets[len(sets)-1]) {
		sets = sets[:len(sets)-1]
	}
	if len(sets) < 2 {
		t.Skip("this processor has one instruction set")
	}
	best := sets[len(sets)-1]
	for _, precision := range []string{"float32", "bfloat16"} {
		seen := map[string]bool{}
		for _, cpu := range sets {
			straight, mixed := t.TempDir(), t.TempDir()
			segmentOn(t, cpu, straight, 0, 3, precision)
			want := segmentOn(t, cpu, straight, 3, 9, precision)
			first := segmentOn(t, cpu, mixed, 0, 3, precision)
			got := segmentOn(t, best, mixed, 3, 9, precision)
			if !reflect.DeepEqual(got.Curve, want.Curve) || got.Notes != nil || got.Kernels != first.Kernels || !strings.HasPrefix(got.Kernels, cpu) {
				t.Errorf("%s, %s and then %s: %v on %s (%q), want %v", precision, cpu, best, got.Curve, got.Kernels, got.Notes, want.Curve)
			}
			b, _ := json.Marshal(want.Curve)
			seen[string(b)] = true
		}
		if len(seen) < 2 {
			t.Errorf("%s: all instruction sets give the same bits: this test sees nothing", precision)
		}
		blobs := t.TempDir()
		was := segmentOn(t, best, blobs, 0, 3, precision).Kernels
		lesser := sets[len(sets)-2]
		got := segmentOn(t, lesser, blobs, 3, 9, precision)
		want := "from epoch 4 on " + lesser + " instead of " + was + ", which this machine lacks: last bits may differ"
		if got.Kernels != lesser || len(got.Notes) != 1 || got.Notes[0] != want {
			t.Errorf("%s on %s: %q, want %q", precision, got.Kernels, got.Notes, want)
		}
	}
}
