package budwood

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"budwood/engine"
)

// What was measured is read again; where nothing was it is the built-in machine, and a
// damaged file says what to do.
func TestMachineFile(t *testing.T) {
	home := t.TempDir()
	m, err := ReadMachine(home)
	if err != nil || !reflect.DeepEqual(m, engine.BuiltIn()) || !strings.Contains(m.Measured(), "budwood doctor --calibrate") {
		t.Fatalf("%+v, %v", m, err)
	}
	m.Peak *= 2
	if err := WriteMachine(home, m); err != nil {
		t.Fatal(err)
	}
	back, err := ReadMachine(home)
	if err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("%+v, %v", back, err)
	}
	for _, text := range []string{"{", "{}", `{"cores": 2, "peak": -1}`} {
		if err := os.WriteFile(MachineFile(home), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadMachine(home); err == nil || !strings.Contains(err.Error(), "measure again with budwood doctor --calibrate") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
