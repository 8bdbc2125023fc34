package study_test

import (
	"testing"

	"budwood/study/studytest"
)

// Only what was derived has something to inherit.
func TestInheritNeedsParents(t *testing.T) {
	spec := studytest.Toy(t, "toy")
	spec.Search.Inherit = true
	if err := spec.Complete(); err == nil {
		t.Error("a space of numbers: no error")
	}
	spec = studytest.Digits(t, "random", nil)
	spec.Search.Inherit, spec.Search.Sampler = true, "random"
	if err := spec.Complete(); err == nil {
		t.Error("random networks: no error")
	}
}
