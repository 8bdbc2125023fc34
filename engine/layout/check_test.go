package layout

import (
	"errors"
	"strings"
	"testing"
)

// Every impossible cut is one line that says what would do.
func TestImpossibleCuts(t *testing.T) {
	p := Problem{Cluster: a100, Model: gpt.Model(2304, BF16)}
	three := 3
	for _, tt := range []struct {
		cuts Cuts
		want string
	}{
		{Cuts{Tensor: 5}, "tensor: 5 does not divide the 96 heads of layer 0 embedding: use 3, 4, 6 or 8"},
		{Cuts{Tensor: 6}, "tensor: 6 neither divides the 8 devices of a machine nor is a multiple: use 1, 2, 4 or 8"},
		{Cuts{Pipeline: 64, Tensor: 2, Data: 1}, "pipeline: 64 does not divide the 80 equal layers: use 16, 20, 40 or 80"},
		{Cuts{Pipeline: 128}, "pipeline: 128 stages: the network can be cut into at most 80"},
		{Cuts{Pipeline: 8, Tensor: 8, Data: 1}, "data: 1 × tensor 8 × pipeline 8 are 64 lanes, and there are 128 devices: use data 2"},
		{Cuts{Pipeline: 8, Tensor: 8, Data: 2, Chunks: 3}, "chunks: 3 does not divide the 10 layers of a stage: use 1, 2, 5 or 10"},
		{Cuts{Pipeline: 8, Tensor: 8, Data: 2, Chunks: 2, MicroBatches: 9}, "micro_batches: 9 is not a multiple of pipeline 8, which chunks need: use 16"},
		{Cuts{Pipeline: 8, Tensor: 8, MicroBatches: 5000}, "micro_batches: 5000 of a shard of 1152 samples: use no more than those"},
		{Cuts{Pipeline: 8, Tensor: 8, Threads: 2}, "threads: 2: use a divisor of data 2 up to 1"},
		{Cuts{Zero: &three, Recompute: "some"}, `recompute: "some": there are none, blocks and all`},
		{Cuts{Tensor: 8, Pipeline: 32}, "data: 1 × tensor 8 × pipeline 32 are 256 lanes, and there are 128 devices: tensor × pipeline has to divide 128, and 256 does not"},
		{Cuts{Pipeline: 7}, "pipeline: 7 does not divide the 128 devices: use 2, 4, 8 or 16"},
		{Cuts{Data: 3}, "data: 3 does not divide the 128 devices: use 1, 2, 4 or 8"},
		{Cuts{Data: -1}, "data: -1: use a whole number from 1 to 131072"},
	} {
		p.Fixed = tt.cuts
		_, err := p.Search()
		var field *FieldError
		if !errors.As(err, &field) || err.Error() != tt.want {
			t.Errorf("%+v: %v\nwant %s", tt.cuts, err, tt.want)
		}
	}
	p.Fixed = Cuts{}
	p.Cluster.Memory = 1e9
	if _, err := p.Search(); !errors.Is(err, ErrNoFit) || !strings.Contains(err.Error(), "would do") {
		t.Errorf("got %v", err)
	}
}

func TestImpossibleModelsAndClusters(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Problem)
		want   string
	}{
		"no machine":    {func(p *Problem) { p.Cluster.Nodes = 0 }, "nodes: it must be more than 0: machines"},
		"no memory":     {func(p *Problem) { p.Cluster.Memory = 0 }, "memory: it must be more than 0: bytes of a device, like 80GB"},
		"too slow":      {func(p *Problem) { p.Cluster.Bandwidth = 1e-300 }, "memory_bandwidth: 1e-300: use 1 to 1e+30: bytes a second, like 2.0e12"},
		"too fast":      {func(p *Problem) { p.Cluster.FLOPS = 1e300 }, "flops: 1e+300: use 1 to 1e+30: operations a second of a device, like 312e12"},
		"too many":      {func(p *Problem) { p.Cluster.Nodes = 1 << 20 }, "nodes: 1048576 × 8 devices: at most 131072 can be planned for"},
		"no batch":      {func(p *Problem) { p.Model.Batch = 0 }, "batch: 0: a step has at least 1 sample"},
		"precision":     {func(p *Problem) { p.Model.Precision = "int4" }, `precision: "int4": there are f32, bf16, fp16 and fp8`},
		"no layer":      {func(p *Problem) { p.Model.Layers = nil }, "layers: there are none"},
		"less than all": {func(p *Problem) { p.Model.Layers[3].Kept = -1 }, "layers: layer 3 (block) has an amount below 0 or none at all"},
	} {
		p := Problem{Cluster: a100, Model: gpt.Model(2304, BF16)}
		tt.change(&p)
		if _, err := p.Search(); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v\nwant %s", name, err, tt.want)
		}
	}
	if err := (GPT{Layers: 2, Hidden: 100, Heads: 7, Vocab: 10, Seq: 8}).Validate(); err == nil || err.Error() != "heads: 7 does not divide hidden 100: use 5 or 10" {
		t.Errorf("got %v", err)
	}
}
