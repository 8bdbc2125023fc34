package study

import (
	"fmt"
	"runtime"
	"strings"

	"budwood/engine"
	"budwood/learn/network"
	"budwood/search"
)

// mostThreads bounds the threads of a trial.
const mostThreads = 256

// completeMesh checks how a training step is cut, against every batch of the space,
// and lets a trial ask for as many processors as it has threads.
func (s *Spec) completeMesh() error {
	m, r := &s.Mesh, &s.Resources
	if err := s.completeRanks(); err != nil {
		return err
	}
	switch {
	case m.Zero < 0 || m.Zero > 3:
		return wrong("mesh.zero", "%d: there are 0, 1, 2 and 3", m.Zero)
	case m.Zero != 0 && !m.Ranks.Several():
		return wrong("mesh.zero", "a trial has one rank, which has nobody to share the optimizer's state with: leave it out, or write ranks")
	case !m.Cuts() && m.Recompute == "":
		return nil
	}
	for _, f := range []struct {
		key   string
		value int
		most  int
	}{{"data", m.Data, 1 << 16}, {"micro_batches", m.MicroBatches, 1 << 16}, {"tensor", m.Tensor, engine.MaxTensor}, {"pipeline", m.Pipeline, engine.MaxPipeline}} {
		if f.value < 0 || f.value > f.most {
			return wrong("mesh."+f.key, "%d is outside [1, %d]", f.value, f.most)
		}
	}
	if err := s.completePipeline(); err != nil {
		return err
	}
	switch {
	case m.Recompute == engine.RecomputeAll && m.Pipeline < 2:
		return wrong("mesh.recompute", "all is of the stages of a pipeline, and of a network that is one stage it would save nothing: use blocks, or leave it out")
	case m.Threads < 0 || m.Threads > mostThreads:
		return wrong("mesh.threads", "%d is outside [1, %d]", m.Threads, mostThreads)
	case s.Command != nil:
		return wrong("mesh", "data, micro_batches and threads cut the steps of our own engine; a command makes its own use of the cores that resources.cpu gives it, and of several processes with ranks")
	case s.Search.Supernet != "":
		return wrong("mesh", "weights that candidates share (search.supernet) are trained by one thread: remove one of them")
	case r.CPU > 0 && r.CPU < m.Threads:
		return wrong("resources.cpu", "%d is less than the %d threads of mesh: use at least %d, or leave it out", r.CPU, m.Threads, m.Threads)
	}
	switch {
	case m.Auto && m.Threads == 0: // as many lanes as there are where the study starts
		if m.Threads = r.CPU; m.Threads == 0 {
			m.Threads = min(max(runtime.GOMAXPROCS(0)/max(min(s.Search.Parallel, s.Budget.Trials), 1), 1), mostThreads)
		}
	case m.Cuts() && !m.Auto:
		m.Data = m.Shards()
	}
	if s.autoRanks() {
		return nil // it is chosen once the data is known
	}
	if m.Threads > 1 {
		r.CPU = max(r.CPU, m.Threads)
	}
	if s.Data == nil || m.Auto && m.Data == 0 {
		return nil // its objective knows the batch
	}
	for _, batch := range s.ends("batch") {
		for _, accumulate := range s.ends("accumulate") {
			for _, cut := range s.meshes() {
				if err := cut.Fits(batch, accumulate); err != nil {
					return wrong("mesh", "with batch %d and accumulate %d: %s", batch, accumulate, strings.TrimPrefix(err.Error(), "mesh: "))
				}
			}
		}
	}
	return nil
}

// ends are the smallest and the largest value of a whole hyperparameter of training
// and all its options, or the only one.
func (s *Spec) ends(name string) (values []int) {
	of := func(v any) int {
		r, err := network.ReadRecipe(search.Params{name: v})
		if err != nil {
			return 1 // what is wrong with it is said elsewhere
		}
		if name == "batch" {
			return r.Batch
		}
		return r.Accumulate
	}
	for _, d := range s.Space.Dims() {
		if d.Name != name {
			continue
		}
		for _, o := range d.Options {
			values = append(values, of(o.Value))
		}
		if d.Kind != search.KindChoice {
			values = append(values, of(d.Decode(0)), of(d.Decode(1)))
		}
	}
	if len(values) > 0 {
		return values
	}
	if v, ok := s.Train[name]; ok {
		return []int{of(v)}
	}
	r, _ := network.ReadRecipe(nil)
	if name == "batch" {
		return []int{r.Batch}
	}
	return []int{r.Accumulate}
}

// DescribeMesh says into what a training step is cut, and on how many threads; "" for
// a study without a mesh.
func DescribeMesh(s *Spec) string {
	m := &s.Mesh
	if m.Ranks.Several() && s.Command != nil {
		return describeRanks(s)
	}
	again := ""
	if m.Recompute != "" {
		again = fmt.Sprintf("recompute %s: activations are computed again in the backward pass, which takes less memory and one more forward pass at most", m.Recompute)
	}
	if !m.Cuts() {
		return again
	}
	if again != "" {
		again = "; " + again
	}
	if m.Auto {
		text := "auto, on at most " + count(max(m.Threads, 1), "lane")
		if m.Threads == 1 && s.Search.Parallel > 1 {
			text += fmt.Sprintf(": the %d trials at once have the processors; with search.parallel 1 a trial has them all", s.Search.Parallel)
		}
		return text
	}
	micro := "accumulate"
	if m.MicroBatches > 0 {
		micro = fmt.Sprint(m.MicroBatches)
	} else if m.Pipeline > 1 {
		micro = fmt.Sprintf("%d or accumulate, if that is more,", m.Micro(1))
	}
	tensor, numbers := "", "data and micro_batches"
	if m.Tensor > 1 {
		tensor, numbers = fmt.Sprintf(" × tensor %d", m.Tensor), "data, micro_batches and tensor"
	}
	if m.Pipeline > 1 {
		tensor += fmt.Sprintf(" × pipeline %d", m.Pipeline)
	}
	return fmt.Sprintf("data %d × micro_batches %s%s on %d threads%s, where a step is large enough to pay for them; the numbers depend on %s alone%s", m.Shards(), micro, tensor, max(m.Threads, 1), ranksText(s), numbers, again)
}
