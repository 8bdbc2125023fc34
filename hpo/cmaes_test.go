package hpo

import (
	"testing"

	"budwood/search/searchtest"
)

func TestCMAES(t *testing.T) { searchtest.Sampler(t, &CMAES{}) }
