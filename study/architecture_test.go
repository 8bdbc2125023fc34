package study_test

import (
	"testing"

	"budwood/data"
	"budwood/nas"
	"budwood/study/studytest"
)

// A limit that no network keeps is told once, under the key of the file.
func TestArchitectureOverTheLimit(t *testing.T) {
	spec := studytest.Digits(t, "small", nil)
	spec.Architecture.Limits = nas.Limits{Params: 3}
	_, err := spec.Probe(t.Context(), &data.Cache{})
	const want = "architecture: even the smallest network, dense 4 relu, is over the limit: 310 parameters are 103 times the limit of 3"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
