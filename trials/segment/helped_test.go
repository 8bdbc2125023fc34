package segment

import (
	"testing"
	"time"
)

// What notes tell of help is read back.
func TestHelped(t *testing.T) {
	notes := []string{"mesh: data 2", HelpedNote(1500*time.Millisecond, 3*time.Second), HelpedNote(250*time.Millisecond, time.Hour)}
	if got := Helped(notes); got != 1.75 {
		t.Errorf("%v s, want 1.75", got)
	}
	if want := "idle cores: they computed for 1.5 s of the 3 s beside the trial's own core; its numbers are the same without"; notes[1] != want {
		t.Errorf("%q", notes[1])
	}
}
