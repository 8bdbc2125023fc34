package trials_test

import (
	"os"
	"testing"

	"budwood/trials"
	"budwood/trials/blobtest"
)

func TestDir(t *testing.T) {
	dir := t.TempDir()
	blobtest.Run(t, trials.Dir(dir), 1<<20)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("directories are left: %v, %v", left, err)
	}
}

func TestDirIsNotLeft(t *testing.T) {
	for _, key := range []string{"../a", "/a", "a/../../b"} {
		if _, err := trials.Dir(t.TempDir()).Get(t.Context(), key); err == nil || os.IsNotExist(err) {
			t.Errorf("get %s: %v", key, err)
		}
	}
}
