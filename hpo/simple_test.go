package hpo

import (
	"testing"

	"budwood/search/searchtest"
)

func TestRandom(t *testing.T) {
	t.Parallel()
	searchtest.Independent(t, Random{})
}
func TestHalton(t *testing.T) {
	t.Parallel()
	searchtest.Independent(t, Halton{})
}
func TestSobol(t *testing.T) { searchtest.Independent(t, Sobol{}) }
func TestGrid(t *testing.T)  { searchtest.Independent(t, Grid{Points: 60}) }
