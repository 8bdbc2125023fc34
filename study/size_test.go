package study_test

import (
	"strings"
	"testing"

	"budwood/search"
	"budwood/study/studytest"
)

// Candidates are small enough to be sent many together.
func TestCandidatesAreSmall(t *testing.T) {
	for _, c := range []struct {
		text            int // length of an option
		batch, parallel int
		want            string
	}{
		{400_000, 0, 2, "a candidate may have 262144 bytes"},
		{4000, 1000, 2, "search.batch: 1000 candidates of 4"},
		{4000, 0, 1000, "search.parallel: 1000 candidates of 4"},
		{4000, 100, 100, ""},
	} {
		spec := studytest.Toy(t, "wide")
		spec.Space = append(spec.Space, search.Choice("text", "short", strings.Repeat("x", c.text)))
		spec.Search.Batch, spec.Search.Parallel = c.batch, c.parallel
		if err := spec.Complete(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
