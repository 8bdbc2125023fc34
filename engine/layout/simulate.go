package layout

import "fmt"

// Time is how long a schedule takes if a micro-batch takes forward[k] and
// backward[k] seconds in piece k of the network, what it sends included. A stage
// does one op at a time in the order of its list, each as soon as what it needs has
// come: a forward the one of the piece before, a backward the one of the piece
// behind. An error tells where the schedule stands still for ever.
func (s *Schedule) Time(forward, backward []float64) (float64, error) {
	p, pieces := len(s.Stages), len(s.Stages)*s.Chunks
	if len(forward) != pieces || len(backward) != pieces {
		return 0, fmt.Errorf("times of %d and %d pieces for a schedule of %d", len(forward), len(backward), pieces)
	}
	done := make([]float64, 2*pieces*s.Micro) // when each op ended; 0: it has not, else + 1
	at := func(piece, micro int, back bool) *float64 {
		if back {
			piece += pieces
		}
		return &done[piece*s.Micro+micro]
	}
	next := make([]int, p)
	clock := make([]float64, p)
	for left := 2 * pieces * s.Micro; left > 0; {
		moved := false
		for i, ops := range s.Stages {
			for ; next[i] < len(ops); next[i]++ {
				op := ops[next[i]]
				piece, micro := int(op.Chunk)*p+i, int(op.Micro)
				before := 1.0 // nothing is waited for
				switch {
				case op.Backward && piece == pieces-1:
					before = *at(piece, micro, false)
				case op.Backward:
					before = *at(piece+1, micro, true)
				case piece > 0:
					before = *at(piece-1, micro, false)
				}
				if before == 0 {
					break
				}
				took := forward[piece]
				if op.Backward {
					took = backward[piece]
				}
				clock[i] = max(clock[i], before-1) + took
				*at(piece, micro, op.Backward) = clock[i] + 1
				moved, left = true, left-1
			}
		}
		if !moved && left > 0 {
			for i, ops := range s.Stages {
				if next[i] < len(ops) {
					return 0, fmt.Errorf("the schedule stands still: stage %d waits for ever in op %d, %+v", i, next[i], ops[next[i]])
				}
			}
			return 0, fmt.Errorf("the schedule leaves out %d ops", left)
		}
	}
	end := 0.0
	for _, c := range clock {
		end = max(end, c)
	}
	return end, nil
}

// mostOps is the work that is simulated: of a longer step only the beginning and the
// end.
const mostOps = 1 << 14

// simulate is how long the schedule of a plan takes; slowest is how long a
// micro-batch takes in the slowest stage. In the middle of a step of more than most
// ops every micro-batch takes as long as that, or, where chunks wait for each other,
// as it does between two shorter steps.
func simulate(p Plan, forward, backward []float64, slowest float64, most int) (float64, error) {
	run := func(micro int) (float64, error) {
		s, err := schedule(p.Pipeline, micro, p.Chunks) // Time finds what check would
		if err != nil {
			return 0, err
		}
		return s.Time(forward, backward)
	}
	short := 4*p.Pipeline + p.MicroBatches%p.Pipeline
	long := short + 4*p.Pipeline
	if p.MicroBatches*len(forward) <= most || p.MicroBatches <= long {
		return run(p.MicroBatches)
	}
	took, err := run(long)
	if err == nil && p.Chunks > 1 {
		before, err := run(short)
		if err != nil {
			return 0, err
		}
		slowest = max(slowest, (took-before)/float64(long-short))
	}
	return took + float64(p.MicroBatches-long)*slowest, err
}
