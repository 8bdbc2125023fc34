package devserver

import (
	"maps"
	"testing"

	"budwood/workflows"
)

// A new database has the search attributes from the start; the workflows add
// them to other servers. Both must mean the same.
func TestAttributes(t *testing.T) {
	c, err := ReadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.attributeTypes()
	if err != nil {
		t.Fatal(err)
	}
	if want := workflows.Attributes(); !maps.Equal(got, want) {
		t.Errorf("%s has %v, the workflows use %v", configFile, got, want)
	}
}
