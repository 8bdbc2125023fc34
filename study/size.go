package study

import (
	"encoding/json"
	"fmt"

	"budwood/search"
)

// mostSent bounds what one activity answers, as JSON. A Temporal server takes 2 MiB
// unless it is told otherwise (limit.blobSize.error); an answer that it does not
// take would be asked for again, for ever.
const MaxMessage = 1 << 20

// sizeSent is the size of a value as JSON; of one that cannot be sent more than
// may be.
func MessageSize(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return MaxMessage + 1
	}
	return len(b)
}

// mostCandidate is how long the names and values of one candidate may be: tasks
// hold them, of several candidates together.
const mostCandidate = MaxMessage / 4

// candidateSize bounds how long a candidate is, as JSON, and tells which parameter
// takes the most of it.
func (s *Spec) CandidateSize() (total, longest, most int) {
	for i, p := range s.Space {
		size := 0
		for _, d := range (search.Space{p}).Dims() {
			value := 24 // of a number
			for _, o := range d.Options {
				value = max(value, MessageSize(o.Value))
			}
			size += MessageSize(d.Name) + 2 + value
		}
		if total += size; size > most {
			longest, most = i, size
		}
	}
	return total, longest, most
}

// checkSize reports whether candidates are too long to be sent around, alone and as
// many together as are begun at once.
func (s *Spec) checkSize() error {
	total, longest, most := s.CandidateSize()
	if total > mostCandidate {
		return wrong(fmt.Sprintf("space[%d]", longest), "a candidate may have %d bytes, names and values together, and this parameter alone makes %d of %d: let long values stand in files, and their names here", mostCandidate, most, total)
	}
	for _, n := range []struct {
		path string
		of   int
	}{{"search.batch", s.Search.Batch}, {"search.parallel", s.Search.Parallel}} {
		if n.of*total > MaxMessage+MaxMessage/2 {
			return wrong(n.path, "%d candidates of %d bytes are too much to be sent at once: at most %d fit", n.of, total, (MaxMessage+MaxMessage/2)/total)
		}
	}
	return nil
}
