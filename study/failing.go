package study

import (
	"fmt"
	"strings"

	"budwood/search"
	"budwood/trials/segment"
)

// failedAtFirst is how many trials may fail while none has a value: then it is the
// program that is wrong, not the candidates.
const failedAtFirst = 10

// failing is why a study should begin no more trials after this result, for too many
// have failed; "" if it may.
func (s *Spec) Failing(b *Board, t search.Trial, r *segment.Result) string {
	failed, limit := b.Counts[search.Failed], s.MaxFailed
	if limit == 0 && len(b.Rows) == 0 {
		limit = failedAtFirst
	}
	if r.State != search.Failed || limit == 0 || failed < limit {
		return ""
	}
	return fmt.Sprintf("%d trials failed, the last one %s: %s", failed, t.Name(), strings.TrimPrefix(DescribeReason(r.Reason), "trial "+t.Name()+": "))
}
