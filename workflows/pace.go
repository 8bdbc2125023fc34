package workflows

import (
	"budwood/search"
	"budwood/study"
)

const (
	briefTrial  = .1   // seconds: trials that take less when trained to the end are brief
	leastBatch  = .02  // seconds of training that are worth an activity
	aheadBatch  = .2   // seconds of training of one slot that are decided ahead, if nothing is learnt on the way
	batchTrials = 64   // at most
	batchEpochs = 2048 // at most: an activity's answer holds their curves, and may have 2 MB
	mostAhead   = 1024 // trials decided and not done
)

// brief reports whether trials run within the study's workflow.
func (s *studyRun) brief() bool {
	spec := &s.in.Spec
	if spec.Mesh.Ranks.Several() {
		return false
	}
	if spec.Search.Supernet != "" && s.Loop.Final { // candidates were evaluated, none was trained
		return false
	}
	return spec.Search.Batch == 0 && s.Throughput.Segments > 0 && s.Throughput.Epoch*float64(max(spec.Budget.Epochs, spec.Retrain.Epochs)) < briefTrial
}

// ahead is how many trials a slot may be given before the first is done. It is
// one for whatever learns from results: it would learn later. Else their order
// is all the same, and what trains at once is not more than the study allows.
func (s *studyRun) ahead() int {
	spec := &s.in.Spec
	if !s.brief() || spec.Learns() {
		return 1
	}
	n, epochs := 1, spec.Budget.Epochs
	size, _, _ := spec.CandidateSize()
	for 2*n <= batchTrials && 2*n*epochs <= batchEpochs && s.Throughput.Epoch*float64(2*n*epochs) <= aheadBatch && 2*n*spec.Search.Parallel <= mostAhead &&
		2*n*spec.Search.Parallel*size <= study.MaxMessage {
		n *= 2
	}
	return n
}

// slots is how many segments may be decided and not done.
func (s *studyRun) slots() int { return s.in.Spec.Search.Parallel * s.ahead() }

// batches divides segments that wait into those that are run together.
func (s *studyRun) batches(segments []search.Segment, found []search.Trial) []*child {
	brief, ahead := s.brief(), s.ahead()
	idle := max(s.in.Spec.Search.Parallel-s.running, 1)
	share := min((len(segments)+idle-1)/idle, ahead)
	size, _, _ := s.in.Spec.CandidateSize()
	var out []*child
	next, epochs := &child{within: brief}, 0
	for i, seg := range segments {
		next.segments, next.trials = append(next.segments, seg), append(next.trials, found[i])
		epochs += seg.To - seg.From
		n, full := len(next.segments), false
		switch {
		case !brief:
			full = n >= max(s.in.Spec.Search.Batch, 1)
		case n >= batchTrials || epochs >= batchEpochs || (n+1)*size > study.MaxMessage:
			full = true
		default:
			full = n >= share && s.Throughput.Epoch*float64(epochs) >= leastBatch
		}
		if full || i == len(segments)-1 {
			out = append(out, next)
			next, epochs = &child{within: brief}, 0
		}
	}
	return out
}
