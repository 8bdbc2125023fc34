package layout

import "fmt"

// Op is a piece of a stage's work: a micro-batch forward or backward through one
// of its chunks.
type Op struct {
	Micro, Chunk int32
	Backward     bool
}

// Schedule is the order of every stage's work, one list a stage. Piece c·stages + i
// of the network is chunk c of stage i. All ranks have the same schedule.
type Schedule struct {
	Micro, Chunks int
	Stages        [][]Op
}

// OneForwardOneBackward is 1F1B (Narayanan et al. 2021, section 2.2): stage i of p
// runs min(m, p−1−i) forwards, then a forward and a backward in turn, then the rest
// backward. It holds min(m, p−i) micro-batches at a time.
func OneForwardOneBackward(stages, micro int) (*Schedule, error) {
	return Interleaved(stages, micro, 1)
}

// Interleaved is 1F1B of stages that have several chunks each (the same paper). The
// micro-batches go through a chunk in groups of p, so that p must divide their
// number; stage i begins with 2(p−1−i) + (chunks−1)·p forwards.
func Interleaved(stages, micro, chunks int) (*Schedule, error) {
	s, err := schedule(stages, micro, chunks)
	if err != nil {
		return nil, err
	}
	return s, s.check()
}

// schedule is [Interleaved] before it is checked.
func schedule(stages, micro, chunks int) (*Schedule, error) {
	switch {
	case stages < 1 || micro < 1 || chunks < 1:
		return nil, fmt.Errorf("a schedule of %d stages, %d micro-batches and %d chunks", stages, micro, chunks)
	case chunks == 1:
		return interleave(stages, micro, 1, func(i int) int { return stages - 1 - i }), nil
	case micro%stages != 0:
		return nil, fmt.Errorf("%d micro-batches cannot be interleaved over %d stages: use a multiple of %d", micro, stages, stages)
	}
	return interleave(stages, micro, chunks, func(i int) int { return 2*(stages-1-i) + (chunks-1)*stages }), nil
}

// interleave makes the lists from the number of forwards that come first.
func interleave(stages, micro, chunks int, first func(stage int) int) *Schedule {
	s := &Schedule{Micro: micro, Chunks: chunks, Stages: make([][]Op, stages)}
	n := micro * chunks
	for i := range s.Stages {
		ops := make([]Op, 0, 2*n)
		warm := min(first(i), n)
		for k := range warm {
			ops = append(ops, s.op(k, false))
		}
		for k := warm; k < n; k++ {
			ops = append(ops, s.op(k, false), s.op(k-warm, true))
		}
		for k := n - warm; k < n; k++ {
			ops = append(ops, s.op(k, true))
		}
		s.Stages[i] = ops
	}
	return s
}

// op is number k of a stage's forwards or backwards.
func (s *Schedule) op(k int, back bool) Op {
	if s.Chunks == 1 {
		return Op{Micro: int32(k), Backward: back}
	}
	p := len(s.Stages)
	chunk := k / p % s.Chunks
	if back {
		chunk = s.Chunks - 1 - chunk
	}
	return Op{Micro: int32(k/(p*s.Chunks)*p + k%p), Chunk: int32(chunk), Backward: back}
}

// check returns an error if the schedule stands still before it is done.
func (s *Schedule) check() error {
	one := make([]float64, len(s.Stages)*s.Chunks)
	_, err := s.Time(one, one)
	return err
}
