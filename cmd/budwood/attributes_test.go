package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"budwood/cmd/budwood/devserver"
	"budwood/workflows"
)

// The embedded server is set up with the search attributes that workflows use.
func TestSearchAttributesAgree(t *testing.T) {
	c, err := devserver.ReadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, kind := range workflows.Attributes() {
		want[name] = kind.String()
	}
	if diff := cmp.Diff(want, c.SearchAttributes); diff != "" {
		t.Errorf("(-workflows +temporal-dev.yaml) %s", diff)
	}
}
