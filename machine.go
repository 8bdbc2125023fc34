package budwood

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"budwood/engine"
)

// MachineFile is the file of a state directory that says how fast the engine computes
// here: what budwood doctor --calibrate has measured.
func MachineFile(home string) string { return filepath.Join(home, "machine.json") }

// ReadMachine reads what was measured of this machine. Where nothing was, it is the
// built-in one.
func ReadMachine(home string) (*engine.Machine, error) {
	path := MachineFile(home)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return engine.BuiltIn(), nil
	}
	m := &engine.Machine{}
	if err == nil {
		if err = json.Unmarshal(b, m); err == nil {
			err = m.Validate()
		}
		if err != nil {
			err = fmt.Errorf("%s: %w: measure again with budwood doctor --calibrate", path, err)
		}
	}
	return m, err
}

// WriteMachine keeps what was measured of this machine.
func WriteMachine(home string, m *engine.Machine) error {
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	path := MachineFile(home)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
